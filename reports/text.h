// The report for people, in the shape of rustc's diagnostics.
#ifndef LRE_AUDIT_REPORTS_TEXT_H_
#define LRE_AUDIT_REPORTS_TEXT_H_

#include <ostream>

#include "reports/report.pb.h"

namespace lre_audit {

struct TextOptions {
  bool color = false;    // ANSI colours
  bool quiet = false;    // the verdict's line alone, and nothing at all if CLEAN
  bool verbose = false;  // also notes and suppressed findings; folded files are all listed
  // Findings at or above it decide the verdict, so they are always shown, even notes.
  Finding::Severity fail_on = Finding::ERROR;
  double seconds = 0;  // how long the audit took; no part of Report, which is deterministic
};

// Writes the findings, errors first and otherwise in the report's order:
//
//   error[LRE101]: interpreter is outside the store
//     --> /nix/store/8nri6b...-make-4.3/bin/make  (layer 3 of oci:worker:t)
//      |  PT_INTERP at 0x318: /lib64/ld-linux-x86-64.so.2
//      = note: ...
//      = help: ...
//      = also in 40 other files (--verbose lists all):
//          /nix/store/8nri6b...-make-4.3/libexec/a
//          ...
//
// then what was audited, against what, how much of it, and the verdict. Findings of one subject,
// rule, severity and `cause` are folded into the first of them. Paths, hashes and digests are never
// shortened, for users copy them. Strings must be printable already (see MakePrintable).
void WriteText(const Report& report, const TextOptions& options, std::ostream& out);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_TEXT_H_
