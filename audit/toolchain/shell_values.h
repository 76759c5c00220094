// What a piece of shell code assigns to a variable, where the code is not a script of its own but
// a word of some command line, quoted in ways that only the shell that runs it would undo.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_SHELL_VALUES_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_SHELL_VALUES_H_

#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

struct ShellValue {
  // Quotes removed, nothing expanded: a command substitution stays, as "$(command)".
  std::string text;
  // False for what says nothing by itself: empty, a format of printf, the variable's own value.
  bool is_known = false;
};

// One for each "NAME=..." in `code`, in order.
std::vector<ShellValue> ShellValuesOf(std::string_view code, std::string_view name);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_SHELL_VALUES_H_
