// The file that kept facts lie in: a header that says what they are and checks every byte.
#ifndef LRE_AUDIT_AUDIT_FACTS_KEPT_FILE_H_
#define LRE_AUDIT_AUDIT_FACTS_KEPT_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lre_audit {

// Layout, integers little-endian:
//     0  8  "LREFACTS"
//     8  4  kKeptFormat
//    12  4  zero
//    16  8  bytes of the facts
//    24  8  bytes of the facts as they stand here, compressed
//    32 32  SHA-256 of the scanner's version
//    64 32  the key
//    96 32  SHA-256 of all other bytes of the file
//   128     the facts, one zstd frame
inline constexpr uint32_t kKeptFormat = 1;
inline constexpr size_t kKeptHeaderBytes = 128;
// Longer facts are not kept: protobuf's own limit on a message.
inline constexpr uint64_t kMostKeptBytes = uint64_t{2} << 30;

// SHA-256 in hex, both of them.
struct KeptName {
  std::string version, key;
};

// ResourceExhausted for more than kMostKeptBytes.
absl::StatusOr<std::string> EncodeKept(const KeptName& name, std::string_view facts);

// What the first bytes of a file say, unchecked apart from magic and format. InvalidArgument for
// what is no file of kept facts, or one of another format.
absl::StatusOr<KeptName> PeekKept(std::string_view head);

// Everything checked but the name, which is the caller's to compare. DataLoss says what is wrong,
// where, and what was expected.
absl::Status CheckKept(std::string_view file);

// The facts of a file that is right in everything and of that name; else CheckKept's errors, or
// InvalidArgument for another name.
absl::StatusOr<std::string> DecodeKept(std::string_view file, const KeptName& name);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_FACTS_KEPT_FILE_H_
