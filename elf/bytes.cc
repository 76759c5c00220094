#include "elf/bytes.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::elf {

Bytes::Bytes(std::string_view whole) : size_(whole.size()), extents_{{0, whole}} {}

Bytes::Bytes(uint64_t size, std::vector<Extent> extents)
    : size_(size), extents_(std::move(extents)) {}

std::string_view Bytes::whole() const {
  if (extents_.size() != 1 || extents_[0].offset != 0 || extents_[0].data.size() != size_) {
    return {};
  }
  return extents_[0].data;
}

std::string_view Bytes::From(uint64_t offset) const {
  auto after = std::upper_bound(extents_.begin(), extents_.end(), offset,
                                [](uint64_t o, const Extent& extent) { return o < extent.offset; });
  if (after == extents_.begin()) return {};
  const Extent& extent = *std::prev(after);
  const uint64_t skip = offset - extent.offset;
  if (skip >= extent.data.size()) return {};
  return extent.data.substr(skip);
}

absl::StatusOr<std::string_view> Bytes::Read(uint64_t offset, uint64_t length) const {
  if (offset > size_ || length > size_ - offset) {
    return absl::OutOfRangeError(absl::StrCat("offset ", Hex(offset), " with length ", Hex(length),
                                              " leaves the file of ", Hex(size_), " bytes"));
  }
  if (length == 0) return std::string_view();
  std::string_view rest = From(offset);
  if (rest.size() < length) {
    return absl::ResourceExhaustedError(
        absl::StrCat("offset ", Hex(offset), " with length ", Hex(length),
                     " was not kept when this file of ", Hex(size_), " bytes was read"));
  }
  return rest.substr(0, length);
}

}  // namespace lre_audit::elf
