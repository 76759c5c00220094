// Blobs for an explanation, within bounds: what a cache has of them is told, and what it has not is
// no error.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_BLOB_READER_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_BLOB_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/cache/build_caches.h"
#include "audit/cache/digest_function.h"

namespace lre_audit::explain {

class BlobReader {
 public:
  static constexpr uint64_t kMostBytes = uint64_t{64} << 20;  // of one blob

  // `cache` may be null: then there are no blobs. Else it must outlive this.
  explicit BlobReader(cache::BuildCaches* cache) : cache_(cache) {}

  bool has_cache() const { return cache_ != nullptr; }
  // nullopt where the digest is unknown, or the cache has no such blob or could not be read, which
  // BuildCaches::Troubles tells, or it is larger than `limit` bytes.
  std::optional<std::string> Read(const cache::BlobDigest& blob, uint64_t limit = kMostBytes);
  // Several at once, in order: of known digests, and of no more bytes.
  std::vector<std::optional<std::string>> ReadAll(const std::vector<cache::BlobDigest>& blobs,
                                                  uint64_t limit);
  // The ActionResult messages of actions whose digests are known, likewise.
  std::vector<std::optional<std::string>> ReadActions(
      const std::vector<cache::BlobDigest>& actions);

 private:
  cache::BuildCaches* cache_;
};

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_BLOB_READER_H_
