// An OCI image layout, as a directory or in an archive.
// Source: OCI image-spec image-layout.md.
#ifndef LRE_AUDIT_AUDIT_TREES_OCI_LAYOUT_H_
#define LRE_AUDIT_AUDIT_TREES_OCI_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/image.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// The images that `tag` names in the layout's index.json (empty: the only one there is); see
// ReadManifests. NotFound where there is no index.json.
absl::StatusOr<std::vector<Image>> ReadOciLayout(const BlobSource& blobs, const std::string& tag,
                                                 const OpenOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_OCI_LAYOUT_H_
