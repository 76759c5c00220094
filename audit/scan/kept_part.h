// A scanned part as it is kept between audits, and back.
#ifndef LRE_AUDIT_AUDIT_SCAN_KEPT_PART_H_
#define LRE_AUDIT_AUDIT_SCAN_KEPT_PART_H_

#include <cstddef>
#include <vector>

#include "audit/scan/scan.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// What an earlier audit found in part `part` of `tree`, where options.cache has it and the part's
// bytes are still the same: they are hashed, and nothing else is done with them. False, and `out`
// untouched, if the part has to be scanned.
bool RecallPart(const Tree& tree, size_t part, const ScanOptions& options, ScannedPart* out);

// Keeps what was found in the part, if nothing is wrong with it that an audit has to tell (another
// diff_id than promised apart, which is held against the promise each time), and sets
// scanned->content.
void KeepPart(const Tree& tree, size_t part, const ScanOptions& options, ScannedPart* scanned);

// Whether a verifying pass over the part found the bytes that Tree::content promises, all of them
// readable and well formed; another diff_id than promised does not count.
bool IsAsPromised(const Tree::Part& part, const std::vector<Problem>& problems);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_KEPT_PART_H_
