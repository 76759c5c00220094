#include "audit/commands/audit_command.h"

#include <chrono>
#include <string>

#include "audit/commands/progress.h"
#include "audit/commands/write_report.h"
#include "base/text.h"

namespace lre_audit {

int Refuse(const absl::Status& status, std::ostream& err) {
  err << "error: " << Escaped(ToStd(status.message())) << "\n";
  return kExitUsage;
}

int RunAudit(AuditRequest request, const ReportOptions& options, std::ostream& out,
             std::ostream& err) {
  const auto start = std::chrono::steady_clock::now();
  const CompiledPolicy policy = CompiledPolicy::Default();
  absl::StatusOr<Report> report = [&] {
    Progress progress(ProgressWanted(options.quiet));
    uint64_t total = 0;
    for (const Tree::Part& part : request.tree->parts()) total += part.size_hint;
    progress.SetTotal(total);
    request.policy = &policy;
    request.jobs = options.jobs;
    request.on_bytes = [&](uint64_t bytes) { progress.Add(bytes); };
    request.on_phase = [&](const char* phase) { progress.SetPhase(phase); };
    return Audit(request);
  }();
  if (!report.ok()) return Refuse(report.status(), err);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return WriteReport(*report, options, elapsed.count(), out, err);
}

}  // namespace lre_audit
