// CMake toolchain files. What a package's *.cmake files say to those that use it is another matter
// (audit/claims/cmake_files.cc): here each name says what is done with its value.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "audit/claims/cmake_language.h"
#include "audit/toolchain/path_strings.h"
#include "audit/toolchain/toolchain_files.h"

namespace lre_audit {
namespace {

bool IsOneOf(std::string_view s, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), s) != set.end();
}

// cmake-variables(7), "Variables for Languages".
PathRole RoleOfVariable(std::string_view name) {
  for (std::string_view part : {"_FLAGS", "SYSROOT", "_OPTIONS", "LINK_DIRECTORIES"}) {
    if (name.find(part) != name.npos) return PathRole::kFlags;
  }
  if (name.find("INCLUDE") != name.npos) return PathRole::kIncludeDirectory;
  for (std::string_view end :
       {"_COMPILER", "_AR", "_RANLIB", "_LINKER", "_NM", "_STRIP", "_OBJCOPY", "_OBJDUMP",
        "_ADDR2LINE", "_READELF", "_DLLTOOL", "_MAKE_PROGRAM", "_EMULATOR", "_LAUNCHER"}) {
    if (name.ends_with(end)) return PathRole::kTool;
  }
  return PathRole::kUnknown;
}

PathRole RoleOfCommand(std::string_view command) {
  if (IsOneOf(command, {"message", "if", "elseif", "while", "string", "project", "option",
                        "cmake_minimum_required"})) {
    return PathRole::kNone;
  }
  if (IsOneOf(command, {"include_directories", "target_include_directories"})) {
    return PathRole::kIncludeDirectory;
  }
  for (std::string_view end : {"_options", "_libraries", "_directories", "_definitions"}) {
    if (command.ends_with(end)) return PathRole::kFlags;
  }
  return PathRole::kUnknown;
}

}  // namespace

void AddCMakeToolchainClaims(SettingList* list) {
  const auto read = [&](const std::string& command, const std::vector<Token>& arguments) {
    PathRole role = RoleOfCommand(command);
    if (role == PathRole::kNone) return;
    std::string_view name = command;  // the variable or property whose value follows
    std::vector<std::string_view> values;
    const auto flush = [&] {
      for (const NamedPath& path : FindNamedPaths(role, values)) {
        const size_t offset = values[path.string].data() + path.at - list->text().data();
        list->AddClaim(path.kind, path.text, offset, path.context.empty() ? name : path.context);
      }
      values.clear();
    };
    for (const Token& argument : arguments) {
      if (IsCMakeName(argument.text)) {
        flush();
        name = argument.text;
        if (command == "set" || command == "list" || command.find("propert") != command.npos) {
          role = RoleOfVariable(name);
        }
        continue;
      }
      for (const Token& element : Split(argument.text, argument.offset, ";")) {
        values.push_back(element.text);
      }
    }
    flush();
  };
  const std::optional<uint64_t> unclosed = ForEachCMakeCommand(list->text(), read);
  if (unclosed.has_value()) list->AddDefect(*unclosed, "is not closed before the file ends");
}

}  // namespace lre_audit
