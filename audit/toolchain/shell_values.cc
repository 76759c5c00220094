#include "audit/toolchain/shell_values.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::string_view kEndsWord = " \t\r\n;&|<>)";

// The end of the command substitution that begins at `begin` of `code` with "$(": after its ')'.
size_t EndOfSubstitution(std::string_view code, size_t begin) {
  int depth = 0;
  for (size_t i = begin + 1; i < code.size(); ++i) {
    if (code[i] == '(') ++depth;
    if (code[i] == ')' && --depth == 0) return i + 1;
  }
  return code.size();
}

std::string WordAt(std::string_view code, size_t begin) {
  std::string word;
  char quote = '\0';
  for (size_t i = begin; i < code.size();) {
    const char c = code[i];
    if (quote == '\0' && kEndsWord.find(c) != kEndsWord.npos) break;
    if (c == quote) {
      quote = '\0';
      ++i;
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
      ++i;
    } else if (quote != '\'' && code.substr(i).starts_with("$(")) {
      const size_t end = EndOfSubstitution(code, i);
      word += code.substr(i, end - i);
      i = end;
    } else if (quote != '\'' && c == '`') {
      const size_t end = std::min(code.find('`', i + 1), code.size());
      absl::StrAppend(&word, "$(", ToAbsl(code.substr(i + 1, end - i - 1)), ")");
      i = end + 1;
    } else if (quote != '\'' && c == '\\' && i + 1 < code.size()) {
      word += code[i + 1];
      i += 2;
    } else {
      word += c;
      ++i;
    }
  }
  return word;
}

}  // namespace

std::vector<ShellValue> ShellValuesOf(std::string_view code, std::string_view name) {
  std::vector<ShellValue> values;
  const std::string assignment = absl::StrCat(ToAbsl(name), "=");
  for (size_t i = code.find(assignment); i != code.npos; i = code.find(assignment, i + 1)) {
    ShellValue& value = values.emplace_back();
    const bool is_other_name = i > 0 && (absl::ascii_isalnum(code[i - 1]) || code[i - 1] == '_');
    if (is_other_name) continue;
    value.text = WordAt(code, i + assignment.size());
    const bool is_own_value = value.text == absl::StrCat("$", ToAbsl(name)) ||
                              value.text == absl::StrCat("${", ToAbsl(name), "}");
    value.is_known = !value.text.empty() && value.text[0] != '%' && !is_own_value;
  }
  return values;
}

}  // namespace lre_audit
