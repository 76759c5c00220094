// Two images besides their files: what their configurations say, and which programs their PATH
// leads to.
#ifndef LRE_AUDIT_AUDIT_COMPARE_IMAGE_CHANGES_H_
#define LRE_AUDIT_AUDIT_COMPARE_IMAGE_CHANGES_H_

#include <string>
#include <vector>

#include "audit/compare/store_side.h"
#include "audit/trees/tree.h"
#include "reports/difference.pb.h"

namespace lre_audit {

// Platform, user, working directory, entrypoint and command, and each variable of Env.
std::vector<SettingDifference> CompareConfigs(const ImageConfig& a, const ImageConfig& b);

// Programs that only one side's PATH leads to, by name.
std::vector<ToolDifference> CompareImageTools(const StoreSide& a, const StoreSide& b);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_IMAGE_CHANGES_H_
