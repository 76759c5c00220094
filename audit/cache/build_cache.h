// What Bazel's actions leave for other builds: results by the action's digest (ActionCache), and
// the blobs that they name (ContentAddressableStorage), wherever they are kept.
// Source: remote_execution.proto.
#ifndef LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_
#define LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/action_key.h"
#include "audit/cache/digest_function.h"

namespace lre_audit::cache {

// Bytes. An ActionResult that is larger names hundreds of thousands of outputs.
constexpr uint64_t kMaxActionResult = uint64_t{64} << 20;

// A remote one may be asked from several threads, others from one at a time.
class BuildCache : public KnownActions {
 public:
  // The ActionResult message of an action, as the cache sent it. NotFound where there is none.
  virtual absl::StatusOr<std::string> ReadAction(const BlobDigest& action) = 0;
  // A blob, its digest verified (DataLoss). NotFound; ResourceExhausted beyond `limit` bytes.
  virtual absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) = 0;
  // Which of `blobs` it does not have. One that would have to be asked for each takes all as there.
  virtual absl::StatusOr<std::vector<BlobDigest>> FindMissing(
      const std::vector<BlobDigest>& /*blobs*/) {
    return std::vector<BlobDigest>();
  }
  // The digest functions that it has instead of the one that it was opened for, once it has said
  // so.
  virtual std::vector<std::string> OtherFunctions() const { return {}; }
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_
