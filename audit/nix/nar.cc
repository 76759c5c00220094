#include "audit/nix/nar.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

// Framing strings are a few bytes each: EVP gets them in pieces of this size, and file contents
// that are at least as large without a copy.
constexpr size_t kBufferSize = 8192;

// A string of the NAR is padded with zeros to a multiple of this.
constexpr uint64_t kAlignment = 8;

// '/' ends a component, and a component that is a prefix of another comes first.
int ComponentOrder(char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); }

absl::Status CheckPath(std::string_view path) {
  for (size_t begin = 0; begin <= path.size() && !path.empty();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("\"", Escaped(path), "\": \"", Escaped(name),
                                                     "\" is no file name that a NAR can hold"));
    }
    begin = end + 1;
  }
  return absl::OkStatus();
}

}  // namespace

bool NarLess(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return ComponentOrder(x) < ComponentOrder(y);
  });
}

struct NarHasher::State {
  // A directory that has been announced and not been closed yet.
  struct OpenDirectory {
    size_t path_size;        // of its path, a prefix of `directory`
    std::string last_entry;  // the name of its last entry so far
  };

  Sha256 sha256;
  std::string buffer;
  uint64_t size = 0;  // bytes of the NAR so far

  bool has_root = false;
  std::vector<OpenDirectory> open;
  std::string directory;  // path of open.back()

  bool in_file = false;
  std::string file;           // path of the regular file whose contents are due
  uint64_t file_size = 0;     // as announced
  uint64_t file_missing = 0;  // bytes still due

  absl::Status error;  // the first one; the object is of no use after it

  absl::Status Fail(absl::Status status) {
    error = status;
    return status;
  }

  void Flush() {
    sha256.Update(buffer);
    buffer.clear();
  }

  void Raw(std::string_view bytes) {
    size += bytes.size();
    if (buffer.size() + bytes.size() > kBufferSize) Flush();
    if (bytes.size() >= kBufferSize) {
      sha256.Update(bytes);
    } else {
      buffer.append(bytes);
    }
  }

  void Length(uint64_t length) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
    Raw({bytes, sizeof bytes});
  }

  void Padding(uint64_t length) {
    static constexpr char kZeros[kAlignment] = {};
    Raw({kZeros, (kAlignment - length % kAlignment) % kAlignment});
  }

  void String(std::string_view s) {
    Length(s.size());
    Raw(s);
    Padding(s.size());
  }

  template <typename... Strings>
  void Write(const Strings&... strings) {
    (String(strings), ...);
  }

  // Ends the node of an entry, and the entry itself unless it is the root.
  void EndNode(bool is_root) {
    String(")");
    if (!is_root) String(")");
  }

  void CloseDirectory() {
    open.pop_back();
    EndNode(open.empty());
    directory.resize(open.empty() ? 0 : open.back().path_size);
  }

  // Everything of the NAR up to the node of the entry `path`.
  absl::Status Begin(std::string_view path) {
    LRE_RETURN_IF_ERROR(error);
    if (in_file) return Fail(MissingData());
    if (absl::Status status = CheckPath(path); !status.ok()) return Fail(status);
    if (!has_root) {
      if (!path.empty()) return Fail(OutOfOrder(path, "comes before the store path itself"));
      has_root = true;
      Write("nix-archive-1");
      return absl::OkStatus();
    }
    if (path.empty()) return Fail(OutOfOrder(path, "appears twice"));

    const size_t slash = path.rfind('/');
    const std::string_view parent = path.substr(0, slash == std::string_view::npos ? 0 : slash);
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    while (!open.empty() && directory != parent) CloseDirectory();
    if (open.empty()) return Fail(OutOfOrder(path, "does not follow its directory"));
    std::string& last = open.back().last_entry;
    if (name == last) return Fail(OutOfOrder(path, "appears twice"));
    if (name < last) {
      return Fail(OutOfOrder(path, absl::StrCat("comes after \"", Escaped(last), "\"")));
    }
    last = name;
    Write("entry", "(", "name", name, "node");
    return absl::OkStatus();
  }

  static absl::Status OutOfOrder(std::string_view path, std::string_view why) {
    return absl::FailedPreconditionError(
        absl::StrCat("not in NAR order: \"", Escaped(path), "\" ", ToAbsl(why)));
  }

  absl::Status MissingData() const {
    return absl::DataLossError(absl::StrCat("\"", Escaped(file), "\": ", file_size - file_missing,
                                            " bytes of contents, ", file_size, " announced"));
  }

  void EndFile() {
    Padding(file_size);
    in_file = false;
    EndNode(open.empty());
  }
};

NarHasher::NarHasher() : state_(std::make_unique<State>()) {}
NarHasher::~NarHasher() = default;
NarHasher::NarHasher(NarHasher&&) noexcept = default;
NarHasher& NarHasher::operator=(NarHasher&&) noexcept = default;

absl::Status NarHasher::Directory(std::string_view path) {
  LRE_RETURN_IF_ERROR(state_->Begin(path));
  state_->Write("(", "type", "directory");
  state_->open.push_back({path.size(), {}});
  state_->directory = path;
  return absl::OkStatus();
}

absl::Status NarHasher::Symlink(std::string_view path, std::string_view target) {
  LRE_RETURN_IF_ERROR(state_->Begin(path));
  state_->Write("(", "type", "symlink", "target", target);
  state_->EndNode(state_->open.empty());
  return absl::OkStatus();
}

absl::Status NarHasher::Regular(std::string_view path, bool executable, uint64_t size) {
  LRE_RETURN_IF_ERROR(state_->Begin(path));
  state_->Write("(", "type", "regular");
  if (executable) state_->Write("executable", "");
  state_->Write("contents");
  state_->Length(size);
  state_->in_file = true;
  state_->file = path;
  state_->file_size = state_->file_missing = size;
  if (size == 0) state_->EndFile();
  return absl::OkStatus();
}

absl::Status NarHasher::Data(std::string_view piece) {
  LRE_RETURN_IF_ERROR(state_->error);
  if (piece.empty()) return absl::OkStatus();
  if (!state_->in_file || piece.size() > state_->file_missing) {
    return state_->Fail(
        absl::DataLossError(absl::StrCat("\"", Escaped(state_->file), "\": more contents than the ",
                                         state_->file_size, " bytes announced")));
  }
  state_->Raw(piece);
  state_->file_missing -= piece.size();
  if (state_->file_missing == 0) state_->EndFile();
  return absl::OkStatus();
}

absl::StatusOr<NarHasher::Result> NarHasher::Finish() {
  LRE_RETURN_IF_ERROR(state_->error);
  if (state_->in_file) return state_->Fail(state_->MissingData());
  if (!state_->has_root) return state_->Fail(absl::InvalidArgumentError("a NAR without entries"));
  while (!state_->open.empty()) state_->CloseDirectory();
  state_->Flush();
  Result result{absl::StrCat("sha256:", state_->sha256.FinishHex()), state_->size};
  state_->error = absl::FailedPreconditionError("this NAR is finished");
  return result;
}

}  // namespace lre_audit::nix
