// The files of a binary cache, below a directory or a URL. Names in it are an attacker's: nothing
// but what lies below can be reached.
#ifndef LRE_AUDIT_AUDIT_NIX_CACHE_FILES_H_
#define LRE_AUDIT_AUDIT_NIX_CACHE_FILES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit::nix {

class CacheFiles {
 public:
  virtual ~CacheFiles() = default;

  virtual const std::string& location() const = 0;  // as the user named it, for messages
  // How many files are best asked for at once.
  virtual int concurrency() const = 0;

  // The whole of a small file; NotFound where there is none of the name. From any thread.
  virtual absl::StatusOr<std::string> Read(const std::string& name, uint64_t limit) const = 0;
  // A file by the URL in a narinfo, which says that it has `size` bytes: no more are fetched.
  // InvalidArgument where it leads out of the cache.
  virtual absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& url,
                                                           std::optional<uint64_t> size) const = 0;
  // Names of all narinfos, sorted; Unimplemented where they cannot be listed.
  virtual absl::StatusOr<std::vector<std::string>> ListNarInfos() const = 0;
};

// Whether `source` is "file:///DIR", or a directory with nix-cache-info.
bool IsCacheDirectory(const std::string& source);
absl::StatusOr<std::unique_ptr<CacheFiles>> OpenCacheDirectory(const std::string& source);

bool IsCacheUrl(std::string_view source);  // "http://...", "https://..."
absl::StatusOr<std::unique_ptr<CacheFiles>> OpenCacheUrl(const std::string& source);

// Whether `url`, as a narinfo has it, is a relative path without "..": the error says what it is.
absl::Status CheckCachePath(std::string_view url);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_CACHE_FILES_H_
