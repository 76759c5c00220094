#include "audit/commands/toolchain_command.h"

#include <utility>

#include "audit/commands/audit_command.h"

namespace lre_audit {

int RunToolchain(const ToolchainOptions& options, std::ostream& out, std::ostream& err) {
  const absl::StatusOr<LoadedPolicy> policy = LoadPolicy(options.report.policy, options.report.now);
  if (!policy.ok()) return Refuse(policy.status(), err);
  GateRequest request;
  for (const std::string& image : options.images) {
    request.images.push_back({image, options.platform, ""});
  }
  request.toolchains.push_back({options.directory, options.images});
  request.local = options.closure;
  request.reference = options.directory;
  request.refuses_missing = true;
  request.registry = options.registry;
  return RunGateAudit(std::move(request), *policy, options.report, out, err);
}

}  // namespace lre_audit
