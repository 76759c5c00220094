// What seems to be missing where not everything could be read.
#ifndef LRE_AUDIT_RULES_ABSENCES_H_
#define LRE_AUDIT_RULES_ABSENCES_H_

#include <vector>

#include "reports/report.pb.h"
#include "rules/linked.h"

namespace lre_audit {

// Whether files of the tree, a layer or a store path's NAR may not have been read.
bool MayLackFiles(const Subject& subject);

// Drops the findings of rules that tell of an absence (Rule::absence) from what was read in part;
// the finding that says so notes how many. The audit is incomplete in any case.
void DropAbsences(const Subject& subject, std::vector<Finding>& findings);

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_ABSENCES_H_
