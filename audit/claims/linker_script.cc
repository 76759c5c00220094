// Scripts for GNU ld (its manual, "Linker Scripts") that stand for a library.
#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "audit/claims/metadata.h"
#include "audit/claims/path_flags.h"

namespace lre_audit {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// Commands that such scripts begin with.
constexpr std::string_view kCommands[] = {"GROUP",   "INPUT",         "SEARCH_DIR", "AS_NEEDED",
                                          "STARTUP", "OUTPUT_FORMAT", "OUTPUT_ARCH"};
// Those whose arguments are files and directories that the linker opens.
constexpr std::string_view kFileCommands[] = {"GROUP", "INPUT", "SEARCH_DIR", "AS_NEEDED"};

template <size_t kSize>
bool IsOneOf(std::string_view s, const std::string_view (&set)[kSize]) {
  return std::find(std::begin(set), std::end(set), s) != std::end(set);
}

// Names, parentheses and quoted strings, without comments and the separators between.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  // False at the end. A comment or string that does not end is the end.
  bool Next(Token* token) {
    if (!SkipBlanks()) return false;
    size_t begin = position_;
    const char c = text_[begin];
    if (c == '(' || c == ')') {
      ++position_;
    } else if (c == '"') {
      ++begin;
      const size_t end = text_.find('"', begin);
      if (end == text_.npos) return false;
      *token = {text_.substr(begin, end - begin), begin};
      position_ = end + 1;
      return true;
    } else {
      position_ = std::min(text_.find_first_of(" \t\r\n\v\f,;()\"", begin), text_.size());
    }
    *token = {text_.substr(begin, position_ - begin), begin};
    return true;
  }

 private:
  bool SkipBlanks() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (text_.substr(position_, 2) == "/*") {
        const size_t end = text_.find("*/", position_ + 2);
        if (end == text_.npos) return false;
        position_ = end + 2;
      } else if (kBlanks.find(c) != kBlanks.npos || c == ',' || c == ';') {
        ++position_;
      } else {
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

bool IsLinkerScript(std::string_view head) {
  Tokens tokens(head);
  Token command, open;
  return tokens.Next(&command) && IsOneOf(command.text, kCommands) && tokens.Next(&open) &&
         open.text == "(";
}

void AddLinkerScriptClaims(ClaimList* claims) {
  Tokens tokens(claims->text());
  std::vector<std::string_view> open;  // the command before each parenthesis that is open
  std::string_view last;
  for (Token token; tokens.Next(&token); last = token.text) {
    if (token.text == "(") {
      open.push_back(last);
    } else if (token.text == ")") {
      if (!open.empty()) open.pop_back();
    } else if (!open.empty() && IsOneOf(open.back(), kFileCommands)) {
      claims->AddPath(Claim::BUILD_METADATA, token.text, token.offset, open.back());
    }
  }
}

}  // namespace lre_audit
