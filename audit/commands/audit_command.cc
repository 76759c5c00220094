#include "audit/commands/audit_command.h"

#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/commands/open_cache.h"
#include "audit/commands/progress.h"
#include "audit/commands/write_report.h"
#include "base/text.h"

namespace lre_audit {

int Refuse(const absl::Status& status, std::ostream& err) {
  // A policy's errors are one line each.
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    err << "error: " << Escaped(ToStd(line)) << "\n";
  }
  return kExitUsage;
}

absl::StatusOr<std::unique_ptr<const nix::TrustedKeys>> TrustedKeysOf(
    const std::vector<std::string>& words) {
  if (words.empty()) return nullptr;
  auto keys = std::make_unique<nix::TrustedKeys>();
  keys->required = true;
  for (const std::string& word : words) {
    if (absl::Status status = nix::AddTrustedKey(word, keys.get()); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("--trusted-key: ", status.message()));
    }
  }
  return keys;
}

namespace {

// Runs `audit` with a progress line, and writes the report that it returns.
template <typename Audit>
int RunWithProgress(const ReportOptions& options, std::ostream& out, std::ostream& err,
                    const Audit& audit) {
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<Report> report = [&] {
    Progress progress(ProgressWanted(options.quiet));
    return audit(progress);
  }();
  if (!report.ok()) return Refuse(report.status(), err);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return WriteReport(*report, options, elapsed.count(), out, err);
}

template <typename Request>
void Watch(const ReportOptions& options, Progress& progress, Request& request) {
  request.jobs = options.jobs;
  request.on_bytes = [&](uint64_t bytes) { progress.Add(bytes); };
  request.on_phase = [&](const char* phase) { progress.SetPhase(phase); };
}

}  // namespace

int RunAudit(AuditRequest request, const ReportOptions& options, std::ostream& out,
             std::ostream& err) {
  const absl::StatusOr<LoadedPolicy> policy = LoadPolicy(options.policy, options.now);
  if (!policy.ok()) return Refuse(policy.status(), err);
  request.policy = &policy->compiled;
  const std::unique_ptr<FactsCache> cache = OpenCache(options.cache, options.verbose, err);
  request.cache = cache.get();
  return RunWithProgress(options, out, err, [&](Progress& progress) {
    uint64_t total = 0;
    for (const Tree::Part& part : request.tree->parts()) total += part.size_hint;
    progress.SetTotal(total);
    Watch(options, progress, request);
    return Audit(request);
  });
}

int RunImagesAudit(ImagesRequest request, const ReportOptions& options, std::ostream& out,
                   std::ostream& err) {
  const absl::StatusOr<LoadedPolicy> policy = LoadPolicy(options.policy, options.now);
  if (!policy.ok()) return Refuse(policy.status(), err);
  request.audit.policy = &policy->compiled;
  const std::unique_ptr<FactsCache> cache = OpenCache(options.cache, options.verbose, err);
  request.audit.cache = cache.get();
  return RunWithProgress(options, out, err, [&](Progress& progress) {
    uint64_t total = 0;
    request.on_total = [&](uint64_t bytes) { progress.SetTotal(total += bytes); };
    Watch(options, progress, request.audit);
    return AuditImages(request);
  });
}

int RunGateAudit(GateRequest request, const LoadedPolicy& policy, const ReportOptions& options,
                 std::ostream& out, std::ostream& err) {
  request.policy = &policy.compiled;
  const std::unique_ptr<FactsCache> cache = OpenCache(options.cache, options.verbose, err);
  request.cache = cache.get();
  return RunWithProgress(options, out, err, [&](Progress& progress) {
    uint64_t total = 0;
    request.on_total = [&](uint64_t bytes) { progress.SetTotal(total += bytes); };
    Watch(options, progress, request);
    return RunGate(request);
  });
}

}  // namespace lre_audit
