// Static archives.
#include "elf/archive.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { elf::ReadArchive(input); }

}  // namespace lre_audit::fuzz
