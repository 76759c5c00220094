#include "audit/cache/build_cache.h"

#include "absl/strings/str_cat.h"
#include "audit/cache/disk_cache.h"
#include "base/status.h"

namespace lre_audit::cache {
namespace {

// The first answer of `caches` that is not NotFound.
template <typename Ask>
absl::StatusOr<std::string> FirstFound(std::vector<std::unique_ptr<BuildCache>>& caches,
                                       const BlobDigest& digest, const Ask& ask) {
  for (const std::unique_ptr<BuildCache>& cache : caches) {
    absl::StatusOr<std::string> answer = ask(*cache);
    if (!absl::IsNotFound(answer.status())) return answer;
  }
  return absl::NotFoundError(absl::StrCat("no cache has ", digest.ToString()));
}

}  // namespace

absl::StatusOr<BuildCaches> BuildCaches::Open(const std::vector<std::string>& references,
                                              DigestFunction function) {
  std::vector<std::unique_ptr<BuildCache>> caches;
  for (const std::string& directory : references) {
    LRE_ASSIGN_OR_RETURN(DiskCache cache, DiskCache::Open(directory, function));
    caches.push_back(std::make_unique<DiskCache>(std::move(cache)));
  }
  return BuildCaches(std::move(caches));
}

absl::StatusOr<bool> BuildCaches::Contains(const BlobDigest& action) {
  for (const std::unique_ptr<BuildCache>& cache : caches_) {
    LRE_ASSIGN_OR_RETURN(const bool is_there, cache->Contains(action));
    if (is_there) return true;
  }
  return false;
}

absl::StatusOr<std::string> BuildCaches::ReadAction(const BlobDigest& action) {
  return FirstFound(caches_, action, [&](BuildCache& cache) { return cache.ReadAction(action); });
}

absl::StatusOr<std::string> BuildCaches::ReadBlob(const BlobDigest& blob, uint64_t limit) {
  return FirstFound(caches_, blob, [&](BuildCache& cache) { return cache.ReadBlob(blob, limit); });
}

}  // namespace lre_audit::cache
