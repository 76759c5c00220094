#include "audit/commands/image_command.h"

#include <memory>
#include <utility>

#include "audit/commands/audit_command.h"
#include "audit/trees/tree.h"

namespace lre_audit {

namespace {

// The image with the toolchains whose tools run in it, and whether they agree.
int RunWithToolchains(const ImageOptions& options, const nix::TrustedKeys* keys, std::ostream& out,
                      std::ostream& err) {
  const absl::StatusOr<LoadedPolicy> policy = LoadPolicy(options.report.policy, options.report.now);
  if (!policy.ok()) return Refuse(policy.status(), err);
  GateRequest request;
  request.images.push_back({options.reference, options.platform, options.closure});
  for (const std::string& directory : options.toolchains) {
    request.toolchains.push_back({directory, {options.reference}});
  }
  request.local = options.closure;
  request.reference = options.reference;
  request.refuses_missing = true;
  request.trusted_keys = keys;
  return RunGateAudit(std::move(request), *policy, options.report, out, err);
}

}  // namespace

int RunImage(const ImageOptions& options, std::ostream& out, std::ostream& err) {
  const auto keys = TrustedKeysOf(options.trusted_keys);
  if (!keys.ok()) return Refuse(keys.status(), err);
  if (!options.toolchains.empty()) return RunWithToolchains(options, keys->get(), out, err);
  absl::StatusOr<std::unique_ptr<Tree>> tree = OpenImage(options.reference, {options.platform, {}});
  if (!tree.ok()) return Refuse(tree.status(), err);
  AuditRequest request;
  request.kind = Subject::Kind::kImage;
  request.tree = tree->get();
  request.closure = options.closure;
  request.trusted_keys = keys->get();
  return RunAudit(std::move(request), options.report, out, err);
}

}  // namespace lre_audit
