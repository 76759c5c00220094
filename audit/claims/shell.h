// Shell scripts as far as claims need them: which simple commands a script holds, with their words
// after quote removal, and whether they always run. The grammar is that of POSIX with Bash's [[ ]],
// (( )), arrays, here-strings, process substitution and $'...'. Nothing is expanded.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_SHELL_H_
#define LRE_AUDIT_AUDIT_CLAIMS_SHELL_H_

#include <string>
#include <string_view>
#include <vector>

#include "audit/claims/shell_words.h"

namespace lre_audit {

struct ShellAssignment {
  std::string name;
  bool append = false;            // +=
  std::vector<ShellWord> values;  // one, or an array's elements
};

struct ShellCommand {
  std::vector<ShellAssignment> assignments;  // NAME=value before the command, or alone
  std::vector<ShellWord> words;              // without redirections; `export A=b` is two words
  // In a branch, loop, after && or ||; but not where `true` or `:` is all that it hangs on.
  bool conditional = false;
  bool in_function = false;  // runs only if the function is called
  bool in_subshell = false;  // ( ), $( ), ` ` or <( ): its assignments end there
};

struct ShellScript {
  // Up to the first `exit`, `return` or `exec program` that always runs: what follows is never
  // read.
  std::vector<ShellCommand> commands;
  std::vector<std::string> loop_variables;  // of for and select
  // False where the text is not a shell script as this parser understands them, or nests deeper
  // than any sane script: then `commands` may be wrong and should not be believed.
  bool valid = false;
};

ShellScript ParseShell(std::string_view text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_SHELL_H_
