#include "rules/absences.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rules/rule.h"

namespace lre_audit {

bool MayLackFiles(const Subject& subject) {
  return std::any_of(
      subject.problems.begin(), subject.problems.end(), [&](const LinkedProblem& problem) {
        using Kind = LinkedProblem::Kind;
        if (problem.hides_files) return true;
        if (subject.kind != Subject::Kind::kImage) return false;
        // Documents say which layers there are. What is malformed in one is said and passed over;
        // in a layer it is an entry, which might be the one that is missed.
        const bool is_entry =
            problem.kind == Kind::kMalformed && absl::StartsWith(problem.where, "layer ");
        return is_entry || problem.kind == Kind::kUnreadable || problem.kind == Kind::kLimit;
      });
}

void DropAbsences(const Subject& subject, std::vector<Finding>& findings) {
  const bool tree = MayLackFiles(subject), closure = subject.closure_is_partial;
  if (!tree && !closure) return;
  size_t dropped = 0;
  std::erase_if(findings, [&](const Finding& finding) {
    const Rule* const rule = FindRule(finding.rule());
    const bool is_absence =
        rule != nullptr && ((tree && rule->absence == Rule::Absence::kFromTree) ||
                            (closure && rule->absence == Rule::Absence::kFromClosure));
    dropped += is_absence ? 1 : 0;
    return is_absence;
  });
  if (dropped == 0) return;
  for (Finding& finding : findings) {
    if (finding.rule() != "LRE901" && finding.rule() != "LRE902") continue;
    finding.add_notes(absl::StrCat(dropped, dropped == 1 ? " path seems" : " paths seem",
                                   " to be missing, which may lie in what was not read; it is not "
                                   "told until all is"));
    return;
  }
}

}  // namespace lre_audit
