// Mach-O objects.
#include "elf/macho.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { elf::ReadMachO(input); }

}  // namespace lre_audit::fuzz
