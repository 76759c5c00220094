// Internal to elf/: the part of dwarf.cc that speaks to LLVM. LLVM 14's headers do not compile as
// C++20 with clang and libstdc++, so this header and its source are C++17.
#ifndef LRE_AUDIT_ELF_DWARF_DIRECTORIES_H_
#define LRE_AUDIT_ELF_DWARF_DIRECTORIES_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lre_audit::elf {

// Names without the leading dot ("debug_info") and contents.
using DwarfSections = std::vector<std::pair<std::string_view, std::string_view>>;

// The distinct DW_AT_comp_dir of the compilation units, at most 64.
std::vector<std::string> CompilationDirectories(const DwarfSections& sections, bool is_64,
                                                bool is_little_endian);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_DWARF_DIRECTORIES_H_
