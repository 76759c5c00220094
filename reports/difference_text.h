// A comparison for people, in the shape of a diff: "-" is what only the first side has, "+" what
// only the second has, "~" what both have and not alike.
#ifndef LRE_AUDIT_REPORTS_DIFFERENCE_TEXT_H_
#define LRE_AUDIT_REPORTS_DIFFERENCE_TEXT_H_

#include <ostream>

#include "reports/difference.pb.h"
#include "reports/text.h"

namespace lre_audit {

// Writes one section for each kind of difference, then what was compared, and the verdict:
//
//   --- store:/
//   +++ oci:worker:t
//
//   packages: 1 updated, 1 gone
//     ~ glibc  2.38 -> 2.42  +1.2 MB
//     - /nix/store/...-spare-1.0  12 kB
//
//   contents: 1 file in 1 store path
//     /nix/store/...-make-4.3
//       ~ share/note  contents from line 3
//           - a line
//           + another line
//
// A section shows its first 20 lines, with `verbose` all. Paths and hashes are never shortened.
// Strings must be printable already (see MakePrintable).
void WriteText(const Comparison& comparison, const TextOptions& options, std::ostream& out);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_DIFFERENCE_TEXT_H_
