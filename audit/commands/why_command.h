// lre-audit why SUBJECT PATH: the chain that leads to a path.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_WHY_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_WHY_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunWhy(const WhyOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_WHY_COMMAND_H_
