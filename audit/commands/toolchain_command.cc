#include "audit/commands/toolchain_command.h"

#include "audit/commands/audit_command.h"

namespace lre_audit {

int RunToolchain(const ToolchainOptions&, std::ostream&, std::ostream& err) {
  return Refuse(absl::UnimplementedError("toolchain is being built"), err);
}

}  // namespace lre_audit
