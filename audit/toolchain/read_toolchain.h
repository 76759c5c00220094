// A generated toolchain: what rbe_configs_gen, LRE and their like write for Bazel, and the same
// claims of Buck2 and CMake. Reading it is the scan of a toolchain: its files become facts.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_READ_TOOLCHAIN_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_READ_TOOLCHAIN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "rules/facts.pb.h"

namespace lre_audit {

struct ToolchainFacts {
  std::string directory;           // as the user named it
  std::vector<ConfigFacts> files;  // those that say something or could not be read, by path
  uint64_t files_read = 0, bytes = 0;
};

// Reads every file of `directory` that a toolchain can consist of: BUILD, BUILD.bazel, *.BUILD*,
// *.bzl, BUCK, builtin_include_directory_paths*, scripts, module.modulemap, CMake toolchain files.
// NotFound and InvalidArgument for a directory that is not there, or that holds no toolchain (one
// line that says what was looked for); everything else that is wrong is a ConfigDefect of its file.
// Symlinks inside are followed only as long as they stay inside `directory`.
absl::StatusOr<ToolchainFacts> ReadToolchain(const std::string& directory);

// One file of a toolchain; `path` tells its format by its name.
ConfigFacts ReadToolchainFile(const std::string& path, std::string_view text, bool executable);

// Whether `directory` itself (not a directory below it) holds a file of a generated toolchain that
// names a tool, include directory or java_home: for discovery.
bool LooksLikeToolchain(const std::string& directory);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_READ_TOOLCHAIN_H_
