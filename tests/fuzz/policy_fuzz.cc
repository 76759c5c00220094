// Policies.
#include "rules/policy.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  PolicyLocations locations;
  absl::StatusOr<Policy> policy = ParsePolicy(input, "lre-audit.textproto", &locations);
  if (policy.ok()) (void)CompiledPolicy::Compile(*policy, absl::UnixEpoch(), locations);
}

}  // namespace lre_audit::fuzz
