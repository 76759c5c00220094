#include "audit/nix/closure.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/nix/closure_builder.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr std::string_view kStoreScheme = "store:";

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

// What a file that holds no closure is, by its first bytes; "" for not known.
std::string_view KindOf(std::string_view text) {
  using namespace std::string_view_literals;
  constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {"\x1f\x8b"sv, "gzip-compressed; decompress it first"sv},
      {"\x28\xb5\x2f\xfd"sv, "zstd-compressed; decompress it first"sv},
      {"\xfd\x37zXZ\0"sv, "xz-compressed; decompress it first"sv},
      {"BZh"sv, "bzip2-compressed; decompress it first"sv},
      {"SQLite format 3\0"sv, "a database; name its store instead, as store:ROOT"sv},
      {"\x7f"
       "ELF"sv,
       "an ELF object"sv},
      {"\x0d\0\0\0\0\0\0\0nix-archive-1"sv, "a NAR, which does not say what it refers to"sv},
      {"\1\0\0\0\0\0\0\0\x0d\0\0\0\0\0\0\0nix-archive-1"sv,
       "a nix-store --export; give nix path-info --json of it"sv},
      {"StorePath:"sv, "a narinfo, which describes one path alone"sv}};
  for (const auto& [magic, kind] : kKinds) {
    if (text.starts_with(magic)) return kind;
  }
  constexpr size_t kSniffed = 4096;
  return text.substr(0, kSniffed).find('\0') != std::string_view::npos ? "a binary file"sv : ""sv;
}

absl::Status ReadText(std::string_view text, ClosureBuilder& closure) {
  constexpr std::string_view kKnown =
      "nix path-info --json, nix-store --dump-db, nix-store -qR, closureInfo";
  if (const std::string_view kind = KindOf(text); !kind.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("is ", ToAbsl(kind)));
  }
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return absl::InvalidArgumentError("is empty");
  if (text[begin] == '{' || text[begin] == '[') return ReadPathInfoJson(text, closure);
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
  return std::move(closure).Finish();
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
  if (const std::optional<std::string> root = StoreRootOf(source)) {
    LRE_ASSIGN_OR_RETURN(const StoreDatabase store, StoreDatabase::Open(*root));
    LRE_ASSIGN_OR_RETURN(Closure closure, store.All());
    closure.source = source;
    return closure;
  }
  struct stat status;
  if (stat(source.c_str(), &status) != 0) return FileError(errno, source);
  if (S_ISDIR(status.st_mode)) {
    if (Exists(source + "/registration") && Exists(source + "/store-paths")) {
      return ReadClosureInfo(source);
    }
    return absl::InvalidArgumentError(
        absl::StrCat("closure ", Escaped(source),
                     " is a directory without closureInfo's registration and store-paths; for a "
                     "store with its database say store:",
                     Escaped(source)));
  }
  LRE_ASSIGN_OR_RETURN(const std::string text, ReadWhole(source));
  ClosureBuilder closure(source);
  if (absl::Status read = ReadText(text, closure); !read.ok()) {
    return absl::Status(read.code(),
                        absl::StrCat("closure ", Escaped(source), " ", read.message()));
  }
  return std::move(closure).Finish();
}

}  // namespace lre_audit::nix
