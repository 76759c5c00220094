// ELF objects linked: what the loader would find for each, in the tree's own view.
#ifndef LRE_AUDIT_AUDIT_LINK_LINK_OBJECTS_H_
#define LRE_AUDIT_AUDIT_LINK_LINK_OBJECTS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/link/tree_index.h"
#include "rules/linked.h"

namespace lre_audit {

// Whether the package `store_path` references `other`, as the closure records or the scan found.
using ReferencesFn = std::function<bool(std::string_view store_path, std::string_view other)>;

// Sets LinkedFile::object of every ELF object in `files`. `machine` is the platform's; empty: the
// one of most programs.
void LinkObjects(const TreeIndex& index, const ReferencesFn& references, const std::string& machine,
                 std::vector<LinkedFile>& files);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_LINK_OBJECTS_H_
