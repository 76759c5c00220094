// Shell scripts as far as claims need them: which simple commands a script holds, with their words
// after quote removal, and whether they always run. The grammar is that of POSIX with Bash's [[ ]],
// (( )), arrays, here-strings, process substitution and $'...'.
//
// Nothing is expanded: a word keeps a NUL where an expansion stands, so that a path that depends on
// a variable cannot be mistaken for one that does not.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_SHELL_H_
#define LRE_AUDIT_AUDIT_CLAIMS_SHELL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

struct ShellExpansion;

struct ShellWord {
  static constexpr char kExpansion = '\0';  // in `text`; scripts with NULs are not parsed

  std::string text;                        // quotes removed
  std::vector<uint32_t> offsets;           // of each byte of `text` in the script
  std::vector<ShellExpansion> expansions;  // of each kExpansion, in order
  bool quoted = false;                     // part of it was quoted, so it is no reserved word

  bool IsLiteral() const { return expansions.empty(); }
  uint32_t offset() const { return offsets.empty() ? 0 : offsets.front(); }
  // The word from byte `begin` of `text` on.
  ShellWord From(size_t begin) const;
};

// $name, ${name}, ${name:-word}; name is empty for $(...), `...`, $((...)) and <(...).
struct ShellExpansion {
  std::string name;
  std::string operation;  // "", "-", ":-", "+", ":+", "/", ...
  ShellWord word;         // after the operation
};

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
