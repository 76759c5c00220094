// A narinfo.
#include "audit/nix/nar_info.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { (void)nix::ParseNarInfo(input); }

}  // namespace lre_audit::fuzz
