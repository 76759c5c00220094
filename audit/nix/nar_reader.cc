#include "audit/nix/nar_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr size_t kLongestWord = 13;  // "nix-archive-1"; "executable", "directory", ...

class Parser {
 public:
  Parser(StreamReader& reader, NarVisitor& visitor, const NarLimits& limits)
      : reader_(reader), visitor_(visitor), limits_(limits) {}

  absl::Status Run() {
    LRE_RETURN_IF_ERROR(Expect("nix-archive-1"));
    bool in_directory = false;
    LRE_ASSIGN_OR_RETURN(in_directory, ReadNode());
    // Each turn is in a directory: reads its next entry, or its end. Then the entry that it is
    // ends.
    while (in_directory) {
      LRE_ASSIGN_OR_RETURN(const bool has_entry, BeginEntry());
      if (has_entry) {
        LRE_ASSIGN_OR_RETURN(const bool is_directory, ReadNode());
        if (!is_directory) LRE_RETURN_IF_ERROR(EndEntry());
        continue;
      }
      open_.pop_back();
      in_directory = !open_.empty();
      if (in_directory) LRE_RETURN_IF_ERROR(EndEntry());
    }
    return absl::OkStatus();
  }

 private:
  struct OpenDirectory {
    size_t path_size;  // of its path, a prefix of path_
    std::string last_name;
  };

  absl::StatusOr<std::string> Word() { return reader_.String(kLongestWord, "a word"); }

  absl::Status Unexpected(uint64_t at, std::string_view found, std::string_view expected) const {
    return reader_.Malformed(
        at, absl::StrCat("\"", Escaped(found), "\" where ", ToAbsl(expected), " should be", Of()));
  }
  std::string Of() const {
    return path_.empty() ? "" : absl::StrCat(" (in \"", Escaped(path_), "\")");
  }

  absl::Status Expect(std::string_view word) {
    const uint64_t at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const std::string found, Word());
    return found == word ? absl::OkStatus()
                         : Unexpected(at, found, absl::StrCat("\"", ToAbsl(word), "\""));
  }

  // True where a directory begins, whose entries are still to come.
  absl::StatusOr<bool> ReadNode() {
    if (++entries_ > limits_.entries) {
      return absl::ResourceExhaustedError(
          absl::StrCat("more than ", limits_.entries, " entries in one NAR"));
    }
    LRE_RETURN_IF_ERROR(Expect("("));
    LRE_RETURN_IF_ERROR(Expect("type"));
    const uint64_t at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const std::string type, Word());
    if (type == "directory") {
      if (open_.size() >= limits_.depth) {
        return absl::ResourceExhaustedError(absl::StrCat(
            "at ", Hex(at), ": directories nest deeper than ", limits_.depth, " levels", Of()));
      }
      visitor_.Directory(path_);
      open_.push_back({path_.size(), {}});
      return true;
    }
    if (type == "symlink") {
      LRE_RETURN_IF_ERROR(Expect("target"));
      const uint64_t target_at = reader_.offset();
      LRE_ASSIGN_OR_RETURN(const std::string target,
                           reader_.String(limits_.target_bytes, "a symlink's target"));
      if (target.empty() || target.find('\0') != std::string::npos) {
        return Unexpected(target_at, target, "a symlink's target");
      }
      visitor_.Symlink(path_, target);
    } else if (type == "regular") {
      LRE_RETURN_IF_ERROR(ReadRegular());
    } else {
      return Unexpected(at, type, "\"regular\", \"directory\" or \"symlink\"");
    }
    LRE_RETURN_IF_ERROR(Expect(")"));
    return false;
  }

  absl::Status ReadRegular() {
    const uint64_t at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(std::string word, Word());
    const bool executable = word == "executable";
    if (executable) {
      LRE_RETURN_IF_ERROR(Expect(""));
      LRE_ASSIGN_OR_RETURN(word, Word());
    }
    if (word != "contents") return Unexpected(at, word, "\"contents\"");
    LRE_ASSIGN_OR_RETURN(const uint64_t size, reader_.Number());
    visitor_.Regular(path_, executable, size);
    for (uint64_t left = size; left > 0;) {
      absl::StatusOr<std::string_view> piece = reader_.Take(left);
      if (!piece.ok()) {
        return absl::Status(piece.status().code(),
                            absl::StrCat(piece.status().message(), Of(), ", ", left, " of ", size,
                                         " bytes of contents are missing"));
      }
      visitor_.Data(*piece);
      left -= piece->size();
    }
    LRE_RETURN_IF_ERROR(reader_.Padding(size));
    visitor_.EndRegular();
    return absl::OkStatus();
  }

  // False at the end of the directory.
  absl::StatusOr<bool> BeginEntry() {
    OpenDirectory& directory = open_.back();
    path_.resize(directory.path_size);
    const uint64_t at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const std::string word, Word());
    if (word == ")") return false;
    if (word != "entry") return Unexpected(at, word, "\"entry\" or \")\"");
    LRE_RETURN_IF_ERROR(Expect("("));
    LRE_RETURN_IF_ERROR(Expect("name"));
    const uint64_t name_at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const std::string name,
                         reader_.String(limits_.name_bytes, "a file's name"));
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
      return Unexpected(name_at, name, "a file's name");
    }
    if (!directory.last_name.empty() && name <= directory.last_name) {
      return reader_.Malformed(
          name_at, absl::StrCat("\"", Escaped(name), "\" comes after \"",
                                Escaped(directory.last_name), "\"; names must ascend", Of()));
    }
    directory.last_name = name;
    if (!path_.empty()) path_.push_back('/');
    path_ += name;
    LRE_RETURN_IF_ERROR(Expect("node"));
    return true;
  }

  absl::Status EndEntry() { return Expect(")"); }

  StreamReader& reader_;
  NarVisitor& visitor_;
  const NarLimits& limits_;
  std::string path_;
  std::vector<OpenDirectory> open_;
  uint64_t entries_ = 0;
};

}  // namespace

absl::Status ReadNar(StreamReader& reader, NarVisitor& visitor, const NarLimits& limits) {
  return Parser(reader, visitor, limits).Run();
}

}  // namespace lre_audit::nix
