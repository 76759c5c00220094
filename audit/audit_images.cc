#include "audit/audit_images.h"

#include <utility>

#include "base/status.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

void SortFindingsOf(Report* report) {
  std::vector<Finding> findings(report->findings().begin(), report->findings().end());
  SortFindings(findings);
  report->clear_findings();
  for (Finding& finding : findings) *report->add_findings() = std::move(finding);
}

// That an image could not be opened at all.
void AddUnopened(const std::string& reference, const absl::Status& status,
                 const CompiledPolicy& policy, Report* report) {
  Subject subject;
  subject.kind = Subject::Kind::kImage;
  subject.reference = reference;
  subject.problems.push_back(
      {LinkedProblem::Kind::kUnreadable, reference, std::string(status.message()), {}, {}, 0});
  std::vector<Finding> findings = Judge(subject);
  for (Finding& finding : policy.Apply(findings)) {
    if (finding.rule() != "LRE903") findings.push_back(std::move(finding));
  }
  for (Finding& finding : findings) *report->add_findings() = std::move(finding);
}

}  // namespace

absl::StatusOr<Report> AuditImages(const ImagesRequest& request) {
  Report report;
  for (const std::string& reference : request.references) {
    absl::StatusOr<Trees> trees = OpenImages(reference, request.open);
    if (!trees.ok()) {
      if (request.references.size() == 1) return trees.status();
      AddUnopened(reference, trees.status(), *request.audit.policy, &report);
      continue;
    }
    for (std::unique_ptr<Tree>& tree : *trees) {
      uint64_t total = 0;
      for (const Tree::Part& part : tree->parts()) total += part.size_hint;
      request.on_total(total);
      AuditRequest audit = request.audit;
      audit.tree = tree.get();
      LRE_RETURN_IF_ERROR(AddAudit(audit, &report));
      tree.reset();
    }
  }
  SortFindingsOf(&report);
  return report;
}

}  // namespace lre_audit
