// Kubernetes manifests, in YAML.
#include "audit/toolchain/read_config.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) { ReadManifest("worker.yaml", input); }

}  // namespace lre_audit::fuzz
