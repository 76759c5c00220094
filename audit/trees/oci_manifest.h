// Image indexes and manifests: from the first document that a source has to the configuration and
// the layers of every image that it leads to.
// Sources: OCI image-spec image-index.md and manifest.md; distribution's manifest list and schema 2
// (https://distribution.github.io/distribution/spec/manifest-v2-2/).
#ifndef LRE_AUDIT_AUDIT_TREES_OCI_MANIFEST_H_
#define LRE_AUDIT_AUDIT_TREES_OCI_MANIFEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/digest.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/image.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// The document to begin with, an index or a manifest, as far as it is known before it is read.
struct ManifestStart {
  std::string name;              // in the blob source
  std::string media_type;        // as the source says (a registry's Content-Type); may be empty
  std::optional<Digest> digest;  // what it has to have; without, its SHA-256 becomes the image's
  std::optional<uint64_t> size;
  // An OCI layout's index.json: no image itself, and its entries have names, of which `tag` selects
  // one (empty: the only one).
  bool is_layout = false;
  std::string tag;
  bool all_entries = false;  // every image of a layout, whatever its name
};

// The image for options.platform, or with options.all_platforms those of all, in the index's order;
// at least one. What an index leads to is opened as blobs.NameOf() says. NotFound and
// InvalidArgument are about what the user asked for and name the choices; what is wrong with the
// documents becomes a problem of the image, or of the first one where it is about all of them.
absl::StatusOr<std::vector<Image>> ReadManifests(const BlobSource& blobs,
                                                 const ManifestStart& start,
                                                 const OpenOptions& options);

// "linux/amd64" in Go's words, as the OCI does.
std::string HostPlatform();
// The same of what a configuration says.
std::string PlatformOf(const ImageConfig& config);
// Whether a configuration is one for `platform`: what either does not say does not contradict.
bool IsForPlatform(const ImageConfig& config, const std::string& platform);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_OCI_MANIFEST_H_
