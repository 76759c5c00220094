// lre-audit diff A B: what differs between two sides, and how.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_DIFF_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_DIFF_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunDiff(const DiffOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_DIFF_COMMAND_H_
