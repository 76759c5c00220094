// bazelrc files.
#include "audit/toolchain/read_config.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { ReadBazelrc("lre.bazelrc", input); }

}  // namespace lre_audit::fuzz
