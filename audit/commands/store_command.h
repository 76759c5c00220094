// lre-audit store [PATH...]
#ifndef LRE_AUDIT_AUDIT_COMMANDS_STORE_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_STORE_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunStore(const StoreOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_STORE_COMMAND_H_
