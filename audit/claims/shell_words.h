// Words of shell scripts: quotes removed, expansions marked, and where each byte stands.
//
// Nothing is expanded: a word keeps a NUL where an expansion stands, so that a path that depends on
// a variable cannot be mistaken for one that does not.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_SHELL_WORDS_H_
#define LRE_AUDIT_AUDIT_CLAIMS_SHELL_WORDS_H_

#include <cstddef>
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

// Reads a script word by word. What stands between words, and the commands in their substitutions,
// is the grammar's: the derived class.
class ShellWordReader {
 protected:
  // Reads `text` from byte `position` on, `depth` expansions and subshells deep.
  explicit ShellWordReader(std::string_view text, size_t position = 0, int depth = 0)
      : text_(text), position_(position), depth_(depth) {}
  virtual ~ShellWordReader() = default;

  // The commands of a $( ), <( ) or ( ), whose opening was read, up to and with its ")".
  virtual bool Commands() = 0;
  // The commands between the backquotes at bytes begin-1 and `end` of the text.
  virtual void Backquoted(size_t begin, size_t end) = 0;

  // --- Characters. Beyond the end there are only NULs.
  std::string_view text() const { return text_; }
  size_t position() const { return position_; }
  bool AtEnd() const { return position_ >= text_.size(); }
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  bool StartsWith(std::string_view s) const { return text_.substr(position_, s.size()) == s; }
  void Skip(size_t bytes = 1) { position_ += bytes; }
  void MoveTo(size_t position) { position_ = position; }
  // Blanks and escaped newlines, and a comment behind them.
  void SkipBlanks();
  // From "((" (after `prefix` bytes) to "))". False, and nothing read, where it is no arithmetic.
  bool SkipArithmetic(size_t prefix);

  // Nothing can be read after this; returns false, as what fails does.
  bool Fail();
  bool failed() const { return failed_; }
  int depth() const { return depth_; }
  // function(), one level deeper; fails where that is deeper than any sane script.
  template <typename Function>
  bool Nested(Function function) {
    if (depth_ >= kMaxDepth) return Fail();
    ++depth_;
    const bool ok = function();
    --depth_;
    return ok;
  }

  // --- Words.

  // Reads until an unquoted byte of `end`, which is left. Only the outermost level of a word ends
  // at the metacharacters that `end` holds; quotes and expansions are read whole.
  bool Word(std::string_view end, bool in_double_quotes, ShellWord* word);
  // A word of a command; an empty one where none begins.
  bool Word(ShellWord* word) { return Word(" \t\r\n;&|<>()", /*in_double_quotes=*/false, word); }

  static bool IsOneOf(char c, std::string_view set) { return set.find(c) != set.npos; }
  // The length of the variable name at the start of `s`.
  static size_t NameLength(std::string_view s);

 private:
  static constexpr int kMaxDepth = 64;

  void Escape(bool in_double_quotes, ShellWord* word);
  bool Expansion(bool in_double_quotes, ShellWord* word);
  bool Parameter(bool in_double_quotes, ShellExpansion* expansion);
  bool AnsiQuotes(ShellWord* word);
  bool SkipParentheses();

  std::string_view text_;
  size_t position_;
  int depth_;
  bool failed_ = false;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_SHELL_WORDS_H_
