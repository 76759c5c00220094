// What all auditing commands share: an audit with a progress line, and its report.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_AUDIT_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_AUDIT_COMMAND_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/audit_images.h"
#include "audit/commands/load_policy.h"
#include "audit/commands/options.h"
#include "audit/gate.h"

namespace lre_audit {

// Audits `request` (its callbacks and policy are set here), writes the report, returns the exit
// code.
int RunAudit(AuditRequest request, const ReportOptions& options, std::ostream& out,
             std::ostream& err);

// The same for images, one after the other.
int RunImagesAudit(ImagesRequest request, const ReportOptions& options, std::ostream& out,
                   std::ostream& err);

// The same for several subjects and their agreement.
int RunGateAudit(GateRequest request, const LoadedPolicy& policy, const ReportOptions& options,
                 std::ostream& out, std::ostream& err);

// The keys of --trusted-key, which are required then; without words null, for those of Nix.
absl::StatusOr<std::unique_ptr<const nix::TrustedKeys>> TrustedKeysOf(
    const std::vector<std::string>& words);

// "error: ..." on `err`; returns kExitUsage.
int Refuse(const absl::Status& status, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_AUDIT_COMMAND_H_
