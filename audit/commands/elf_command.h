// `lre-audit elf FILE...`: what the dynamic loader would do with each file.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_ELF_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_ELF_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

namespace lre_audit {

struct ElfOptions {
  std::vector<std::string> files;
  std::string root;   // "" for the host, or a directory that stands for "/"
  bool json = false;  // else a tree for people
};

// Writes the report to `out` and one line per bad file, or more where more is bad in it, to `err`;
// a bad file never stops the others. Returns the exit code: 0 all is found; 1 an interpreter, a
// library or a version of one is missing; 2 no files named, or no such file; 3 a file cannot be
// read as ELF. The highest one wins.
int RunElf(const ElfOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_ELF_COMMAND_H_
