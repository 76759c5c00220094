// Directories of the local machine as trees: an unpacked image, the local store.
#ifndef LRE_AUDIT_AUDIT_TREES_DIRECTORY_TREE_H_
#define LRE_AUDIT_AUDIT_TREES_DIRECTORY_TREE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// All files below `directory`. Each entry of its /nix/store is one part (named by its path, be it a
// valid store path or not), so that parts stream side by side; the rest is the part "files".
// Hard links are delivered as regular files. Kernel file systems mounted below are passed over.
absl::StatusOr<std::unique_ptr<Tree>> OpenRootfs(const std::string& reference,
                                                 const std::string& directory);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DIRECTORY_TREE_H_
