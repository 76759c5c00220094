// CMake's language (cmake-language(7)): commands with quoted, unquoted and bracket arguments.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_CMAKE_LANGUAGE_H_
#define LRE_AUDIT_AUDIT_CLAIMS_CMAKE_LANGUAGE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/claims/path_flags.h"

namespace lre_audit {

// Calls `found` for each command of `text` with its name in lower case and its arguments as
// written, without quotes; nothing is expanded. Time is linear in the text, and whatever it holds
// it is read to its end. Returns the offset of the first parenthesis or bracket that is not closed.
std::optional<uint64_t> ForEachCMakeCommand(
    std::string_view text,
    const std::function<void(const std::string& name, const std::vector<Token>& arguments)>& found);

// Whether `argument` is a variable's or property's name rather than a value.
bool IsCMakeName(std::string_view argument);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_CMAKE_LANGUAGE_H_
