// Directories of the local machine as trees: an unpacked image, the local store.
#ifndef LRE_AUDIT_AUDIT_TREES_DIRECTORY_TREE_H_
#define LRE_AUDIT_AUDIT_TREES_DIRECTORY_TREE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// All files below `directory`. Each entry of its /nix/store is one part (named by its path, be it a
// valid store path or not), so that parts stream side by side; the rest is the part "files".
// Hard links are delivered as regular files. Kernel file systems mounted below are passed over.
absl::StatusOr<std::unique_ptr<Tree>> OpenRootfs(const std::string& reference,
                                                 const std::string& directory);

// As OpenStore, with the sizes of the paths' contents where they are known (0: not), so that the
// largest are begun first and progress can be told.
absl::StatusOr<std::unique_ptr<Tree>> OpenStore(const std::string& root,
                                                const std::string& store_directory,
                                                const std::vector<std::string>& paths,
                                                const std::vector<uint64_t>& sizes);

// The entries of a store's directory, as OpenStore's, but nothing of what they hold: no contents,
// no targets, only that they are there, of which type, mode and time.
absl::StatusOr<std::unique_ptr<Tree>> OpenStoreListing(const std::string& root,
                                                       const std::string& store_directory,
                                                       std::vector<std::string> paths);

// The store's directory below `root`, where each of `paths` is one name in it (OpenStore).
absl::StatusOr<std::shared_ptr<FileHandle>> OpenStoreDirectory(
    const std::string& root, const std::string& store_directory,
    const std::vector<std::string>& paths);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DIRECTORY_TREE_H_
