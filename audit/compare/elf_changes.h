// Two ELF objects, as the loader reads them.
#ifndef LRE_AUDIT_AUDIT_COMPARE_ELF_CHANGES_H_
#define LRE_AUDIT_AUDIT_COMPARE_ELF_CHANGES_H_

#include "reports/difference.pb.h"
#include "rules/facts.pb.h"

namespace lre_audit {

// Appends one change for each of machine, interpreter, SONAME, RPATH, RUNPATH, NEEDED, auxiliary
// libraries and build ID that differs.
void AppendElfChanges(const ElfFacts& a, const ElfFacts& b, FileDifference* difference);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_ELF_CHANGES_H_
