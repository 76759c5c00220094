#include "audit/scan/kept_ranges.h"

#include <elf.h>

#include <algorithm>

namespace lre_audit {
namespace {

constexpr uint64_t kFirst = uint64_t{32} << 20;
constexpr uint64_t kLast = uint64_t{12} << 20;
constexpr uint64_t kSegments = uint64_t{4} << 20;  // all that program headers can add

uint64_t Unsigned(std::string_view bytes, uint64_t at, int width, bool little_endian) {
  uint64_t value = 0;
  for (int i = 0; i < width; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[at + (little_endian ? width - 1 - i : i)]);
    value = value << 8 | byte;
  }
  return value;
}

// The file ranges of PT_INTERP, PT_DYNAMIC and PT_NOTE, as far as `head` holds the table.
std::vector<Range> SegmentRanges(std::string_view head, uint64_t size) {
  std::vector<Range> ranges;
  if (head.size() < sizeof(Elf64_Ehdr)) return ranges;
  const bool is_64 = head[EI_CLASS] == ELFCLASS64;
  const bool little = head[EI_DATA] == ELFDATA2LSB;
  const uint64_t table = Unsigned(head, is_64 ? 32 : 28, is_64 ? 8 : 4, little);
  const uint64_t entry = Unsigned(head, is_64 ? 54 : 42, 2, little);
  const uint64_t count = Unsigned(head, is_64 ? 56 : 44, 2, little);
  if (entry < (is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))) return ranges;
  uint64_t budget = kSegments;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = table + i * entry;
    if (at > head.size() || entry > head.size() - at) break;
    const uint64_t type = Unsigned(head, at, 4, little);
    if (type != PT_INTERP && type != PT_DYNAMIC && type != PT_NOTE) continue;
    const uint64_t begin = Unsigned(head, at + (is_64 ? 8 : 4), is_64 ? 8 : 4, little);
    const uint64_t length = Unsigned(head, at + (is_64 ? 32 : 16), is_64 ? 8 : 4, little);
    if (begin >= size || length > budget) continue;
    budget -= length;
    ranges.push_back({begin, std::min(size, begin + length)});
  }
  return ranges;
}

}  // namespace

std::vector<Range> KeptRanges(std::string_view head, uint64_t size) {
  if (size <= kWholeObject) return {{0, size}};
  std::vector<Range> ranges = SegmentRanges(head, size);
  ranges.push_back({0, kFirst});
  ranges.push_back({size - kLast, size});
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<Range> merged;
  for (const Range& range : ranges) {
    if (!merged.empty() && range.begin <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, range.end);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

}  // namespace lre_audit
