#include "audit/commands/image_command.h"

#include <string>
#include <utility>

#include "audit/commands/audit_command.h"

namespace lre_audit {

namespace {

// The images with the toolchains whose tools run in them, and whether they agree.
int RunWithToolchains(const ImageOptions& options, const nix::TrustedKeys* keys, std::ostream& out,
                      std::ostream& err) {
  const absl::StatusOr<LoadedPolicy> policy = LoadPolicy(options.report.policy, options.report.now);
  if (!policy.ok()) return Refuse(policy.status(), err);
  GateRequest request;
  for (const std::string& reference : options.references) {
    request.images.push_back({reference, options.platform, options.closure});
  }
  for (const std::string& directory : options.toolchains) {
    request.toolchains.push_back({directory, options.references});
  }
  request.local = options.closure;
  request.reference = options.references.front();
  request.refuses_missing = options.references.size() == 1;
  request.registry = options.registry;
  request.trusted_keys = keys;
  return RunGateAudit(std::move(request), *policy, options.report, out, err);
}

}  // namespace

int RunImage(const ImageOptions& options, std::ostream& out, std::ostream& err) {
  const auto keys = TrustedKeysOf(options.trusted_keys);
  if (!keys.ok()) return Refuse(keys.status(), err);
  if (!options.toolchains.empty()) return RunWithToolchains(options, keys->get(), out, err);
  ImagesRequest request;
  request.references = options.references;
  request.open.platform = options.platform;
  request.open.all_platforms = options.all_platforms;
  request.open.registry = options.registry;
  request.open.store = options.closure;
  request.audit.kind = Subject::Kind::kImage;
  request.audit.closure = options.closure;
  request.audit.trusted_keys = keys->get();
  return RunImagesAudit(std::move(request), options.report, out, err);
}

}  // namespace lre_audit
