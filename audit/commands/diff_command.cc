#include "audit/commands/diff_command.h"

#include "audit/commands/audit_command.h"

namespace lre_audit {

int RunDiff(const DiffOptions&, std::ostream&, std::ostream& err) {
  return Refuse(absl::UnimplementedError("diff is being built"), err);
}

}  // namespace lre_audit
