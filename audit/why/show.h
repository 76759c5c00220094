// Chains as people read them, and as JSON.
#ifndef LRE_AUDIT_AUDIT_WHY_SHOW_H_
#define LRE_AUDIT_AUDIT_WHY_SHOW_H_

#include <ostream>
#include <string>
#include <vector>

#include "audit/why/chains.h"
#include "audit/why/graph.h"
#include "audit/why/roots.h"

namespace lre_audit::why {

// What was asked, and what became of it.
struct Answer {
  std::string subject;   // "oci:worker:t"
  std::string path;      // as the user typed it
  std::string begins;    // what the roots are: "Entrypoint, Cmd or Env"
  std::string tree;      // where chains lead: the image, "its closure", "the local store"
  bool is_image = true;  // else only the store is looked at
  Goal goal;
  bool all = false;  // every shortest chain was asked for
  const std::vector<Root>* roots = nullptr;
  const Graph* graph = nullptr;
  Found found;
  std::vector<std::string> problems;  // parts of the subject that could not be read
};

// A tree for each chain: every file below the one that leads to it, under the bytes that do.
//
//   Entrypoint
//   └── /nix/store/...-run/bin/run
//       line 3: exec /nix/store/...-tool/bin/tool "$@"
//       └── /nix/store/...-tool/bin/tool
//           DT_NEEDED at 0x4a1: libx.so.1, found by RUNPATH $ORIGIN/../lib
//           └── ...
//
// Without chains, one line that says how near it came.
void WriteText(const Answer& answer, bool color, std::ostream& out);

// {"subject", "path", "exists", "chains": [{"root": {"kind", "context", "text", "path", "file",
// "line", "column"}, "steps": [{"path", "how", "text", "offset", "line", "by"}]}], "roots", "cut",
// "problems"}: "how" is the name of a Claim::Kind, HOLDS, STORE_REFERENCE or DLOPEN; text, offset
// and line are those of the bytes in the file before that name "path"; "by" says how a library is
// found.
void WriteJson(const Answer& answer, std::ostream& out);

}  // namespace lre_audit::why

#endif  // LRE_AUDIT_AUDIT_WHY_SHOW_H_
