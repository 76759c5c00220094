// Numbers as people read them.
#ifndef LRE_AUDIT_REPORTS_NUMBERS_H_
#define LRE_AUDIT_REPORTS_NUMBERS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace lre_audit {

// "20,315".
std::string Grouped(uint64_t number);

// "1 file", "20,315 files": `singular` takes an s.
std::string Counted(uint64_t number, std::string_view singular);

// Decimal units, as container tools and disk vendors count: "17 B", "4.2 kB", "495 MB", "1.3 GB".
std::string HumanBytes(uint64_t bytes);

// "12 ms", "1.2 s", "48 s", "3 min 05 s", "23 h 30 min".
std::string HumanSeconds(double seconds);

// A proto's count, which is a double for JSON's sake, as the integer it stands for; anything that
// is no count (negative, NaN) is 0.
uint64_t AsCount(double value);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_NUMBERS_H_
