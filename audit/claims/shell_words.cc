#include "audit/claims/shell_words.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace lre_audit {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

bool IsNameByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

void Append(ShellWord* word, char c, size_t offset) {
  word->text.push_back(c);
  word->offsets.push_back(static_cast<uint32_t>(offset));
}

void AppendExpansion(ShellWord* word, size_t offset, ShellExpansion expansion) {
  Append(word, ShellWord::kExpansion, offset);
  word->expansions.push_back(std::move(expansion));
}

}  // namespace

ShellWord ShellWord::From(size_t begin) const {
  ShellWord rest;
  rest.quoted = quoted;
  if (begin >= text.size()) return rest;
  size_t skipped = 0;
  for (size_t i = 0; i < begin; ++i) skipped += text[i] == kExpansion ? 1 : 0;
  rest.text = text.substr(begin);
  rest.offsets.assign(offsets.begin() + begin, offsets.end());
  rest.expansions.assign(expansions.begin() + skipped, expansions.end());
  return rest;
}

size_t ShellWordReader::NameLength(std::string_view s) {
  if (s.empty() || IsDigit(s[0])) return 0;
  size_t length = 0;
  while (length < s.size() && IsNameByte(s[length])) ++length;
  return length;
}

bool ShellWordReader::Fail() {
  failed_ = true;
  position_ = text_.size();
  return false;
}

void ShellWordReader::SkipBlanks() {
  const size_t begin = position_;
  while (!AtEnd()) {
    if (IsBlank(Peek())) {
      ++position_;
    } else if (StartsWith("\\\n")) {
      position_ += 2;
    } else {
      break;
    }
  }
  const bool at_word =
      position_ == 0 || position_ > begin || IsOneOf(text_[position_ - 1], "\n;&|()");
  if (Peek() == '#' && at_word) {
    while (!AtEnd() && Peek() != '\n') ++position_;
  }
}

bool ShellWordReader::Word(std::string_view end, bool in_double_quotes, ShellWord* word) {
  while (!AtEnd() && !failed_) {
    const char c = Peek();
    if (c == '\0') return Fail();
    if (IsOneOf(c, end)) {
      // <( and >( are words, and so are patterns like @(a|b).
      const bool process = (c == '<' || c == '>') && Peek(1) == '(';
      const bool pattern = c == '(' && !word->text.empty() && IsOneOf(word->text.back(), "@+?*!");
      if (!process && !pattern) break;
      const size_t begin = position_;
      if (process) position_ += 2;
      if (!(process ? Commands() : SkipParentheses())) return Fail();
      AppendExpansion(word, begin, {});
    } else if (c == '\\') {
      Escape(in_double_quotes, word);
    } else if (c == '\'' && !in_double_quotes) {
      const size_t close = text_.find('\'', position_ + 1);
      if (close == text_.npos) return Fail();
      for (++position_; position_ < close; ++position_) {
        if (Peek() == '\0') return Fail();
        Append(word, Peek(), position_);
      }
      ++position_;
      word->quoted = true;
    } else if (c == '"') {
      ++position_;
      word->quoted = true;
      if (!Nested([&] { return Word("\"", true, word); }) || Peek() != '"') return Fail();
      ++position_;
    } else if (c == '$' || c == '`') {
      if (!Expansion(in_double_quotes, word)) return Fail();
    } else {
      Append(word, c, position_++);
    }
  }
  return !failed_;
}

void ShellWordReader::Escape(bool in_double_quotes, ShellWord* word) {
  const char next = Peek(1);
  if (next == '\n') {
    position_ += 2;
    return;
  }
  word->quoted = true;
  if (in_double_quotes && !IsOneOf(next, "$`\"\\}")) Append(word, '\\', position_);
  if (position_ + 1 < text_.size() && next != '\0') Append(word, next, position_ + 1);
  position_ = std::min(position_ + 2, text_.size());
}

bool ShellWordReader::Expansion(bool in_double_quotes, ShellWord* word) {
  const size_t begin = position_;
  ShellExpansion expansion;
  if (Peek() == '`') {
    bool escapes = false;  // that change what is between, nested backquotes among them
    for (++position_; !AtEnd() && Peek() != '`'; ++position_) {
      if (Peek() != '\\') continue;
      ++position_;
      escapes |= IsOneOf(Peek(), "$`\"\\");
    }
    if (AtEnd()) return false;
    if (!escapes && depth_ < kMaxDepth) Backquoted(begin + 1, position_);
    ++position_;
  } else if (StartsWith("$((") && SkipArithmetic(1)) {
  } else if (StartsWith("$(")) {
    position_ += 2;
    if (!Commands()) return false;
  } else if (StartsWith("${")) {
    position_ += 2;
    if (!Parameter(in_double_quotes, &expansion)) return false;
  } else if (StartsWith("$'") && !in_double_quotes) {
    return AnsiQuotes(word);
  } else if (StartsWith("$\"") && !in_double_quotes) {
    ++position_;  // a translated string reads like any other
    return true;
  } else {
    ++position_;
    const size_t length = NameLength(text_.substr(position_));
    if (length > 0) {
      expansion.name = text_.substr(position_, length);
      position_ += length;
    } else if (!AtEnd() && (IsOneOf(Peek(), "@*#?$!-") || IsDigit(Peek()))) {
      expansion.name = Peek();
      ++position_;
    } else {
      Append(word, '$', begin);
      return true;
    }
  }
  AppendExpansion(word, begin, std::move(expansion));
  return !failed_;
}

bool ShellWordReader::AnsiQuotes(ShellWord* word) {
  word->quoted = true;
  for (position_ += 2; !AtEnd() && Peek() != '\''; ++position_) {
    if (Peek() == '\0') return false;
    if (Peek() == '\\') {
      ++position_;
      // A path holds none of the escapes; what they stand for does not matter, only that it is no
      // ordinary character.
      Append(word, IsOneOf(Peek(), "\\'\"") ? Peek() : '\n', position_);
    } else {
      Append(word, Peek(), position_);
    }
  }
  if (AtEnd()) return false;
  ++position_;
  return true;
}

// After "${".
bool ShellWordReader::Parameter(bool in_double_quotes, ShellExpansion* expansion) {
  if (IsOneOf(Peek(), "#!") && Peek(1) != '}') ++position_;
  size_t length = NameLength(text_.substr(position_));
  if (length == 0 && !AtEnd() && Peek() != '}') length = 1;
  expansion->name = text_.substr(position_, length);
  position_ += length;
  while (!AtEnd() && IsOneOf(Peek(), ":-+=?#%/^,@") && expansion->operation.size() < 2) {
    const char c = text_[position_++];
    expansion->operation += c;
    if (c != ':') break;
  }
  return Nested([&] { return Word("}", in_double_quotes, &expansion->word); }) && Peek() == '}' &&
         ++position_ > 0;
}

// From "(" to the matching ")", without a look at what is between.
bool ShellWordReader::SkipParentheses() {
  int open = 0;
  for (; !AtEnd(); ++position_) {
    if (Peek() == '\\') {
      ++position_;
    } else if (Peek() == '(') {
      ++open;
    } else if (Peek() == ')' && --open == 0) {
      ++position_;
      return true;
    }
  }
  return false;
}

bool ShellWordReader::SkipArithmetic(size_t prefix) {
  const size_t begin = position_;
  position_ += prefix;
  if (SkipParentheses() && text_[position_ - 2] == ')') return true;
  position_ = begin;
  return false;
}

}  // namespace lre_audit
