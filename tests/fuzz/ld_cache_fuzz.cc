// ld.so.cache.
#include "elf/ld_cache.h"
#include "tests/fuzz/fuzz.h"

#include <elf.h>

namespace lre_audit::fuzz {

void One(std::string_view input) {
  elf::LdCache cache{std::string(input)};
  elf::Object object;
  object.is_64 = true;
  object.machine = EM_X86_64;
  for (std::string_view name : {"libc.so.6", "libm.so.6", "libz.so.1", ""}) {
    (void)cache.Find(name, object, {"x86-64-v3", "x86-64-v2"});
  }
}

}  // namespace lre_audit::fuzz
