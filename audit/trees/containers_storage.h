// Images in the storage of podman, buildah, CRI-O and skopeo, read where they lie.
// Source: containers/storage docs/containers-storage.conf.5.md, images.go, layers.go and
// drivers/overlay, drivers/vfs; containers/image storage/storage_transport.go.
#ifndef LRE_AUDIT_AUDIT_TREES_CONTAINERS_STORAGE_H_
#define LRE_AUDIT_AUDIT_TREES_CONTAINERS_STORAGE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/transports.h"

namespace lre_audit {

// "[[DRIVER@]ROOT[+RUNROOT][:OPTIONS]]NAME", taken apart.
struct StorageReference {
  std::string driver;  // "overlay", "vfs"; empty: whichever `root` has
  std::string root;    // empty: the configured one
  std::string name;    // "NAME[:TAG]", "NAME@DIGEST", "[NAME]@ID", or an ID
};
absl::StatusOr<StorageReference> ParseStorageReference(const std::string& text);

// "containers-storage:...": each layer is a part, its directory walked as overlayfs shows it, and
// held against the archive that it was unpacked from where that is recorded (tar-split). Nothing
// outside the storage's root is opened.
absl::StatusOr<Trees> OpenContainersStorage(const TypedReference& name, const OpenOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_CONTAINERS_STORAGE_H_
