#include "audit/trees/json.h"

#include "absl/strings/str_cat.h"

namespace lre_audit {
namespace {

constexpr int kMaxDepth = 100;

bool NestsTooDeeply(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<Json> ParseJson(std::string_view text) {
  if (NestsTooDeeply(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON that nests more than ", kMaxDepth, " deep"));
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("no JSON: error at byte ", error.byte, " of ", text.size()));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError("no JSON: a number is out of range");
  }
}

const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string StringMember(const Json& object, const char* key) {
  const Json& member = Member(object, key);
  return member.is_string() ? member.get_ref<const std::string&>() : std::string();
}

std::vector<std::string> StringsMember(const Json& object, const char* key) {
  std::vector<std::string> strings;
  const Json& member = Member(object, key);
  if (!member.is_array()) return strings;
  for (const Json& element : member) {
    if (element.is_string()) strings.push_back(element.get_ref<const std::string&>());
  }
  return strings;
}

}  // namespace lre_audit
