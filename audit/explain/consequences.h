// Causes that are another one's consequence, although they show by themselves.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_CONSEQUENCES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_CONSEQUENCES_H_

#include <vector>

#include "audit/explain/causes.h"

namespace lre_audit::explain {

// Folds causes that are arguments of just the same actions into the first of them, and into their
// root, which gets a note and their `direct` pairs:
//   - the list of builtin include directories (LRE710) that another compiler (LRE709, in the same
//     actions) has written;
//   - flags that add include directories (-I, -isystem) where that list has grown or shrunk by just
//     their lines: Bazel takes both from CPATH and its like.
// `actions` are not set yet.
void FoldConsequences(std::vector<Cause>* causes);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_CONSEQUENCES_H_
