// Files of a generated toolchain: Starlark, CMake, scripts, module maps, lists.
#include <iterator>

#include "audit/toolchain/read_toolchain.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  static constexpr const char* kNames[] = {
      "BUILD",  "cc_toolchain_config.bzl", "cross.cmake", "builtin_include_directory_paths_gcc",
      "cpp.sh", "module.modulemap",        "BUCK"};
  const char* name = kNames[TakeByte(input) % std::size(kNames)];
  ReadToolchainFile(name, input, false);
}

}  // namespace lre_audit::fuzz
