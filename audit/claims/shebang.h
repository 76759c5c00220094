// The #! line, as Linux reads it.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_SHEBANG_H_
#define LRE_AUDIT_AUDIT_CLAIMS_SHEBANG_H_

#include <optional>
#include <string_view>

#include "audit/claims/claim_list.h"

namespace lre_audit {

struct Shebang {
  std::string_view interpreter;  // views of the text; relative if written so
  std::string_view argument;     // the one that Linux passes; may hold blanks
  size_t offset = 0;             // of the interpreter
  // The interpreter does not end within the bytes that Linux looks at, so execve says ENOEXEC; it
  // is given here as far as its line goes.
  bool too_long = false;
  bool argument_cut = false;  // the argument goes on beyond those bytes
};

// Linux's fs/binfmt_script.c: the first BINPRM_BUF_SIZE = 256 bytes; blanks and tabs before the
// interpreter, which ends at a blank, tab or NUL; the rest of the line, trimmed, is one argument.
// nullopt where the file does not begin with #! or names nothing. A Rust inner attribute
// (`#![...]`) is not taken for one.
std::optional<Shebang> ParseShebang(std::string_view text);

// The program that `env` runs where it is the interpreter, a view of the argument: what follows its
// options and NAME=value. Empty where env runs none, or where quotes, escapes or variables of its
// -S would have to be understood first.
std::string_view EnvProgram(const Shebang& shebang);

// The interpreter's file name, of env's the program's.
std::string_view InterpreterName(const Shebang& shebang);

// The claims of `text`'s #! line, if it has one: the interpreter as far as Linux reads it (its
// context is the argument), and env's program where its path is absolute (context "env").
void AddShebangClaim(std::string_view text, ClaimList* claims);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_SHEBANG_H_
