// CMake's language (cmake-language(7)): commands with quoted, unquoted and bracket arguments.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "audit/claims/metadata.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Commands whose arguments become variables and properties that a build uses.
constexpr std::string_view kSetters[] = {"set",
                                         "set_and_check",
                                         "list",
                                         "set_property",
                                         "set_target_properties",
                                         "set_directory_properties",
                                         "target_include_directories",
                                         "target_link_libraries",
                                         "target_link_directories",
                                         "target_link_options",
                                         "target_compile_options",
                                         "target_sources",
                                         "include_directories",
                                         "link_directories",
                                         "link_libraries",
                                         "add_compile_options",
                                         "add_link_options",
                                         "include"};

class CMakeReader {
 public:
  explicit CMakeReader(ClaimList* claims) : claims_(claims), text_(claims->text()) {}

  void Read() {
    Commands([this](const std::string& name, const std::vector<Token>& arguments) {
      // A path that the file looks for first is optional.
      if (name != "if" && name != "elseif") return;
      for (const Token& argument : arguments) tested_.insert(std::string(argument.text));
    });
    Commands([this](const std::string& name, const std::vector<Token>& arguments) {
      if (std::find(std::begin(kSetters), std::end(kSetters), name) == std::end(kSetters)) return;
      Arguments(arguments);
    });
  }

 private:
  template <typename Function>
  void Commands(Function function) {
    position_ = 0;
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
  }

  static bool IsNameByte(char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  }

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
    return arguments;
  }

  void Arguments(const std::vector<Token>& arguments) {
    // The property or variable whose value follows: IMPORTED_LOCATION_RELEASE, foo_LIBRARIES.
    std::string_view context;
    for (const Token& argument : arguments) {
      const auto named = [](char c) { return IsNameByte(c); };
      if (!argument.text.empty() &&
          std::all_of(argument.text.begin(), argument.text.end(), named)) {
        context = argument.text;
        continue;
      }
      // Lists with `;`, options with blanks, and $<BUILD_INTERFACE:/x> each enclose paths.
      FindPathsInOptions(Split(argument.text, argument.offset, "; \t\r\n<>:"), true,
                         [&](std::string_view path, uint64_t offset, std::string_view) {
                           if (tested_.contains(ToAbsl(path))) return;
                           const bool url = offset > argument.offset && text_[offset - 1] == ':' &&
                                            path.substr(0, 2) == "//";
                           if (url) return;
                           claims_->Add(Claim::BUILD_METADATA, path, offset, context);
                         });
    }
  }

  ClaimList* claims_;
  std::string_view text_;
  size_t position_ = 0;
  absl::flat_hash_set<std::string> tested_;
};

}  // namespace

void AddCMakeClaims(ClaimList* claims) { CMakeReader(claims).Read(); }

}  // namespace lre_audit
