// A directory of Bazel's --disk_cache: "ac/<2 digits>/<hash>" and "cas/<2 digits>/<hash>", those of
// BLAKE3 below "blake3/".
// Source: Bazel's DiskCacheClient.java.
#ifndef LRE_AUDIT_AUDIT_CACHE_DISK_CACHE_H_
#define LRE_AUDIT_AUDIT_CACHE_DISK_CACHE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/build_cache.h"
#include "audit/cache/digest_function.h"

namespace lre_audit::cache {

class DiskCache : public BuildCache {
 public:
  // InvalidArgument where `path` is no such directory.
  static absl::StatusOr<DiskCache> Open(const std::string& path, DigestFunction function);

  // DataLoss where the file is no ActionResult.
  absl::StatusOr<bool> Contains(const BlobDigest& action) override;
  absl::StatusOr<std::string> ReadAction(const BlobDigest& action) override;
  absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) override;
  absl::StatusOr<std::vector<BlobDigest>> FindMissing(
      const std::vector<BlobDigest>& blobs) override;
  // The hashes of all actions, in hex, sorted.
  absl::StatusOr<std::vector<std::string>> Actions() const;

 private:
  DiskCache(std::string root, DigestFunction function)
      : root_(std::move(root)), function_(function) {}
  std::string PathOf(const char* kind, const BlobDigest& digest) const;

  std::string root_;
  DigestFunction function_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_DISK_CACHE_H_
