#include "audit/compare/findings.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

std::string KeyOf(const Finding& finding) {
  if (!finding.fingerprint().empty()) return finding.fingerprint();
  return absl::StrCat(finding.rule(), "\n", finding.path(), "\n", finding.referenced());
}

// LRE901 incomplete and LRE902 limit-reached.
bool SaysIncomplete(const Finding& finding) {
  return finding.rule() == "LRE901" || finding.rule() == "LRE902";
}

// The findings that `others` does not have, once each.
template <typename Out>
void AddThoseWithout(std::vector<Finding>& findings, const std::set<std::string>& others,
                     Out* out) {
  std::set<std::string> seen;
  for (Finding& finding : findings) {
    std::string key = KeyOf(finding);
    if (finding.suppressed() || others.contains(key) || !seen.insert(std::move(key)).second) {
      continue;
    }
    *out->Add() = std::move(finding);
  }
}

std::set<std::string> KeysOf(const std::vector<Finding>& findings) {
  std::set<std::string> keys;
  for (const Finding& finding : findings) {
    if (!finding.suppressed()) keys.insert(KeyOf(finding));
  }
  return keys;
}

}  // namespace

std::vector<Finding> JudgeSide(const Subject& subject, const CompiledPolicy& policy,
                               std::vector<std::string>* problems) {
  std::vector<Finding> findings = Judge(subject);
  // What it says of the policy itself is an audit's business.
  (void)policy.Apply(findings);
  std::erase_if(findings, [&](const Finding& finding) {
    if (!SaysIncomplete(finding)) return false;
    problems->push_back(
        absl::StrCat(finding.subject(), ": ", finding.path(), ": ", finding.message()));
    return true;
  });
  return findings;
}

void CompareFindings(std::vector<Finding> a, std::vector<Finding> b, Comparison* comparison) {
  const std::set<std::string> in_a = KeysOf(a), in_b = KeysOf(b);
  AddThoseWithout(b, in_a, comparison->mutable_new_findings());
  AddThoseWithout(a, in_b, comparison->mutable_fixed_findings());
}

}  // namespace lre_audit
