// What Bazel's actions leave for other builds: results by the action's digest (ActionCache), and
// the blobs that they name (ContentAddressableStorage), wherever they are kept.
// Source: remote_execution.proto.
#ifndef LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_
#define LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/action_key.h"
#include "audit/cache/digest_function.h"

namespace lre_audit::cache {

class BuildCache : public KnownActions {
 public:
  // The ActionResult message of an action, as the cache sent it. NotFound where there is none.
  virtual absl::StatusOr<std::string> ReadAction(const BlobDigest& action) = 0;
  // A blob, its digest verified (DataLoss). NotFound; ResourceExhausted beyond `limit` bytes.
  virtual absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) = 0;
};

// Several caches as one: each is asked in turn.
class BuildCaches : public BuildCache {
 public:
  // What `references` name: directories of --disk_cache. InvalidArgument where one names none.
  static absl::StatusOr<BuildCaches> Open(const std::vector<std::string>& references,
                                          DigestFunction function);

  absl::StatusOr<bool> Contains(const BlobDigest& action) override;
  absl::StatusOr<std::string> ReadAction(const BlobDigest& action) override;
  absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) override;

 private:
  explicit BuildCaches(std::vector<std::unique_ptr<BuildCache>> caches)
      : caches_(std::move(caches)) {}

  std::vector<std::unique_ptr<BuildCache>> caches_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_
