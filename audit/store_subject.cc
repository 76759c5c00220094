#include "audit/store_subject.h"
#include "audit/nix/path_store.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/trees/directory_tree.h"
#include "base/status.h"
#include "base/store_path.h"

namespace lre_audit {
namespace {

// The store paths that the user's words name: a store path, a path inside one, or a symlink such as
// ./result that leads to one.
absl::StatusOr<std::vector<std::string>> RootsOf(const std::vector<std::string>& words) {
  std::set<std::string> roots;
  for (const std::string& path : words) {
    std::optional<std::string_view> found = nix::StorePathOf(path, nix::kDefaultStoreDirectory);
    std::string real;
    if (!found) {
      std::error_code error;
      real = std::filesystem::canonical(path, error).string();
      if (!error) found = nix::StorePathOf(real, nix::kDefaultStoreDirectory);
    }
    if (!found) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", path,
          "\" is no store path; give /nix/store/<hash>-<name>, a path inside one, or a "
          "symlink to one"));
    }
    roots.emplace(*found);
  }
  return std::vector<std::string>(roots.begin(), roots.end());
}

// What lies in the store directory on disk, the database's paths apart: a store that is audited
// whole answers for these too. `.links` is Nix's own.
void AddStrays(const std::string& store_directory, const std::string& root,
               const nix::Closure& known, std::vector<std::string>* paths) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root + store_directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string path = absl::StrCat(store_directory, "/", entry->path().filename().string());
    if (entry->path().filename() != ".links" && !known.paths.contains(path)) paths->push_back(path);
  }
}

}  // namespace

absl::StatusOr<OpenedStore> OpenStoreSubject(const std::vector<std::string>& words,
                                             const std::string& root, StoreReading reading) {
  OpenedStore subject;
  LRE_ASSIGN_OR_RETURN(const std::vector<std::string> roots, RootsOf(words));
  LRE_ASSIGN_OR_RETURN(const nix::StoreDatabase store, nix::StoreDatabase::Open(root));
  LRE_ASSIGN_OR_RETURN(subject.closure, roots.empty() ? store.All() : store.ClosureOf(roots));
  std::vector<std::string> paths;
  std::vector<uint64_t> sizes;
  for (const auto& [path, info] : subject.closure.paths) {
    paths.push_back(path);
    sizes.push_back(info.nar_size.value_or(0));
  }
  if (roots.empty()) AddStrays(subject.closure.store_directory, root, subject.closure, &paths);
  const std::string& directory = subject.closure.store_directory;
  if (reading == StoreReading::kNames) {
    LRE_ASSIGN_OR_RETURN(subject.tree, OpenStoreListing(root, directory, std::move(paths)));
  } else {
    LRE_ASSIGN_OR_RETURN(subject.tree, OpenStore(root, directory, paths, sizes));
  }
  return subject;
}

}  // namespace lre_audit
