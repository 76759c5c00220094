#include "audit/toolchain/starlark_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;
using Kind = StarlarkToken::Kind;

constexpr std::string_view kOpen = "([{";
constexpr std::string_view kClose = ")]}";

// Longest first.
constexpr std::string_view kOperators[] = {
    "**=", "//=", ">>=", "<<=", "**", "//", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=",
    "&=",  "|=",  "^=",  ">>",  "<<", "->", ":=", "+",  "-",  "*",  "/",  "%",  "=",  "<",  ">",
    ",",   ":",   ";",   ".",   "&",  "|",  "^",  "~",  "@",  "(",  ")",  "[",  "]",  "{",  "}"};

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

bool IsNameStart(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80) != 0;
}

bool IsNameByte(char c) { return IsNameStart(c) || IsDigit(c); }

bool IsBlankOrQuote(char c) { return " \t\r\n\f\"'#"sv.find(c) != std::string_view::npos; }

size_t NameLength(std::string_view s) {
  if (s.empty() || !IsNameStart(s[0])) return 0;
  return std::find_if_not(s.begin(), s.end(), IsNameByte) - s.begin();
}

size_t NumberLength(std::string_view s) {
  if (s.empty() || !(IsDigit(s[0]) || (s[0] == '.' && s.size() > 1 && IsDigit(s[1])))) return 0;
  const bool hexadecimal = s.size() > 1 && (s[1] == 'x' || s[1] == 'X');
  size_t n = 1;
  while (n < s.size()) {
    const bool exponent = !hexadecimal && (s[n - 1] == 'e' || s[n - 1] == 'E');
    const bool sign = exponent && (s[n] == '+' || s[n] == '-');
    if (!IsNameByte(s[n]) && s[n] != '.' && !sign) break;
    ++n;
  }
  return n;
}

std::string_view OperatorAt(std::string_view s) {
  if (",()[]{}"sv.find(s[0]) != std::string_view::npos) return s.substr(0, 1);
  for (std::string_view op : kOperators) {
    if (s.starts_with(op)) return op;
  }
  return {};
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out->push_back(static_cast<char>(kLead[more] | (code >> (6 * more))));
  for (int i = more - 1; i >= 0; --i) {
    out->push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F)));
  }
}

// A token's text is appended to its value as it stands, at `offset`.
void AppendAsIs(std::string_view bytes, size_t offset, StarlarkToken* token) {
  if (bytes.empty()) return;
  const bool follows = !token->pieces.empty() && offset - token->pieces.back().offset ==
                                                     token->value.size() - token->pieces.back().at;
  if (!follows) {
    token->pieces.push_back(
        {static_cast<uint32_t>(token->value.size()), static_cast<uint32_t>(offset)});
  }
  token->value.append(bytes);
}

// What an escape at `offset` stands for is appended to the value.
void AppendResolved(uint32_t code, size_t offset, StarlarkToken* token) {
  token->pieces.push_back(
      {static_cast<uint32_t>(token->value.size()), static_cast<uint32_t>(offset)});
  AppendUtf8(code, &token->value);
}

}  // namespace

StarlarkLexer::StarlarkLexer(std::string_view text, std::vector<StarlarkError>* errors)
    : text_(text), errors_(errors) {
  if (text_.starts_with("\xEF\xBB\xBF"sv)) position_ = 3;  // a byte order mark
}

void StarlarkLexer::RestartAt(const StarlarkToken& token) {
  position_ = token.offset;
  line_ = token.position.line;
  const size_t newline = text_.substr(0, position_).rfind('\n');
  line_begin_ = newline == text_.npos ? 0 : newline + 1;
  std::erase_if(*errors_, [&](const StarlarkError& error) {
    return std::pair(error.position.line, error.position.column) >=
           std::pair(line_, static_cast<uint32_t>(position_ - line_begin_ + 1));
  });
  brackets_.clear();
  std::fill(std::begin(open_), std::end(open_), 0);
  closing_ = unclosed_at_end_ = false;
  statements_close_ = true;
}

void StarlarkLexer::Error(Position position, std::string message) {
  if (errors_->size() < kMaxErrors) {
    errors_->push_back({position, std::move(message)});
  } else if (errors_->size() == kMaxErrors) {
    errors_->push_back({position, absl::StrCat("more than ", kMaxErrors, " errors")});
  }
}

Position StarlarkLexer::Here() const {
  return {line_, static_cast<uint32_t>(position_ - line_begin_ + 1)};
}

void StarlarkLexer::BeginLine() {
  ++line_;
  line_begin_ = position_;
  if (statements_close_ && !brackets_.empty() && AtStatement()) closing_ = true;
}

// name(, name =, def name: at the first byte of a line, where nobody writes what stands in brackets
// (formatters indent it).
bool StarlarkLexer::AtStatement() const {
  std::string_view rest = text_.substr(position_);
  size_t length = NameLength(rest);
  if (length == 0) return false;
  if (rest.substr(0, length) == "def") return true;
  while (length < rest.size() && (IsNameByte(rest[length]) || rest[length] == '.')) ++length;
  while (length < rest.size() && (rest[length] == ' ' || rest[length] == '\t')) ++length;
  rest.remove_prefix(length);
  return rest.starts_with('(') || (rest.starts_with('=') && !rest.starts_with("=="));
}

bool StarlarkLexer::SkipBlanks() {
  while (position_ < text_.size() && !closing_) {
    const char c = Peek();
    if (c == '#') {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
      ++position_;
    } else if (c == '\\' && (Peek(1) == '\n' || (Peek(1) == '\r' && Peek(2) == '\n'))) {
      position_ += Peek(1) == '\n' ? 2 : 3;
      BeginLine();
    } else if (c == '\n' && !brackets_.empty()) {
      ++position_;
      BeginLine();
    } else {
      return c != '\n';
    }
  }
  return true;
}

StarlarkToken StarlarkLexer::Take(Kind kind, size_t size) {
  StarlarkToken token;
  token.kind = kind;
  token.text = text_.substr(position_, size);
  token.position = Here();
  token.offset = static_cast<uint32_t>(position_);
  position_ += token.text.size();
  return token;
}

StarlarkToken StarlarkLexer::Close() {
  const size_t kind = kOpen.find(brackets_.back().open);
  brackets_.pop_back();
  --open_[kind];
  StarlarkToken token = Take(Kind::kOperator, 0);
  token.text = kClose.substr(kind, 1);
  return token;
}

StarlarkToken StarlarkLexer::Next() {
  while (true) {
    if (closing_) {
      if (!brackets_.empty()) return Close();
      closing_ = false;
      return Take(Kind::kNewline, 0);
    }
    const bool newline = !SkipBlanks();
    if (newline) {
      StarlarkToken token = Take(Kind::kNewline, 1);
      BeginLine();
      return token;
    }
    if (closing_ || (position_ >= text_.size() && !brackets_.empty())) {
      Error(brackets_.front().position,
            absl::StrCat("unclosed '", std::string(1, brackets_.front().open), "'"));
      unclosed_at_end_ |= !closing_ && !statements_close_;
      closing_ = true;
      continue;
    }
    const std::string_view rest = text_.substr(position_);
    if (rest.empty()) return Take(Kind::kEnd, 0);
    if (const size_t prefix = StringPrefix(); prefix != rest.npos) return String(prefix);
    if (const size_t length = NumberLength(rest); length > 0) return Take(Kind::kNumber, length);
    if (const size_t length = NameLength(rest); length > 0) return Take(Kind::kName, length);
    if (const std::string_view op = OperatorAt(rest); !op.empty()) {
      StarlarkToken token;
      if (Bracketed(op[0], &token)) return token;
      if (kClose.find(op[0]) != kClose.npos) continue;  // it closed nothing
      if (op == ";" && !brackets_.empty()) {
        Error(Here(), "unexpected ';' within brackets");
        ++position_;
        continue;
      }
      return Take(Kind::kOperator, op.size());
    }
    Error(Here(), absl::StrCat("unexpected byte ", Hex(static_cast<unsigned char>(rest[0])),
                               ", expected an expression"));
    do {
      ++position_;
    } while (position_ < text_.size() && !IsNameByte(Peek()) && !IsBlankOrQuote(Peek()) &&
             OperatorAt(text_.substr(position_)).empty());
  }
}

// Of a bracket: the token, which may be another that has to be closed first. False for what is
// none, and for a closing bracket that has no opening one, which is passed over.
bool StarlarkLexer::Bracketed(char c, StarlarkToken* token) {
  if (const size_t kind = kOpen.find(c); kind != kOpen.npos) {
    brackets_.push_back({c, Here()});
    ++open_[kind];
    *token = Take(Kind::kOperator, 1);
    return true;
  }
  const size_t kind = kClose.find(c);
  if (kind == kClose.npos) return false;
  if (open_[kind] == 0) {
    Error(Here(), absl::StrCat("'", std::string(1, c), "' closes nothing"));
    ++position_;
    return false;
  }
  const Bracket& innermost = brackets_.back();
  if (innermost.open != kOpen[kind]) {
    Error(innermost.position, absl::StrCat("unclosed '", std::string(1, innermost.open),
                                           "' before '", std::string(1, c), "' in line ", line_));
    *token = Close();
    return true;
  }
  *token = Close();
  token->text = text_.substr(position_, 1);
  ++position_;
  return true;
}

// The length of r, b, rb, ... before a quote at the position; npos where no string begins.
size_t StarlarkLexer::StringPrefix() const {
  size_t length = 0;
  while (length < 2 && Peek(length) != '\0' &&
         "rRbBuUfF"sv.find(Peek(length)) != std::string_view::npos) {
    ++length;
  }
  return Peek(length) == '"' || Peek(length) == '\'' ? length : std::string_view::npos;
}

StarlarkToken StarlarkLexer::String(size_t prefix) {
  const size_t begin = position_;
  const std::string_view letters = text_.substr(begin, prefix);
  const bool raw = letters.find_first_of("rR") != letters.npos;
  const char quote = Peek(prefix);
  const bool triple = Peek(prefix + 1) == quote && Peek(prefix + 2) == quote;
  const std::string_view close = text_.substr(begin + prefix, triple ? 3 : 1);
  position_ += prefix + close.size();

  StarlarkToken token;
  token.kind = Kind::kString;
  token.position = Here();
  token.offset = static_cast<uint32_t>(begin);
  token.pieces.push_back({0, static_cast<uint32_t>(position_)});
  const StarlarkToken empty = token;
  const size_t contents = position_;
  const uint32_t line = line_;
  const size_t line_begin = line_begin_;

  bool& no_end = no_end_[quote == '"' ? 0 : 1];
  const bool one_line = !triple || no_end;
  bool closed = Contents(close, raw, one_line, &token);
  if (!closed && !one_line) {
    // It would swallow the rest of the file. Its first line is as much as can be believed.
    no_end = true;
    position_ = contents;
    line_ = line;
    line_begin_ = line_begin;
    token = empty;
    closed = Contents(close, raw, /*one_line=*/true, &token);
  }
  if (!closed) {
    Error(token.position, triple ? "string has no end" : "string has no end before the line ends");
  }
  token.text = text_.substr(begin, position_ - begin);
  return token;
}

// Up to and with `close`. False where the text, or with `one_line` the line, ends before it.
bool StarlarkLexer::Contents(std::string_view close, bool raw, bool one_line,
                             StarlarkToken* token) {
  while (position_ < text_.size()) {
    const char c = Peek();
    if (text_.substr(position_, close.size()) == close) {
      position_ += close.size();
      return true;
    }
    if (c == '\n' && one_line) return false;
    if (c == '\\' && position_ + 1 < text_.size()) {
      Escape(raw, token);
      continue;
    }
    AppendAsIs(text_.substr(position_, 1), position_, token);
    ++position_;
    if (c == '\n') BeginLineOfString();
  }
  return false;
}

// A backslash and what it escapes ("Starlark Language Specification", string literals).
void StarlarkLexer::Escape(bool raw, StarlarkToken* token) {
  constexpr std::string_view kNames = "abfnrtv\\'\"";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
  const size_t begin = position_;
  const char c = Peek(1);
  position_ += 2;
  const size_t crlf = c == '\r' && Peek() == '\n' ? 1 : 0;
  if (c == '\n' || crlf == 1) {
    position_ += crlf;
    if (raw) AppendAsIs(text_.substr(begin, position_ - begin), begin, token);
    BeginLineOfString();
    return;
  }
  const size_t name = kNames.find(c);
  const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (!raw && name != kNames.npos) {
    AppendResolved(kValues[name], begin, token);
    return;
  }
  const bool octal = c >= '0' && c < '8';
  if (raw || (digits == 0 && !octal)) {
    AppendAsIs(text_.substr(begin, 2), begin, token);
    return;
  }
  if (octal) --position_;
  uint32_t code = 0;
  for (int i = 0;
       i < (octal ? 3 : digits) && absl::ascii_isxdigit(static_cast<unsigned char>(Peek())); ++i) {
    const char digit = absl::ascii_tolower(static_cast<unsigned char>(Peek()));
    if (octal && digit >= '8') break;
    code = code * (octal ? 8 : 16) + (IsDigit(digit) ? digit - '0' : digit - 'a' + 10);
    ++position_;
  }
  AppendResolved(code, begin, token);
}

void StarlarkLexer::BeginLineOfString() {
  ++line_;
  line_begin_ = position_;
}

}  // namespace lre_audit
