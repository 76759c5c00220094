// LRE9xx: what the audit could not do.
#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

void JudgeDefects(const Subject& subject, Defect::Kind kind, const Rule& rule,
                  std::string_view help, Findings& findings) {
  for (const LinkedFile& file : subject.files) {
    for (const Defect& defect : file.facts->defects()) {
      if (defect.kind() != kind) continue;
      Finding finding = FileFinding(rule, file, "", defect.message(), help);
      if (defect.offset() > 0) finding.set_evidence(absl::StrCat("at ", Hex(defect.offset())));
      finding.mutable_location()->set_offset(static_cast<double>(defect.offset()));
      findings.push_back(std::move(finding));
    }
  }
}

void JudgeProblems(const Subject& subject, LinkedProblem::Kind kind, const Rule& rule,
                   std::string_view help, Findings& findings) {
  for (const LinkedProblem& problem : subject.problems) {
    if (problem.kind != kind) continue;
    Finding finding = MakeFinding(rule, problem.where, "", problem.message, help);
    if (problem.offset > 0) finding.set_evidence(absl::StrCat("at ", Hex(problem.offset)));
    if (!problem.expected.empty() || !problem.actual.empty()) {
      finding.add_notes(absl::StrCat("expected ", problem.expected, ", found ", problem.actual));
    }
    finding.mutable_location()->set_offset(static_cast<double>(problem.offset));
    finding.mutable_location()->set_line(problem.line);
    finding.mutable_location()->set_column(problem.column);
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void Incomplete(const Subject& subject, const Rule& rule, Findings& findings) {
  constexpr std::string_view kHelp =
      "nothing is known about what could not be read: repair or replace the input, then audit "
      "again";
  JudgeDefects(subject, Defect::UNREADABLE, rule, kHelp, findings);
  JudgeProblems(subject, LinkedProblem::Kind::kUnreadable, rule, kHelp, findings);
  JudgeProblems(subject, LinkedProblem::Kind::kMalformed, rule, kHelp, findings);
}

void LimitReached(const Subject& subject, const Rule& rule, Findings& findings) {
  constexpr std::string_view kHelp =
      "the limits keep hostile input from exhausting memory; what lies beyond was not audited";
  JudgeDefects(subject, Defect::LIMIT, rule, kHelp, findings);
  JudgeProblems(subject, LinkedProblem::Kind::kLimit, rule, kHelp, findings);
}

}  // namespace lre_audit::judge
