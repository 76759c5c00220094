#include "audit/commands/why_command.h"

#include "audit/commands/audit_command.h"

namespace lre_audit {

int RunWhy(const WhyOptions&, std::ostream&, std::ostream& err) {
  return Refuse(absl::UnimplementedError("why is being built"), err);
}

}  // namespace lre_audit
