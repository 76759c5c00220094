#include "audit/nix/closure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/inflate.h"
#include "audit/nix/closure_builder.h"
#include "audit/nix/path_store.h"
#include "audit/nix/stream_reader.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr std::string_view kStoreScheme = "store:";
constexpr size_t kSniffed = 4096;  // bytes that say what a file is

// The closure of a hundred thousand paths is about 50 MB.
constexpr size_t kMaxFileSize = size_t{1} << 30;

absl::Status FileError(int error, std::string_view path) {
  return absl::ErrnoToStatus(error, absl::StrCat("closure ", Escaped(path)));
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kMaxFileSize);
  if (text.ok()) return text;
  return absl::Status(text.status().code(),
                      absl::StrCat("closure ", Escaped(path), ": ", text.status().message()));
}

// A file or pipe from where it stands.
class DescriptorSource : public ByteSource {
 public:
  explicit DescriptorSource(int fd) : file_(fd), buffer_(new char[kPieceBytes]) {}
  absl::StatusOr<std::string_view> Next() override {
    ssize_t got;
    do {
      got = read(file_.fd(), buffer_.get(), kPieceBytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot read");
    return std::string_view(buffer_.get(), static_cast<size_t>(got));
  }

 private:
  const FileHandle file_;
  const std::unique_ptr<char[]> buffer_;
};

// A source whose first bytes can be looked at before they are read.
class PeekedSource : public ByteSource {
 public:
  explicit PeekedSource(ByteSource& source) : source_(source) {}

  // At least `bytes` of them, fewer where there are no more, or no more that can be read: Next()
  // says why.
  absl::StatusOr<std::string_view> Peek(size_t bytes) {
    while (head_.size() < bytes && error_.ok()) {
      const absl::StatusOr<std::string_view> piece = source_.Next();
      if (!piece.ok()) {
        if (head_.empty()) return piece.status();
        error_ = piece.status();
      } else if (piece->empty()) {
        break;
      } else {
        head_ += *piece;
      }
    }
    return std::string_view(head_);
  }
  absl::StatusOr<std::string_view> Next() override {
    if (head_read_ || head_.empty()) {
      if (!error_.ok()) return error_;
      return source_.Next();
    }
    head_read_ = true;
    return std::string_view(head_);
  }

 private:
  ByteSource& source_;
  std::string head_;
  absl::Status error_;  // behind head_
  bool head_read_ = false;
};

// What a file that holds no closure is, by its first bytes; "" for not known.
std::string_view KindOf(std::string_view text) {
  using namespace std::string_view_literals;
  constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {"\x04\x22\x4d\x18"sv, "lz4-compressed; decompress it first"sv},
      {"SQLite format 3\0"sv, "a database; name its store instead, as store:ROOT"sv},
      {"\x7f"
       "ELF"sv,
       "an ELF object"sv},
      {"PK\3\4"sv, "a zip archive"sv},
      {"\x0d\0\0\0\0\0\0\0nix-archive-1"sv,
       "a NAR, which does not say what it refers to; give the narinfo or the binary cache that it "
       "is from"sv},
      {"StoreDir:"sv, "the nix-cache-info of a binary cache; name its directory instead"sv},
      {"Derive(["sv, "a derivation; give nix derivation show of it"sv}};
  for (const auto& [magic, kind] : kKinds) {
    if (text.starts_with(magic)) return kind;
  }
  constexpr size_t kTarMagic = 257;
  if (text.size() > kTarMagic && text.substr(kTarMagic).starts_with("ustar")) {
    return "a tar archive; an image is audited with lre-audit image"sv;
  }
  return text.substr(0, kSniffed).find('\0') != std::string_view::npos ? "a binary file"sv : ""sv;
}

absl::Status ReadText(std::string_view text, ClosureBuilder& closure) {
  constexpr std::string_view kKnown =
      "nix path-info --json, nix derivation show, nix-store --dump-db, --export or -qR, "
      "exportReferencesGraph, closureInfo, narinfo";
  if (const std::string_view kind = KindOf(text); !kind.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("is ", ToAbsl(kind)));
  }
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return absl::InvalidArgumentError("is empty");
  if (text[begin] == '{' || text[begin] == '[') return ReadPathInfoJson(text, closure);
  if (LooksLikeNarInfo(text.substr(begin))) return ReadNarInfo(text.substr(begin), closure);
  if (LooksLikeRegistration(text)) return ReadRegistration(text, closure);
  if (text[begin] == '/') {
    LRE_RETURN_IF_ERROR(ReadPathList(text, closure));
    if (closure.size() > 0) return absl::OkStatus();
  }
  constexpr size_t kShown = 60;
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  return absl::InvalidArgumentError(absl::StrCat("is no closure in a known format (",
                                                 ToAbsl(kKnown), "): it begins with \"",
                                                 Escaped(line.substr(0, kShown)), "\""));
}

absl::Status Unreadable(const Inflater& inflater, const absl::Status& status) {
  const bool packed =
      inflater.compression() != Compression::kNone && inflater.compression() != Compression::kEmpty;
  return absl::Status(
      status.code(),
      absl::StrCat(packed ? absl::StrCat("is ", ToAbsl(CompressionName(inflater.compression())),
                                         "-compressed, but ")
                          : "could not be read: ",
                   status.message()));
}

// What can be had of a source, which the error ends.
absl::Status ReadUntilError(ByteSource& source, std::string& text) {
  while (true) {
    LRE_ASSIGN_OR_RETURN(const std::string_view piece, source.Next());
    if (piece.empty()) return absl::OkStatus();
    if (piece.size() > kMaxFileSize - text.size()) {
      return absl::ResourceExhaustedError(absl::StrCat("has more than ", kMaxFileSize, " bytes"));
    }
    text += piece;
  }
}

// A file in any format, packed or not. An export streams by, everything else is read whole.
absl::Status ReadSource(ByteSource& file, ClosureBuilder& closure) {
  Inflater inflater(file, {});
  PeekedSource source(inflater);
  const absl::StatusOr<std::string_view> peeked = source.Peek(kSniffed);
  if (!peeked.ok()) return Unreadable(inflater, peeked.status());
  const std::string_view head = *peeked;
  if (LooksLikeExport(head)) {
    StreamReader reader(source);
    if (absl::Status read = ReadExport(reader, closure, nullptr); !read.ok()) {
      return absl::Status(read.code(),
                          absl::StrCat("is a nix-store --export, but ", read.message()));
    }
  } else {
    if (!KindOf(head).empty()) return ReadText(head, closure);
    std::string text;
    const absl::Status ended = ReadUntilError(source, text);
    absl::Status read = ReadText(text, closure);
    if (!ended.ok()) {
      absl::Status why = Unreadable(inflater, ended);
      if (!read.ok()) return why;
      closure.Problem(
          "", absl::StrCat(why.message(), "; only the first ", text.size(), " bytes are known"));
    }
    if (!read.ok()) return read;
  }
  if (inflater.trailing_offset()) {
    closure.Problem(
        "",
        absl::StrCat("bytes at ", Hex(*inflater.trailing_offset()), ", behind the end of the ",
                     ToAbsl(CompressionName(inflater.compression())), " stream, were not read"));
  }
  return absl::OkStatus();
}

// The output of nixpkgs' closureInfo: `registration`, and in `store-paths` the same paths again.
absl::StatusOr<Closure> ReadClosureInfo(const std::string& directory) {
  LRE_ASSIGN_OR_RETURN(const std::string registration, ReadWhole(directory + "/registration"));
  LRE_ASSIGN_OR_RETURN(const std::string store_paths, ReadWhole(directory + "/store-paths"));
  ClosureBuilder closure(directory);
  LRE_RETURN_IF_ERROR(ReadRegistration(registration, closure));
  closure.set_format("closureInfo directory");
  ClosureBuilder list(directory);
  if (!closure.closure().store_directory.empty()) {
    list.set_store_directory(closure.closure().store_directory);
  }
  LRE_RETURN_IF_ERROR(ReadPathList(store_paths, list));
  Closure listed = std::move(list).Finish();
  for (const std::string& problem : listed.problems) closure.Problem("store-paths", problem);
  for (const auto& [path, info] : listed.paths) {
    if (!closure.closure().paths.contains(path)) {
      closure.Problem("store-paths", absl::StrCat(path, " is not in registration"));
    }
  }
  for (const auto& [path, info] : closure.closure().paths) {
    if (!listed.paths.contains(path)) {
      closure.Problem("registration", absl::StrCat(path, " is not in store-paths"));
    }
  }
  absl::StatusOr<Closure> usable = std::move(closure).FinishUsable();
  if (usable.ok()) return usable;
  return absl::Status(usable.status().code(),
                      absl::StrCat("closure ", Escaped(directory), " ", usable.status().message()));
}

bool Exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

}  // namespace

std::optional<std::string> StoreRootOf(std::string_view source) {
  if (!source.starts_with(kStoreScheme)) return std::nullopt;
  return std::string(source.substr(kStoreScheme.size()));
}

Closure ReachableFrom(const Closure& closure, const std::vector<std::string>& roots) {
  Closure reachable = closure;
  reachable.paths.clear();
  std::vector<std::string> open = roots;
  while (!open.empty()) {
    const std::string path = std::move(open.back());
    open.pop_back();
    const auto found = closure.paths.find(path);
    if (found == closure.paths.end() || !reachable.paths.insert(*found).second) continue;
    open.insert(open.end(), found->second.references.begin(), found->second.references.end());
  }
  return reachable;
}

absl::StatusOr<Closure> ReadClosure(const std::string& source) {
  if (IsPathStore(source)) {
    LRE_ASSIGN_OR_RETURN(const std::unique_ptr<PathStore> store, OpenPathStore(source));
    LRE_ASSIGN_OR_RETURN(Closure closure, store->All());
    closure.source = source;
    return closure;
  }
  struct stat status;
  if (stat(source.c_str(), &status) != 0) {
    const int error = errno;
    if (const size_t scheme = source.find("://"); scheme != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "closure ", Escaped(source), ": ", Escaped(source.substr(0, scheme)),
          ":// is not read; name a binary cache as file:///DIR or https://HOST, or copy the paths: "
          "nix copy --from ",
          Escaped(source), " --to file:///DIR PATH"));
    }
    return FileError(error, source);
  }
  if (S_ISDIR(status.st_mode)) {
    if (Exists(source + "/registration") && Exists(source + "/store-paths")) {
      return ReadClosureInfo(source);
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "closure ", Escaped(source),
        " is a directory without closureInfo's registration and store-paths, and without the "
        "nix-cache-info of a binary cache; for a store with its database say store:",
        Escaped(source)));
  }
  const int fd = open(source.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, source);
  DescriptorSource file(fd);
  ClosureBuilder closure(source);
  const absl::Status read = ReadSource(file, closure);
  absl::StatusOr<Closure> usable =
      read.ok() ? std::move(closure).FinishUsable() : absl::StatusOr<Closure>(read);
  if (usable.ok()) return usable;
  return absl::Status(usable.status().code(),
                      absl::StrCat("closure ", Escaped(source), " ", usable.status().message()));
}

}  // namespace lre_audit::nix
