// An ELF object, whole and with a hole in it.
#include "elf/object.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  elf::ReadObject(elf::Bytes(input));
  if (input.size() < 4096) return;
  elf::ReadObject(elf::Bytes(
      input.size(),
      {{0, input.substr(0, 2048)}, {input.size() - 1024, input.substr(input.size() - 1024)}}));
}

}  // namespace lre_audit::fuzz
