// Store paths as text: "/nix/store/<hash>-<name>", the hash in 32 nix32 digits.
// Source: Nix src/libstore/path.cc (names), src/libutil/hash.cc (nix32).
#ifndef LRE_AUDIT_BASE_STORE_PATH_H_
#define LRE_AUDIT_BASE_STORE_PATH_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

namespace lre_audit::nix {

inline constexpr std::string_view kDefaultStoreDirectory = "/nix/store";
inline constexpr size_t kHashLength = 32;      // digits of a store path's hash
inline constexpr size_t kMaxNameLength = 211;  // bytes of a store path's name

// The digits of nix32 by value: no e, o, u, t.
inline constexpr std::string_view kNix32Digits = "0123456789abcdfghijklmnpqrsvwxyz";
// What the digit stands for, 0 to 31; -1 if it is none.
int Nix32Value(char digit);
inline bool IsNix32(char c) { return Nix32Value(c) >= 0; }
// Whether a store path's name may hold `c`.
bool IsNameCharacter(char c);

// Whether `text` begins with a store path's hash and the '-' behind it.
bool StartsWithHash(std::string_view text);

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

#endif  // LRE_AUDIT_BASE_STORE_PATH_H_
