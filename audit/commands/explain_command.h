// lre-audit explain LOCAL REMOTE: why two builds do not share cache entries.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_EXPLAIN_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_EXPLAIN_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunExplain(const ExplainOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_EXPLAIN_COMMAND_H_
