// An image whose manifest and configuration have been read: its layers, and where their bytes are.
// Every image format ends here; ImageTree streams the layers.
#ifndef LRE_AUDIT_AUDIT_TREES_IMAGE_H_
#define LRE_AUDIT_AUDIT_TREES_IMAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/bytes/digest.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/json.h"
#include "audit/trees/layer_toc.h"
#include "audit/trees/tree.h"

namespace lre_audit {

struct ImageLayer {
  std::string blob;               // its name in the blob source
  std::optional<Digest> digest;   // of the blob, as the manifest says (docker-archive: none)
  std::optional<uint64_t> size;   // of the blob, as the manifest says
  std::optional<Digest> diff_id;  // of the uncompressed layer, as the configuration says
  TocAnnotations toc;             // of a table of contents in the blob, as the manifest says
  std::string unreadable;         // why it cannot be read, empty if nothing is known against it
};

struct Image {
  std::string reference;
  std::string digest;    // of the manifest; empty where the format has none
  std::string platform;  // "linux/arm64", as an index says; empty where none tells
  std::vector<std::string> names;
  std::optional<Digest> config_digest;  // of the configuration that the manifest names
  ImageConfig config;
  std::vector<ImageLayer> layers;
  std::vector<Problem> problems;
};

// Reads the JSON blob `name`, held against `digest` and `size` where given. What is wrong goes to
// `problems`; null where there is no JSON to go on with. `actual` receives the digest of its bytes,
// in the algorithm of `digest`, without one SHA-256.
std::optional<Json> ReadJsonBlob(const BlobSource& blobs, const std::string& name,
                                 JsonSchema schema, const std::optional<Digest>& digest,
                                 std::optional<uint64_t> size, const TreeLimits& limits,
                                 std::vector<Problem>& problems, Digest* actual = nullptr);

// Where a blob differs from its descriptor, that is one problem, and its size part of it. Returns
// whether they are the same.
bool CheckBlob(const std::string& where, const std::optional<Digest>& expected,
               const std::optional<Digest>& actual, std::optional<uint64_t> expected_size,
               uint64_t actual_size, std::vector<Problem>& problems);
// The same for the uncompressed layer.
void CheckDiffId(const std::string& where, const std::optional<Digest>& expected,
                 const Digest& actual, std::vector<Problem>& problems);

// The configuration's members, and the diff_ids of the layers, whose number has to agree.
void ApplyConfig(const Json& json, const std::string& where, Image& image);

// The members of a configuration's "config": what is run, how.
void ApplyRunConfig(const JsonObject& run, ImageConfig& config);

class ImageTree : public Tree {
 public:
  ImageTree(Image image, std::shared_ptr<const BlobSource> blobs, const TreeLimits& limits);

  const std::string& reference() const override { return image_.reference; }
  std::string digest() const override { return image_.digest; }
  std::vector<std::string> names() const override { return image_.names; }
  const std::vector<Part>& parts() const override { return parts_; }
  const ImageConfig& config() const override { return image_.config; }
  const std::vector<Problem>& problems() const override { return image_.problems; }
  void Stream(size_t part, bool verify, EntrySink& sink,
              std::vector<Problem>& problems) const override;
  Content content(size_t part) const override;
  bool Verify(size_t part, const std::string& diff_id,
              std::vector<Problem>& problems) const override;

 protected:
  const ImageLayer& LayerOf(size_t part) const { return image_.layers[part]; }
  // What problems call the part.
  std::string WhereOf(size_t part) const;

 private:
  const Image image_;
  const std::shared_ptr<const BlobSource> blobs_;
  const TreeLimits limits_;
  std::vector<Part> parts_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_IMAGE_H_
