#include "audit/commands/store_command.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/commands/audit_command.h"
#include "audit/nix/closure.h"
#include "audit/nix/store_path.h"
#include "audit/trees/tree.h"
#include "base/status.h"

namespace lre_audit {
namespace {

// The store paths that the user's words name: a store path, a path inside one, or a symlink such as
// ./result that leads to one.
absl::StatusOr<std::vector<std::string>> RootsOf(const StoreOptions& options) {
  std::set<std::string> roots;
  for (const std::string& path : options.paths) {
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

absl::StatusOr<nix::Closure> ClosureOfRoots(const StoreOptions& options) {
  LRE_ASSIGN_OR_RETURN(const std::vector<std::string> roots, RootsOf(options));
  LRE_ASSIGN_OR_RETURN(const nix::StoreDatabase store, nix::StoreDatabase::Open(options.root));
  return roots.empty() ? store.All() : store.ClosureOf(roots);
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

int RunStore(const StoreOptions& options, std::ostream& out, std::ostream& err) {
  // The store's own database says what the closure is, and what its contents should be.
  absl::StatusOr<nix::Closure> closure = ClosureOfRoots(options);
  if (!closure.ok()) return Refuse(closure.status(), err);
  std::vector<std::string> paths;
  for (const auto& [path, info] : closure->paths) paths.push_back(path);
  if (options.paths.empty()) AddStrays(closure->store_directory, options.root, *closure, &paths);
  absl::StatusOr<std::unique_ptr<Tree>> tree =
      OpenStore(options.root, closure->store_directory, paths);
  if (!tree.ok()) return Refuse(tree.status(), err);
  AuditRequest request;
  request.kind = Subject::Kind::kStore;
  request.tree = tree->get();
  if (options.closure.empty()) {
    request.known_closure = &*closure;
  } else {
    request.closure = options.closure;
  }
  return RunAudit(std::move(request), options.report, out, err);
}

}  // namespace lre_audit
