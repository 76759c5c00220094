#include "audit/store_subject.h"
#include "audit/nix/path_store.h"
#include "audit/trees/nar_tree.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "audit/trees/directory_tree.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// The store paths that the user's words name: a store path, a path inside one, or a symlink such as
// ./result that leads to one.
absl::StatusOr<std::vector<std::string>> RootsOf(const std::vector<std::string>& words,
                                                 std::string_view store_directory) {
  std::set<std::string> roots;
  for (const std::string& path : words) {
    std::optional<std::string_view> found = nix::StorePathOf(path, store_directory);
    std::string real;
    if (!found) {
      std::error_code error;
      real = std::filesystem::canonical(path, error).string();
      // A link to what is only elsewhere leads nowhere here.
      if (error) real = std::filesystem::read_symlink(path, error).string();
      if (!error) found = nix::StorePathOf(real, store_directory);
    }
    if (!found) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", path, "\" is no store path; give ", ToAbsl(store_directory),
                       "/<hash>-<name>, a path inside one, or a symlink to one"));
    }
    roots.emplace(*found);
  }
  return std::vector<std::string>(roots.begin(), roots.end());
}

// What lies in the store directory on disk, the database's paths apart: a store that is audited
// whole answers for these too. `.links` is Nix's own.
void AddStrays(const std::string& store_directory, const std::string& root,
               const nix::Closure& known, std::vector<std::string>* paths) {
  absl::flat_hash_set<std::string_view> base_names;
  base_names.reserve(known.paths.size());
  for (const auto& [path, info] : known.paths) {
    base_names.insert(std::string_view(path).substr(store_directory.size() + 1));
  }
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root + store_directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string base_name = entry->path().filename().string();
    if (base_name == ".links" || base_names.contains(base_name)) continue;
    paths->push_back(absl::StrCat(store_directory, "/", base_name));
  }
}

}  // namespace

absl::StatusOr<OpenedStore> OpenStoreSubject(const std::vector<std::string>& words,
                                             const std::string& root, StoreReading reading) {
  OpenedStore subject;
  LRE_ASSIGN_OR_RETURN(const std::vector<std::string> roots,
                       RootsOf(words, nix::kDefaultStoreDirectory));
  LRE_ASSIGN_OR_RETURN(const nix::StoreDatabase store, nix::StoreDatabase::Open(root));
  LRE_ASSIGN_OR_RETURN(subject.closure, roots.empty() ? store.All() : store.ClosureOf(roots));
  std::vector<std::string> paths;
  std::vector<uint64_t> sizes;
  paths.reserve(subject.closure.paths.size());
  sizes.reserve(subject.closure.paths.size());
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

namespace {

absl::StatusOr<OpenedStore> OpenExportSubject(const std::vector<std::string>& words,
                                              const std::string& source) {
  absl::StatusOr<OpenedExport> exported =
      OpenExport(source, [&](const std::string& directory) { return RootsOf(words, directory); });
  if (!exported.ok()) return exported.status();
  if (exported->tree == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(Escaped(source),
                     " is neither a binary cache (file:///DIR, https://HOST, a directory with "
                     "nix-cache-info) nor "
                     "a nix-store --export (decompress it first if it is packed)"));
  }
  return OpenedStore{std::move(exported->closure), std::move(exported->tree)};
}

}  // namespace

absl::StatusOr<OpenedStore> OpenStoreSubjectFrom(const std::vector<std::string>& words,
                                                 const std::string& source, StoreReading reading) {
  if (const auto root = nix::StoreRootOf(source)) return OpenStoreSubject(words, *root, reading);
  // Whether a path is there besides being recorded is a question that only a directory answers.
  if (reading == StoreReading::kNames) {
    return absl::InvalidArgumentError(
        absl::StrCat("--no-contents is for a store on disk, which ", Escaped(source), " is not"));
  }
  if (!nix::IsPathStore(source)) return OpenExportSubject(words, source);
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<const nix::PathStore> store,
                       nix::OpenPathStore(source));
  OpenedStore subject;
  LRE_ASSIGN_OR_RETURN(const std::vector<std::string> roots,
                       RootsOf(words, store->store_directory()));
  LRE_ASSIGN_OR_RETURN(subject.closure, roots.empty() ? store->All() : store->ClosureOf(roots));
  std::vector<std::string> paths;
  for (const auto& [path, info] : subject.closure.paths) paths.push_back(path);
  LRE_ASSIGN_OR_RETURN(subject.tree,
                       OpenStoreContents(source, store, subject.closure.store_directory, paths));
  return subject;
}

}  // namespace lre_audit
