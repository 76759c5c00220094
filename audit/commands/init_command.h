// lre-audit init: writes a policy from what the repository shows.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_INIT_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_INIT_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunInit(const InitOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_INIT_COMMAND_H_
