// The table of rules: each a function from linked facts to findings.
#ifndef LRE_AUDIT_RULES_RULE_H_
#define LRE_AUDIT_RULES_RULE_H_

#include <span>
#include <string_view>
#include <vector>

#include "reports/report.pb.h"
#include "rules/linked.h"

namespace lre_audit {

struct Rule {
  const char* code;            // "LRE101"
  const char* name;            // "interpreter-outside-store"
  Finding::Severity severity;  // default; a finding may carry another where its page says so
  const char* summary;         // one sentence
  // The page of `lre-audit rule CODE`: what, why it breaks builds or cache hits, example, how to
  // fix.
  const char* page;
  // Appends findings with everything set but subject and fingerprint. Null for the rules about the
  // policy itself, which CompiledPolicy::Apply judges, and for those of cache keys (LRE7xx), which
  // are found by comparing two logs.
  void (*judge)(const Subject& subject, const Rule& rule, std::vector<Finding>& findings);
  // That something is missing from one of these, and may lie in a part of it that could not be
  // read.
  enum class Absence { kNone, kFromTree, kFromClosure };
  Absence absence = Absence::kNone;
};

// All rules, by code.
std::span<const Rule> AllRules();
// nullptr if there is none of that code or name.
const Rule* FindRule(std::string_view code_or_name);

// Runs every rule, drops what another finding of the same file says better (one finding per cause
// and file), sets subject and fingerprint, and sorts: severity, rule, path, referenced.
std::vector<Finding> Judge(const Subject& subject);

// The order of a report: severity, rule, path, referenced. Judge() sorts; sort again where a policy
// has changed severities.
void SortFindings(std::vector<Finding>& findings);

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_RULE_H_
