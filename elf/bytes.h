// The bytes of one file as far as they are at hand: all of them, or, for a very large object that
// was streamed past, the ranges that were kept.
#ifndef LRE_AUDIT_ELF_BYTES_H_
#define LRE_AUDIT_ELF_BYTES_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lre_audit::elf {

struct Extent {
  uint64_t offset = 0;
  std::string_view data;
};

// Does not own the bytes.
class Bytes {
 public:
  explicit Bytes(std::string_view whole);
  // `extents` are sorted by offset and do not overlap; `size` is the size of the whole file.
  Bytes(uint64_t size, std::vector<Extent> extents);

  uint64_t size() const { return size_; }
  // The whole file in one piece, or an empty view when some of it was not kept.
  std::string_view whole() const;
  // Exactly [offset, offset + length). OutOfRange past the end of the file (offset, length and file
  // size in the message); ResourceExhausted where the bytes exist but were not kept.
  absl::StatusOr<std::string_view> Read(uint64_t offset, uint64_t length) const;
  // Everything from `offset` to the end of the piece at hand that holds it; empty where none does.
  std::string_view From(uint64_t offset) const;

 private:
  uint64_t size_;
  std::vector<Extent> extents_;
};

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_BYTES_H_
