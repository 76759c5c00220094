// The parts of a text report that `explain` alone has.
#ifndef LRE_AUDIT_REPORTS_EXPLANATION_TEXT_H_
#define LRE_AUDIT_REPORTS_EXPLANATION_TEXT_H_

#include <ostream>

#include "reports/report.pb.h"
#include "reports/text.h"

namespace lre_audit {

// What stands before the causes: the logs, how many of their actions share a key, and the actions
// that were asked for in full, with "-" before what is local and "+" before what is remote.
void WriteExplanation(const Report& report, const TextOptions& options, std::ostream& out);

// Behind the path of a cause's first action: "  (CppCompile //lib:lib)", and the line's end.
void WriteAction(const KeyCause& cause, std::ostream& out);

// Of a finding that has one: what both sides say, how it is proven, what it costs.
void WriteKeyCause(const Finding& finding, const TextOptions& options, std::ostream& out);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_EXPLANATION_TEXT_H_
