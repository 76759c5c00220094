// Store paths as trees without a store: each is a NAR, in a binary cache or in a nix-store
// --export.
#ifndef LRE_AUDIT_AUDIT_TREES_NAR_TREE_H_
#define LRE_AUDIT_AUDIT_TREES_NAR_TREE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/nix/binary_cache.h"
#include "audit/nix/path_store.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// The contents of `paths` as the cache has them, each a part. FileHash and FileSize are verified
// while the part streams by; that the contents are what NarHash says is for whoever hashes them. A
// path that the cache does not know is a part without entries.
absl::StatusOr<std::unique_ptr<Tree>> OpenCacheTree(
    const std::shared_ptr<const nix::BinaryCache>& cache, const std::vector<std::string>& paths);

// The same of what OpenPathStore(source) opened: a binary cache, or a store on disk.
absl::StatusOr<std::unique_ptr<Tree>> OpenStoreContents(
    const std::string& source, const std::shared_ptr<const nix::PathStore>& store,
    const std::string& store_directory, const std::vector<std::string>& paths);

// A nix-store --export in the file `source`: what it says of its paths, and a tree of the closure
// of `roots` (InvalidArgument names one that is not there), or of all. The tree is null where the
// file is something else, or packed, so that its NARs cannot be found again.
struct OpenedExport {
  nix::Closure closure;
  std::unique_ptr<Tree> tree;
};
using RootsOfExport =
    std::function<absl::StatusOr<std::vector<std::string>>(const std::string& store_directory)>;
absl::StatusOr<OpenedExport> OpenExport(const std::string& source,
                                        const RootsOfExport& roots = nullptr);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_NAR_TREE_H_
