#include "audit/claims/cmake_language.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "base/text.h"

namespace lre_audit {
namespace {

bool IsNameByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

class CMakeLexer {
 public:
  explicit CMakeLexer(std::string_view text) : text_(text) {}

  template <typename Function>
  std::optional<uint64_t> Read(const Function& function) {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '#') {
        Comment();
      } else if (absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_') {
        const size_t begin = position_;
        while (position_ < text_.size() && IsNameByte(text_[position_])) ++position_;
        const std::string name =
            absl::AsciiStrToLower(ToAbsl(text_.substr(begin, position_ - begin)));
        while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) {
          ++position_;
        }
        if (position_ < text_.size() && text_[position_] == '(') function(name, ReadArguments());
      } else {
        ++position_;
      }
    }
    return unclosed_;
  }

 private:
  void Comment() {
    ++position_;
    Token ignored;
    if (!Bracket(&ignored)) position_ = std::min(text_.find('\n', position_), text_.size());
  }

  // [[...]], [=[...]=]: at its first bracket. False where it is none; the position stays.
  bool Bracket(Token* argument) {
    if (position_ >= text_.size() || text_[position_] != '[') return false;
    size_t begin = position_ + 1;
    while (begin < text_.size() && text_[begin] == '=') ++begin;
    if (begin >= text_.size() || text_[begin] != '[') return false;
    const std::string close = "]" + std::string(begin - position_ - 1, '=') + "]";
    const size_t end = text_.find(close, begin + 1);
    if (end == text_.npos) {
      if (!unclosed_) unclosed_ = position_;
      position_ = text_.size();
      return true;
    }
    *argument = {text_.substr(begin + 1, end - begin - 1), begin + 1};
    position_ = end + close.size();
    return true;
  }

  std::vector<Token> ReadArguments() {
    constexpr std::string_view kEnd = " \t\r\n()\"#";  // of an unquoted argument
    std::vector<Token> arguments;
    const size_t parenthesis = position_;
    int open = 0;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      Token argument;
      if (c == '(') {
        ++open;
        ++position_;
      } else if (c == ')') {
        ++position_;
        if (--open == 0) break;
      } else if (c == '#') {
        Comment();
      } else if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
        ++position_;
      } else if (c == '"') {
        const size_t begin = ++position_;
        while (position_ < text_.size() && text_[position_] != '"') {
          position_ += text_[position_] == '\\' ? 2 : 1;
        }
        position_ = std::min(position_, text_.size());
        arguments.push_back({text_.substr(begin, position_ - begin), begin});
        position_ = std::min(position_ + 1, text_.size());
      } else if (Bracket(&argument)) {
        arguments.push_back(argument);
      } else {
        const size_t begin = position_;
        while (position_ < text_.size() && kEnd.find(text_[position_]) == kEnd.npos) {
          position_ += text_[position_] == '\\' ? 2 : 1;
        }
        position_ = std::min(position_, text_.size());
        arguments.push_back({text_.substr(begin, position_ - begin), begin});
      }
    }
    if (open > 0 && !unclosed_) unclosed_ = parenthesis;
    return arguments;
  }

  std::string_view text_;
  size_t position_ = 0;
  std::optional<uint64_t> unclosed_;
};

}  // namespace

std::optional<uint64_t> ForEachCMakeCommand(
    std::string_view text,
    const std::function<void(const std::string& name, const std::vector<Token>& arguments)>&
        found) {
  return CMakeLexer(text).Read(found);
}

bool IsCMakeName(std::string_view argument) {
  return !argument.empty() && std::all_of(argument.begin(), argument.end(), IsNameByte);
}

}  // namespace lre_audit
