#include "audit/commands/init_command.h"

#include "audit/commands/audit_command.h"

namespace lre_audit {

int RunInit(const InitOptions&, std::ostream&, std::ostream& err) {
  return Refuse(absl::UnimplementedError("init is being built"), err);
}

}  // namespace lre_audit
