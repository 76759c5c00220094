// The common end of every audit: verdict, outputs, exit code.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_WRITE_REPORT_H_
#define LRE_AUDIT_AUDIT_COMMANDS_WRITE_REPORT_H_

#include <ostream>

#include "audit/commands/options.h"
#include "reports/difference.pb.h"
#include "reports/report.pb.h"

namespace lre_audit {

// Exit codes, as --help promises them.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFindings = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitIncomplete = 3;

// Sets tool, verdict and the findings' counts by severity, makes every string printable, and
// writes the report: first the files of --output, then standard output (`out`). `report` holds raw
// bytes on entry (see MakePrintable) and may already say INCOMPLETE. `seconds` is how long the
// audit took, for the text alone. Returns the exit code; an output that cannot be written is one
// line on `err` and kExitUsage.
int WriteReport(Report& report, const ReportOptions& options, double seconds, std::ostream& out,
                std::ostream& err);

// The same of a comparison, whose counts and verdict are set already.
int WriteComparison(Comparison& comparison, const ReportOptions& options, double seconds,
                    std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_WRITE_REPORT_H_
