// Hashes as Nix spells them: nix32, hexadecimal and base64.
// Source: Nix src/libutil/hash.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_HASH_H_
#define LRE_AUDIT_AUDIT_NIX_HASH_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lre_audit::nix {

// The digits of `bytes`, most significant first; the bytes are one little-endian integer.
std::string ToNix32(std::string_view bytes);
absl::StatusOr<std::string> FromNix32(std::string_view digits, size_t bytes);

// A hash in any of Nix's spellings, as "sha256:<64 hex digits>": "sha256:<hex>", "sha256:<nix32>",
// "sha256-<base64>", and, where `algorithm` is given, the bare digits.
absl::StatusOr<std::string> NormaliseHash(std::string_view text, std::string_view algorithm = {});

// The same for every algorithm that Nix knows (md5, sha1, sha256, sha512, blake3): a content
// address may use any.
struct AnyHash {
  std::string algorithm;  // "sha1"
  std::string hex;
};
absl::StatusOr<AnyHash> ParseAnyHash(std::string_view text, std::string_view algorithm = {});

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_HASH_H_
