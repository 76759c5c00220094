#include "audit/trees/oci_layout.h"

#include "audit/trees/oci_manifest.h"
#include "base/status.h"

namespace lre_audit {

absl::StatusOr<std::vector<Image>> ReadOciLayout(const BlobSource& blobs, const std::string& tag,
                                                 const OpenOptions& options) {
  ManifestStart start;
  start.name = "index.json";
  start.is_layout = true;
  start.tag = tag;
  uint64_t size = 0;
  LRE_RETURN_IF_ERROR(blobs.Open(start.name, &size).status());
  return ReadManifests(blobs, start, options);
}

}  // namespace lre_audit
