// Two versions of a generated toolchain.
#ifndef LRE_AUDIT_AUDIT_COMPARE_COMPARE_TOOLCHAINS_H_
#define LRE_AUDIT_AUDIT_COMPARE_COMPARE_TOOLCHAINS_H_

#include "audit/compare/compare.h"

namespace lre_audit {

// Fills everything but tool, verdict and counts: the packages that the toolchains name, their
// tools, include directories, flags and settings by file and role, and what is wrong with them.
void CompareToolchains(const CompareRequest& request, Comparison* comparison);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_COMPARE_TOOLCHAINS_H_
