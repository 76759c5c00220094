#include "audit/commands/check_command.h"

#include "audit/commands/audit_command.h"

namespace lre_audit {

int RunCheck(const CheckOptions&, std::ostream&, std::ostream& err) {
  return Refuse(absl::UnimplementedError("check is being built"), err);
}

}  // namespace lre_audit
