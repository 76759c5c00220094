// The digests of the Remote Execution API: a function, a hash and a size.
// Source: remote_execution.proto, "Digest" and "DigestFunction"; Bazel's --digest_function.
#ifndef LRE_AUDIT_AUDIT_CACHE_DIGEST_FUNCTION_H_
#define LRE_AUDIT_AUDIT_CACHE_DIGEST_FUNCTION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lre_audit::cache {

enum class DigestFunction { kSha256, kSha1, kBlake3 };

// "SHA256", as logs and REAPI's enumeration write it.
std::string_view Name(DigestFunction function);
// "SHA-256", "SHA256", "sha-1", "BLAKE3", ...
std::optional<DigestFunction> ParseDigestFunction(std::string_view name);
size_t HashBytes(DigestFunction function);  // 32 or 20

// A digest of a blob. Length 0: there is none.
struct BlobDigest {
  std::array<uint8_t, 32> hash = {};
  uint8_t length = 0;  // bytes of `hash` in use
  uint64_t size = 0;   // bytes of the blob

  bool known() const { return length != 0; }
  std::string Hex() const;       // of the hash
  std::string ToString() const;  // "<hex>/<size>"
  bool operator==(const BlobDigest&) const = default;
};

// Of 20 or 32 bytes in hex digits of either case; InvalidArgument otherwise, which quotes `hex`.
absl::StatusOr<BlobDigest> ParseBlobDigest(std::string_view hex, uint64_t size);

BlobDigest DigestOf(DigestFunction function, std::string_view blob);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_DIGEST_FUNCTION_H_
