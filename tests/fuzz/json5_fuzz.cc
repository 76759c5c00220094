// Workers' configurations, in JSON5.
#include "audit/toolchain/read_config.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { ReadWorkerConfig("worker.json5", input, {{"HOME", "/root"}}); }

}  // namespace lre_audit::fuzz
