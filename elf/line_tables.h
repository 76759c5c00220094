// Internal to elf/: the include directories of .debug_line, DWARF versions 2 to 5 (DWARF 5, section
// 6.2.4). Own code: LLVM 14 jumps into nowhere on a damaged version 5 header.
#ifndef LRE_AUDIT_ELF_LINE_TABLES_H_
#define LRE_AUDIT_ELF_LINE_TABLES_H_

#include <functional>
#include <string_view>

namespace lre_audit::elf {

struct LineSections {
  std::string_view line, line_strings, strings;  // .debug_line, .debug_line_str, .debug_str
  bool is_little_endian = true;
};

// Calls `each` with every directory of every table until it returns false. A malformed table is
// left at its first fault, and the next one read where its length says.
void ForEachLineDirectory(const LineSections& sections,
                          const std::function<bool(std::string_view)>& each);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_LINE_TABLES_H_
