// What is wrong with one side and not with the other.
#ifndef LRE_AUDIT_AUDIT_COMPARE_FINDINGS_H_
#define LRE_AUDIT_AUDIT_COMPARE_FINDINGS_H_

#include <string>
#include <vector>

#include "reports/difference.pb.h"
#include "reports/report.pb.h"
#include "rules/linked.h"
#include "rules/policy.h"

namespace lre_audit {

// The findings of `subject` under `policy`. Those that say that something could not be read are
// taken out of them and become problems.
std::vector<Finding> JudgeSide(const Subject& subject, const CompiledPolicy& policy,
                               std::vector<std::string>* problems);

// Sets new_findings and fixed_findings: by fingerprint, in which store hashes do not count.
// Suppressed findings are none.
void CompareFindings(std::vector<Finding> a, std::vector<Finding> b, Comparison* comparison);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_FINDINGS_H_
