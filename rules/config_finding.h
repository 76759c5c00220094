// How rules write findings about files that describe, pin or deploy a toolchain.
#ifndef LRE_AUDIT_RULES_CONFIG_FINDING_H_
#define LRE_AUDIT_RULES_CONFIG_FINDING_H_

#include <string>
#include <string_view>

#include "rules/finding.h"
#include "rules/linked_toolchain.h"

namespace lre_audit {

// A finding at the place of one claim: path, line, column, and the line as evidence.
Finding ToolchainFinding(const Rule& rule, const ToolchainClaim& claim, std::string_view referenced,
                         std::string message, std::string_view help);

// The same at the place of one setting.
Finding SettingFinding(const Rule& rule, const LinkedSetting& setting, std::string_view referenced,
                       std::string message, std::string_view help);

// "generated-cc/cc/BUILD:139:17".
std::string PlaceOf(const ToolchainClaim& claim);
std::string PlaceOf(const LinkedSetting& setting);

// "the image oci:worker:t", "the local side closure.json", "the local store".
std::string ViewName(const ToolchainView& view);

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_CONFIG_FINDING_H_
