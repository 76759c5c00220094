// Paths that Mach-O objects (darwin toolchains) name in their load commands, universal ones
// included. Source: mach-o/loader.h and mach-o/fat.h.
#ifndef LRE_AUDIT_ELF_MACHO_H_
#define LRE_AUDIT_ELF_MACHO_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "elf/object.h"

namespace lre_audit::elf {

struct MachOPath {
  std::string value;    // as written: "@rpath/libx.dylib", "/usr/lib/libSystem.B.dylib"
  uint64_t offset = 0;  // of its first byte in the file
  std::string command;  // that holds it: "LC_LOAD_DYLIB", "LC_ID_DYLIB", "LC_RPATH", ...
};

struct MachO {
  std::vector<MachOPath> paths;  // in file order; those of a universal file slice by slice
  std::vector<Defect> defects;
};

// Whether `head`, the first bytes of a file, starts as a Mach-O object of either class and byte
// order does, or as a universal file. Java class files share the latter's magic and are told apart.
bool HasMachOMagic(std::string_view head);

// Reads the load commands of the object, or of each architecture of a universal file. Never fails:
// what cannot be read, segments and tables beyond the file's end included, is a defect. An empty
// `whole` (the file was too large to keep) gives one kLimit.
MachO ReadMachO(std::string_view whole);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_MACHO_H_
