#include "audit/commands/diff_command.h"

#include <chrono>
#include <memory>

#include "audit/commands/audit_command.h"
#include "audit/commands/load_policy.h"
#include "audit/commands/open_cache.h"
#include "audit/commands/progress.h"
#include "audit/commands/write_report.h"
#include "audit/compare/compare.h"
#include "audit/compare/side.h"
#include "base/status.h"

namespace lre_audit {
namespace {

absl::StatusOr<Comparison> CompareSides(const DiffOptions& options, std::ostream& err) {
  OpenOptions open;
  open.platform = options.platform;
  open.registry = options.registry;
  // Where the other side is a store, that is the one whose files a "nix:" image names.
  open.store = options.b;
  LRE_ASSIGN_OR_RETURN(const Side a, OpenSide(options.a, open));
  open.store = options.a;
  LRE_ASSIGN_OR_RETURN(const Side b, OpenSide(options.b, open));
  LRE_ASSIGN_OR_RETURN(const LoadedPolicy policy,
                       LoadPolicy(options.report.policy, options.report.now));

  Progress progress(ProgressWanted(options.report.quiet));
  CompareRequest request;
  request.a = &a;
  request.b = &b;
  request.policy = &policy.compiled;
  request.reading.jobs = options.report.jobs;
  const std::unique_ptr<FactsCache> cache =
      OpenCache(options.report.cache, options.report.verbose, err);
  request.reading.cache = cache.get();
  uint64_t total = 0;
  request.reading.on_total = [&](uint64_t bytes) { progress.SetTotal(total += bytes); };
  request.reading.on_bytes = [&](uint64_t bytes) { progress.Add(bytes); };
  request.on_phase = [&](const char* phase) { progress.SetPhase(phase); };
  LRE_ASSIGN_OR_RETURN(Comparison comparison, Compare(request));
  CountDifferences(options.report.fail_on, &comparison);
  return comparison;
}

}  // namespace

int RunDiff(const DiffOptions& options, std::ostream& out, std::ostream& err) {
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<Comparison> comparison = CompareSides(options, err);
  if (!comparison.ok()) return Refuse(comparison.status(), err);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return WriteComparison(*comparison, options.report, elapsed.count(), out, err);
}

}  // namespace lre_audit
