// What the gate audits: as a policy names it, or as a repository shows it.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_GATE_SUBJECTS_H_
#define LRE_AUDIT_AUDIT_COMMANDS_GATE_SUBJECTS_H_

#include <string>

#include "audit/gate.h"
#include "rules/policy.pb.h"

namespace lre_audit {

// The policy that check looks for and init writes.
inline constexpr char kPolicyName[] = "lre-audit.textproto";

// Whether `policy` names anything to audit, and not only what is allowed.
bool NamesSubjects(const Policy& policy);

// The subjects of `policy`, whose relative paths start at `directory`, that of its file.
GateRequest SubjectsOfPolicy(const Policy& policy, const std::string& directory);

// What a look through `directory` finds, as the subjects of a policy in it: paths are relative to
// it. `problems` says what could not be looked through.
Policy DiscoverSubjects(const std::string& directory, std::vector<std::string>* problems);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_GATE_SUBJECTS_H_
