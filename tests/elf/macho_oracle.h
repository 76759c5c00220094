// LLVM as oracle for Mach-O: its yaml2obj writes objects, its MachOObjectFile reads them. LLVM 14's
// headers do not compile as C++20 with clang and libstdc++, so this header and its source are
// C++17.
#ifndef LRE_AUDIT_TESTS_ELF_MACHO_ORACLE_H_
#define LRE_AUDIT_TESTS_ELF_MACHO_ORACLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace lre_audit::elf {

struct LlvmPath {
  std::string command, value;
};

// The object that `yaml` describes; empty, with LLVM's message on stderr, if it is no such YAML.
std::string MachOFromYaml(const std::string& yaml);

// The strings of the load commands, in order; those of a universal file slice by slice.
// `error`: LLVM's, where it refuses the file.
std::vector<LlvmPath> LlvmPaths(const std::string& bytes, std::string& error);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_TESTS_ELF_MACHO_ORACLE_H_
