// Directories that debug information names: where the object was compiled.
#ifndef LRE_AUDIT_ELF_DWARF_H_
#define LRE_AUDIT_ELF_DWARF_H_

#include <string>
#include <vector>

#include "elf/bytes.h"

namespace lre_audit::elf {

// The distinct DW_AT_comp_dir and absolute include directories of the line tables, in the order in
// which they appear, at most 64. Empty without debug information; for relocatable files, whose
// references are not yet filled in; for compressed sections; and where not all bytes are at hand.
std::vector<std::string> DebugDirectories(const Bytes& bytes);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_DWARF_H_
