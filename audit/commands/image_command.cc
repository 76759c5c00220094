#include "audit/commands/image_command.h"

#include <memory>
#include <utility>

#include "audit/commands/audit_command.h"
#include "audit/trees/tree.h"

namespace lre_audit {

int RunImage(const ImageOptions& options, std::ostream& out, std::ostream& err) {
  absl::StatusOr<std::unique_ptr<Tree>> tree =
      OpenImage(options.reference, options.platform, TreeLimits());
  if (!tree.ok()) return Refuse(tree.status(), err);
  AuditRequest request;
  request.kind = Subject::Kind::kImage;
  request.tree = tree->get();
  request.closure = options.closure;
  return RunAudit(std::move(request), options.report, out, err);
}

}  // namespace lre_audit
