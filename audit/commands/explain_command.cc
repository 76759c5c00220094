#include "audit/commands/explain_command.h"

#include <chrono>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "audit/commands/audit_command.h"
#include "audit/commands/load_policy.h"
#include "audit/commands/progress.h"
#include "audit/commands/write_report.h"
#include "audit/explain/explain.h"
#include "base/status.h"

namespace lre_audit {
namespace {

absl::StatusOr<Report> ExplainLogs(const ExplainOptions& options) {
  LRE_ASSIGN_OR_RETURN(const LoadedPolicy policy,
                       LoadPolicy(options.report.policy, options.report.now));
  Progress progress(ProgressWanted(options.report.quiet));
  SpareThreads threads(options.report.jobs > 0
                           ? options.report.jobs - 1
                           : static_cast<int>(std::thread::hardware_concurrency()) - 1);
  explain::ExplainRequest request;
  request.local = options.local;
  request.remote = options.remote;
  request.caches = options.caches;
  request.local_grpc_logs = options.local_grpc_logs;
  request.remote_grpc_logs = options.remote_grpc_logs;
  request.sources.toolchains = options.toolchains;
  request.sources.images = options.images;
  request.sources.platform = options.platform;
  request.sources.closure = options.closure;
  request.sources.registry = options.registry;
  request.local_bep = options.local_bep;
  request.remote_bep = options.remote_bep;
  request.remote_caches = options.remote_caches;
  request.action = options.action;
  request.naming.show_secrets = options.show_secrets;
  request.threads = &threads;
  request.on_phase = [&](const char* phase) { progress.SetPhase(phase); };
  LRE_ASSIGN_OR_RETURN(Report report, explain::Explain(request));

  std::vector<Finding> findings(std::make_move_iterator(report.mutable_findings()->begin()),
                                std::make_move_iterator(report.mutable_findings()->end()));
  for (Finding& finding : policy.compiled.Apply(findings)) {
    // A policy is for audits too, whose suppressions match nothing here.
    if (finding.rule() != "LRE903") findings.push_back(std::move(finding));
  }
  report.clear_findings();
  for (Finding& finding : findings) *report.add_findings() = std::move(finding);
  explain::SortCauses(&report);
  return report;
}

}  // namespace

int RunExplain(const ExplainOptions& options, std::ostream& out, std::ostream& err) {
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<Report> report = ExplainLogs(options);
  if (!report.ok()) return Refuse(report.status(), err);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return WriteReport(*report, options.report, elapsed.count(), out, err);
}

}  // namespace lre_audit
