// Which paths a string of a toolchain's configuration names, and as what.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_PATH_STRINGS_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_PATH_STRINGS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.pb.h"

namespace lre_audit {

// What the strings of an attribute or variable are.
enum class PathRole {
  kUnknown,           // each tells by itself
  kTool,              // the path of a program
  kIncludeDirectory,  // the path of a directory of headers
  kFlags,             // arguments of a compiler or linker
  kCommand,           // a shell command
  kNone,              // documentation, messages, labels
};

// "tool_paths" is kTool, "link_flags" kFlags, "doc" kNone.
PathRole RoleOfName(std::string_view name);

// A path within a string; `at` is the index of its first byte there.
struct NamedPath {
  Claim::Kind kind = Claim::TOOL;  // TOOL, INCLUDE_DIRECTORY or FLAG
  std::string text;
  size_t string = 0;  // index of the string in a list of them
  size_t at = 0;
  std::string context;  // of a FLAG: the flag as written; else empty
};

// The absolute paths in `strings`, which are the elements of one list: of arguments, each may be
// the value of the option before it. Elements that are no string are empty.
std::vector<NamedPath> FindNamedPaths(PathRole role, const std::vector<std::string_view>& strings);

// "x86_64-linux" where `text` names a Nix system or a target triple with such
// ("...-aarch64-darwin", "x86_64-unknown-linux-gnu"); else empty.
std::string SystemIn(std::string_view text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_PATH_STRINGS_H_
