// One reader for each format of a generated toolchain's files. Each reads the list's whole text and
// adds claims, settings and defects to it.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_TOOLCHAIN_FILES_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_TOOLCHAIN_FILES_H_

#include <string_view>

#include "audit/toolchain/setting_list.h"

namespace lre_audit {

// BUILD and .bzl files of Bazel and Buck2: the attributes of rules, and variables of the same
// names, also in the bodies of functions. A string's part is that of the attribute which holds it
// (tool_paths, cxx_builtin_include_directories, *_flags, java_home, ...); in another it is told by
// the string itself (audit/toolchain/path_strings.h). Labels, documentation, messages, and strings
// that are only compared with are none. `path` may say which Nix system the file is for.
void AddStarlarkClaims(std::string_view path, SettingList* list);

// builtin_include_directory_paths, as Bazel's cc_configure writes it: a paragraph that names the
// compiler ("that /usr/bin/gcc reported"), then one directory in a line.
void AddIncludeDirectoryListClaims(SettingList* list);

// Clang's module maps ("Modules", Module Map Language): headers and umbrella directories.
void AddModuleMapClaims(SettingList* list);

// A script: its #! line, and if it is one for the shell all paths that it runs, passes or sets.
// `path` tells by its name that it is for the shell, where no #! line does.
void AddToolchainScriptClaims(std::string_view path, SettingList* list);

// A CMake toolchain file (cmake-toolchains(7)): compilers and programs, sysroots, flags, and
// directories in the variables and properties that it sets.
void AddCMakeToolchainClaims(SettingList* list);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_TOOLCHAIN_FILES_H_
