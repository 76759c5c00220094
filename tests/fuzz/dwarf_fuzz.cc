// Debug information.
#include "elf/dwarf.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { elf::DebugDirectories(elf::Bytes(input)); }

}  // namespace lre_audit::fuzz
