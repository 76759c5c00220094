// lre-audit toolchain DIR: one generated toolchain, looked up where its tools run.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_TOOLCHAIN_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_TOOLCHAIN_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunToolchain(const ToolchainOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_TOOLCHAIN_COMMAND_H_
