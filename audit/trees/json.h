// Manifests and configurations, read without trusting a byte of them.
#ifndef LRE_AUDIT_AUDIT_TREES_JSON_H_
#define LRE_AUDIT_AUDIT_TREES_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace lre_audit {

using Json = nlohmann::json;

// InvalidArgument says at which byte the text stops being JSON, or that it nests too deeply.
absl::StatusOr<Json> ParseJson(std::string_view text);

// Member `key` of `object`; null if that is no object or has no such member.
const Json& Member(const Json& object, const char* key);
// The same as a string, an array of strings or a size; empty where it is something else.
std::string StringMember(const Json& object, const char* key);
std::vector<std::string> StringsMember(const Json& object, const char* key);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_JSON_H_
