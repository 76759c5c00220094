// The user's policy, read and compiled.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_LOAD_POLICY_H_
#define LRE_AUDIT_AUDIT_COMMANDS_LOAD_POLICY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rules/policy.h"
#include "rules/policy.pb.h"

namespace lre_audit {

struct LoadedPolicy {
  std::string file;  // empty: the default policy alone
  Policy policy;
  CompiledPolicy compiled;
};

// Errors are lines of "file:line:column: what".
absl::StatusOr<LoadedPolicy> LoadPolicy(const std::string& file, absl::Time now);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_LOAD_POLICY_H_
