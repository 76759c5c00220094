// BLAKE3, the unkeyed hash: for digests of Bazel with --digest_function=blake3. Portable and
// serial: what is hashed here is messages of some kilobytes. Source: the BLAKE3 paper, section 2.
#ifndef LRE_AUDIT_AUDIT_CACHE_BLAKE3_H_
#define LRE_AUDIT_AUDIT_CACHE_BLAKE3_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace lre_audit::cache {

std::array<uint8_t, 32> Blake3(std::string_view data);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_BLAKE3_H_
