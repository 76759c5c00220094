// Store paths of an image against the local ones of the same name, for the gate (LRE603).
#ifndef LRE_AUDIT_AUDIT_COMPARE_COMPARE_CONTENTS_H_
#define LRE_AUDIT_AUDIT_COMPARE_COMPARE_CONTENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/tree.h"
#include "rules/linked.h"
#include "rules/linked_toolchain.h"

namespace lre_audit {

// Of `paths` (Subject::store_paths of the examined `image`), those whose contents in the image are
// not those that the local store records: which file differs first, and how. Others are passed
// over. `local` is "store:[ROOT]" or a binary cache; the files there are read, and where they are
// not what it records `how` says so. An error is a store that cannot be opened at all.
absl::StatusOr<std::vector<ContentDifference>> CompareContents(
    const Tree& image, const std::vector<LinkedStorePath>& paths, const std::string& local,
    int jobs);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_COMPARE_CONTENTS_H_
