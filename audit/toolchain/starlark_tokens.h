// The lexical elements of Starlark (Bazel's "Starlark Language Specification"), with brackets and
// strings made whole where a file leaves them open, so that a parser need not think of it.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_TOKENS_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_TOKENS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/toolchain/starlark.h"

namespace lre_audit {

struct StarlarkToken {
  enum class Kind { kName, kNumber, kString, kOperator, kNewline, kEnd };
  Kind kind = Kind::kEnd;
  std::string_view text;  // as written; of a string, with prefix and quotes
  Position position;      // of its first byte; of a string, of the first byte after the quote
  uint32_t offset = 0;    // of its first byte
  // Of a string: its value, and where the value's bytes stand.
  std::string value;
  std::vector<StarlarkValue::Piece> pieces;
};

// Reads tokens one after another. Brackets always match in what it returns: one that the text
// leaves open is closed by a token of no length. Newlines within brackets are none.
class StarlarkLexer {
 public:
  static constexpr size_t kMaxErrors = 100;  // kept of a file

  // `text` and `errors` outlive the lexer.
  StarlarkLexer(std::string_view text, std::vector<StarlarkError>* errors);

  StarlarkToken Next();

  // Whether the end of the text was reached within brackets that nothing before it had closed.
  bool unclosed_at_end() const { return unclosed_at_end_; }

  // Goes back to `token`, which stood outside of brackets. From here on a line that looks like the
  // beginning of a statement is one, and closes the brackets before it.
  void RestartAt(const StarlarkToken& token);

  void Error(Position position, std::string message);

 private:
  struct Bracket {
    char open;
    Position position;
  };

  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  Position Here() const;
  void BeginLine();   // at the first byte of a line
  bool SkipBlanks();  // false at a newline that ends a statement
  bool AtStatement() const;
  size_t StringPrefix() const;
  StarlarkToken Take(StarlarkToken::Kind kind, size_t size);
  StarlarkToken String(size_t prefix);
  bool Contents(std::string_view close, bool raw, bool one_line, StarlarkToken* token);
  void Escape(bool raw, StarlarkToken* token);
  void BeginLineOfString();
  StarlarkToken Close();  // the innermost bracket, which the text leaves open
  bool Bracketed(char c, StarlarkToken* token);

  std::string_view text_;
  std::vector<StarlarkError>* errors_;
  size_t position_ = 0;
  uint32_t line_ = 1;
  size_t line_begin_ = 0;
  std::vector<Bracket> brackets_;
  size_t open_[3] = {0, 0, 0};     // of each kind in brackets_
  bool closing_ = false;           // all of brackets_, before anything else is read
  bool statements_close_ = false;  // see RestartAt
  bool unclosed_at_end_ = false;
  bool no_end_[2] = {false, false};  // no """ (no ''') stands in the rest of the text
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_TOKENS_H_
