// Store paths: "/nix/store/<32 nix32 characters>-<name>".
// Source: Nix src/libstore/path.cc (names), src/libutil/hash.cc (nix32).
#ifndef LRE_AUDIT_AUDIT_NIX_STORE_PATH_H_
#define LRE_AUDIT_AUDIT_NIX_STORE_PATH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lre_audit::nix {

inline constexpr std::string_view kDefaultStoreDirectory = "/nix/store";
inline constexpr size_t kHashLength = 32;      // characters of a store path's hash
inline constexpr size_t kMaxNameLength = 211;  // bytes of a store path's name

// True for the 32 characters "0123456789abcdfghijklmnpqrsvwxyz" (no e, o, u, t).
bool IsNix32(char c);

// The digits of `bytes`, most significant first; the bytes are one little-endian integer.
std::string ToNix32(std::string_view bytes);
absl::StatusOr<std::string> FromNix32(std::string_view digits, size_t bytes);

// A hash in any of Nix's spellings, as "sha256:<64 hex digits>": "sha256:<hex>", "sha256:<nix32>",
// "sha256-<base64>", and, where `algorithm` is given, the bare digits.
absl::StatusOr<std::string> NormaliseHash(std::string_view text, std::string_view algorithm = {});

// Splits "<hash>-<name>"; InvalidArgument that says which character or length is wrong.
struct BaseName {
  std::string_view hash, name;
};
absl::StatusOr<BaseName> ParseBaseName(std::string_view base_name);

// The store path that `path` is or lies in: "/nix/store/h-n" of "/nix/store/h-n/bin/x". nullopt
// when it is not below `store_directory` or its first component is no store path name. No
// normalisation.
std::optional<std::string_view> StorePathOf(std::string_view path,
                                            std::string_view store_directory);

// "glibc-2.42" of "/nix/store/<hash>-glibc-2.42" or of "<hash>-glibc-2.42".
std::string_view PackageName(std::string_view store_path);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_STORE_PATH_H_
