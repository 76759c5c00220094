// Which bytes of a very large ELF object are worth holding while it streams by.
#ifndef LRE_AUDIT_AUDIT_SCAN_KEPT_RANGES_H_
#define LRE_AUDIT_AUDIT_SCAN_KEPT_RANGES_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace lre_audit {

struct Range {
  uint64_t begin = 0, end = 0;
};

// An object of at most this size is held whole.
inline constexpr uint64_t kWholeObject = uint64_t{48} << 20;

// Of an object of `size` bytes that begins with `head`: its first and last bytes, where linkers put
// the dynamic symbols and strings and the section headers, and what its program headers name as
// interpreter, dynamic section and notes. Sorted, disjoint, together about kWholeObject at most. If
// the walker needs what is not here it says so; nothing is passed over in silence.
std::vector<Range> KeptRanges(std::string_view head, uint64_t size);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_KEPT_RANGES_H_
