#include "audit/compare/compare.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "audit/compare/compare_stores.h"
#include "audit/compare/compare_toolchains.h"
#include "audit/compare/findings.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

bool IsOf(const CompareRequest& request, ComparedSide::Kind kind) {
  return request.a->kind == kind && request.b->kind == kind;
}

bool AnyIs(const CompareRequest& request, ComparedSide::Kind kind) {
  return request.a->kind == kind || request.b->kind == kind;
}

void CompareReports(const CompareRequest& request, Comparison* comparison) {
  for (const Side* side : {request.a, request.b}) {
    if (side->report.verdict() != Report::INCOMPLETE) continue;
    comparison->add_problems(
        absl::StrCat(side->reference, ": the audit that it reports was incomplete"));
  }
  const auto findings = [](const Side& side) {
    return std::vector<Finding>(side.report.findings().begin(), side.report.findings().end());
  };
  CompareFindings(findings(*request.a), findings(*request.b), comparison);
  comparison->set_compared("their findings, by fingerprint");
}

double AtOrAbove(Finding::Severity severity,
                 const google::protobuf::RepeatedPtrField<Finding>& findings) {
  double count = 0;
  for (const Finding& finding : findings) {
    // A severity that nobody set counts as an error, as in reports.
    count += finding.severity() == Finding::SEVERITY_UNSPECIFIED || finding.severity() >= severity;
  }
  return count;
}

}  // namespace

absl::StatusOr<Comparison> Compare(const CompareRequest& request) {
  Comparison comparison;
  for (const auto& [side, out] : {std::pair(request.a, comparison.mutable_a()),
                                  std::pair(request.b, comparison.mutable_b())}) {
    out->set_kind(side->kind);
    out->set_reference(side->reference);
    if (side->tree != nullptr) out->set_digest(side->tree->digest());
  }
  if (IsOf(request, ComparedSide::REPORT)) {
    CompareReports(request, &comparison);
  } else if (IsOf(request, ComparedSide::TOOLCHAIN)) {
    CompareToolchains(request, &comparison);
  } else if (AnyIs(request, ComparedSide::REPORT)) {
    return absl::InvalidArgumentError(
        "a saved report is compared with another report; write one with: lre-audit image REF "
        "--output json=FILE");
  } else if (AnyIs(request, ComparedSide::TOOLCHAIN)) {
    return absl::InvalidArgumentError(
        "a toolchain is compared with another toolchain; whether its paths are in an image or a "
        "store says: lre-audit toolchain DIR --image REF");
  } else {
    LRE_RETURN_IF_ERROR(CompareStores(request, &comparison));
  }
  return comparison;
}

void CountDifferences(Finding::Severity fail_on, Comparison* comparison) {
  DifferenceCounts& counts = *comparison->mutable_counts();
  counts.set_packages(comparison->packages_size());
  double contents = 0;
  for (const ContentsDifference& difference : comparison->contents()) {
    contents += difference.files_size() > 0 ? difference.files_size() : 1;
  }
  counts.set_contents(contents);
  counts.set_files(comparison->files_size());
  counts.set_settings(comparison->settings_size());
  counts.set_tools(comparison->tools_size());
  counts.set_new_findings(comparison->new_findings_size());
  counts.set_fixed_findings(comparison->fixed_findings_size());
  counts.set_differences(counts.packages() + counts.contents() + counts.files() +
                         counts.settings() + counts.tools() +
                         AtOrAbove(fail_on, comparison->new_findings()) +
                         AtOrAbove(fail_on, comparison->fixed_findings()));
  comparison->set_verdict(comparison->problems_size() > 0 ? Comparison::INCOMPLETE
                          : counts.differences() > 0      ? Comparison::DIFFERENT
                                                          : Comparison::SAME);
}

}  // namespace lre_audit
