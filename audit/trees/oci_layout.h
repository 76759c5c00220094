// OCI image layouts, in a directory or inside an archive.
// Source: OCI image-spec image-layout.md, image-index.md, manifest.md.
#ifndef LRE_AUDIT_AUDIT_TREES_OCI_LAYOUT_H_
#define LRE_AUDIT_AUDIT_TREES_OCI_LAYOUT_H_

#include <string>

#include "absl/status/statusor.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/image.h"

namespace lre_audit {

// The image that `tag` names in the layout's index.json (empty: the only one there is), for
// `platform` ("linux/amd64[/variant]", empty: this machine's, or the only one there is). NotFound
// and InvalidArgument are about what the user asked for and name the choices; what is wrong with
// the layout itself becomes a problem of the image.
absl::StatusOr<Image> ReadOciLayout(const BlobSource& blobs, const std::string& tag,
                                    const std::string& platform, const TreeLimits& limits);

// "linux/amd64" in Go's words, as the OCI does.
std::string HostPlatform();

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_OCI_LAYOUT_H_
