// Lists of include directories and module maps.
#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "audit/toolchain/toolchain_files.h"
#include "base/text.h"

namespace lre_audit {
namespace {

bool IsPath(std::string_view s) { return IsAbsolutePath(s) && !s.starts_with("//"); }

// Tokens of a module map: words, strings, single characters.
class ModuleMapReader {
 public:
  explicit ModuleMapReader(SettingList* list) : list_(list), text_(list->text()) {}

  void Read() {
    // What the last words were: `header "x"`, `umbrella "x"`, `extern module y "x"`.
    bool names_path = false;
    bool is_extern = false;
    while (SkipBlanks()) {
      const char c = text_[position_];
      if (c == '"') {
        const size_t begin = position_ + 1;
        const std::string path = String();
        if ((names_path || is_extern) && IsPath(path)) {
          list_->AddClaim(Claim::INCLUDE_DIRECTORY, path, begin, "header");
        }
        names_path = is_extern = false;
      } else if (IsWordByte(c)) {
        const std::string_view word = Word();
        names_path = word == "header" || word == "umbrella";
        is_extern = word == "extern" || (is_extern && word != "header");
      } else {
        if (c == '{') ++open_;
        if (c == '}' && --open_ < 0) {
          list_->AddDefect(position_, "'}' closes nothing");
          open_ = 0;
        }
        // A header may have attributes before its braces; nothing else stands before its name.
        if (c != '.') names_path = is_extern = false;
        ++position_;
      }
    }
    if (open_ > 0) list_->AddDefect(text_.size(), absl::StrCat(open_, " unclosed '{' at the end"));
  }

 private:
  static bool IsWordByte(char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  }

  std::string_view Word() {
    const size_t begin = position_;
    while (position_ < text_.size() && IsWordByte(text_[position_])) ++position_;
    return text_.substr(begin, position_ - begin);
  }

  // A string ends with its line, whether it is closed or not.
  std::string String() {
    const size_t begin = position_++;
    std::string value;
    while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\n') {
      const bool escapes =
          text_[position_] == '\\' && position_ + 1 < text_.size() && text_[position_ + 1] != '\n';
      if (escapes) ++position_;
      value.push_back(text_[position_++]);
    }
    if (position_ < text_.size() && text_[position_] == '"') {
      ++position_;
    } else {
      list_->AddDefect(begin, "string has no end before the line ends");
    }
    return value;
  }

  // Blanks and comments. False at the end of the text.
  bool SkipBlanks() {
    while (position_ < text_.size()) {
      const std::string_view rest = text_.substr(position_);
      if (absl::ascii_isspace(static_cast<unsigned char>(rest[0]))) {
        ++position_;
      } else if (rest.starts_with("//")) {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else if (rest.starts_with("/*")) {
        const size_t end = text_.find("*/", position_ + 2);
        if (end == text_.npos) list_->AddDefect(position_, "comment has no end");
        position_ = end == text_.npos ? text_.size() : end + 2;
      } else {
        return true;
      }
    }
    return false;
  }

  SettingList* list_;
  std::string_view text_;
  size_t position_ = 0;
  int64_t open_ = 0;  // braces
};

}  // namespace

void AddModuleMapClaims(SettingList* list) { ModuleMapReader(list).Read(); }

void AddIncludeDirectoryListClaims(SettingList* list) {
  const std::string_view text = list->text();
  // The paragraph is prose; a compiler's path in it may hold blanks, its line no newline.
  for (const Token& written : Split(text, 0, "\n")) {
    Token line = written;
    const std::string_view trimmed = ToStd(absl::StripAsciiWhitespace(ToAbsl(line.text)));
    line.offset += trimmed.data() - line.text.data();
    line.text = trimmed;
    if (IsPath(line.text)) {
      list->AddClaim(Claim::INCLUDE_DIRECTORY, line.text, line.offset,
                     "builtin_include_directory_paths");
      continue;
    }
    constexpr std::string_view kBefore = "that ", kAfter = " reported";
    const size_t end = line.text.rfind(kAfter);
    if (!line.text.starts_with(kBefore) || end == line.text.npos || end < kBefore.size()) continue;
    const std::string_view compiler = line.text.substr(kBefore.size(), end - kBefore.size());
    if (IsPath(compiler)) {
      list->AddClaim(Claim::TOOL, compiler, line.offset + kBefore.size(), "compiler");
    }
  }
}

}  // namespace lre_audit
