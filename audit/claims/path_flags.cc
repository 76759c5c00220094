#include "audit/claims/path_flags.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/paths.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

bool IsPathCharacter(char c) {
  // Bytes of UTF-8 are fine; what a shell, CMake or make would expand is not.
  return (c & 0x80) != 0 || absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         "/._-+:@,~=#%!&^"sv.find(c) != std::string_view::npos;
}

// Options whose path follows at once or as the next word (GCC's, Clang's and GNU ld's manuals).
constexpr std::string_view kAttached[] = {
    "-isystem",    "-idirafter",   "-iquote", "-iprefix", "-isysroot", "-imacros", "-include",
    "-iframework", "-cxx-isystem", "-I",      "-L",       "-B",        "-F",       "-R"};
// Options whose path is the next word, or follows `=`; GNU ld takes them with one dash or two.
constexpr std::string_view kSeparate[] = {
    "sysroot", "rpath",           "rpath-link",   "dynamic-linker", "gcc-toolchain", "fuse-ld",
    "ld-path", "gcc-install-dir", "resource-dir", "library-path",   "plugin",        "rtlib-path",
    "prefix",  "exec-prefix",     "libdir",       "includedir",     "with-sysroot"};

bool IsList(std::string_view option) {
  return option == "-rpath" || option == "--rpath" || option == "-rpath-link" ||
         option == "--rpath-link" || option == "-R";
}

class OptionReader {
 public:
  OptionReader(bool bare, bool (*is_path)(std::string_view), const PathFunction& found)
      : bare_(bare), is_path_(is_path), found_(found) {}

  void Read(Token word) {
    if (absl::StartsWith(ToAbsl(word.text), "-Wl,") ||
        absl::StartsWith(ToAbsl(word.text), "-Wp,")) {
      for (Token part : Split(word.text.substr(4), word.offset + 4, ",")) Read(part);
      return;
    }
    if (word.text == "-Xlinker" || word.text == "-Xpreprocessor" || word.text == "-Xclang") return;
    if (!waiting_.empty()) {
      const std::string_view option = waiting_;
      waiting_ = {};
      if (word.text.empty() || word.text[0] != '-') return Found(word, option);
    }
    if (word.text.size() < 2) return;
    if (word.text[0] == '/') {
      if (bare_) Found(word, "");
      return;
    }
    if (word.text[0] == '-') Option(word);
  }

 private:
  void Option(Token word) {
    const size_t dashes = word.text[1] == '-' ? 2 : 1;
    const size_t equals = word.text.find('=');
    const std::string_view option = word.text.substr(0, equals);
    const std::string_view name = option.substr(dashes);
    if (std::find(std::begin(kSeparate), std::end(kSeparate), name) != std::end(kSeparate)) {
      if (equals == word.text.npos) {
        waiting_ = option;
      } else {
        Found({word.text.substr(equals + 1), word.offset + equals + 1}, option);
      }
      return;
    }
    for (std::string_view attached : kAttached) {
      if (word.text == attached) {
        waiting_ = attached;
        return;
      }
      // "-I=/x" is below the sysroot, no absolute path.
      if (word.text.size() > attached.size() && word.text.substr(0, attached.size()) == attached &&
          word.text[attached.size()] == '/') {
        Found({word.text.substr(attached.size()), word.offset + attached.size()}, attached);
        return;
      }
    }
    // Other options with paths name none that is searched: -ffile-prefix-map=/build=. takes one
    // out.
  }

  void Found(Token value, std::string_view option) {
    if (!IsList(option)) {
      if (is_path_(value.text)) found_(value.text, value.offset, option);
      return;
    }
    for (Token part : Split(value.text, value.offset, ":")) {
      if (is_path_(part.text)) found_(part.text, part.offset, option);
    }
  }

  bool bare_;
  bool (*is_path_)(std::string_view);
  const PathFunction& found_;
  std::string_view waiting_;  // an option whose path is the next word
};

}  // namespace

bool IsAbsolutePath(std::string_view path) {
  if (!path.starts_with('/') || path.find_first_not_of('/') == path.npos) return false;
  return !IsWithin(path, "/dev") && !IsWithin(path, "/proc") && !IsWithin(path, "/sys");
}

bool IsClaimablePath(std::string_view path) {
  if (!IsAbsolutePath(path)) return false;
  const auto first = static_cast<unsigned char>(path[path.find_first_not_of('/')]);
  if (!absl::ascii_isalnum(first) && first != '.' && first != '_' && first < 0x80) return false;
  return std::all_of(path.begin(), path.end(), IsPathCharacter);
}

bool IsInstallationPath(std::string_view path) {
  if (!IsClaimablePath(path)) return false;
  for (std::string_view state : {"/etc", "/var", "/run", "/tmp", "/media", "/homeless-shelter"}) {
    if (IsWithin(path, state)) return false;
  }
  return true;
}

std::vector<Token> Split(std::string_view value, uint64_t offset, std::string_view separators) {
  std::vector<Token> tokens;
  size_t begin = 0;
  while ((begin = value.find_first_not_of(separators, begin)) != value.npos) {
    const size_t end = std::min(value.find_first_of(separators, begin), value.size());
    tokens.push_back({value.substr(begin, end - begin), offset + begin});
    begin = end;
  }
  return tokens;
}

std::vector<Token> Words(std::string_view value, uint64_t offset) {
  return Split(value, offset, " \t\r\n\v\f");
}

void FindPathsInOptions(const std::vector<Token>& words, bool bare, const PathFunction& found) {
  OptionReader reader(bare, IsClaimablePath, found);
  for (const Token& word : words) reader.Read(word);
}

void FindPathsInArguments(const std::vector<Token>& arguments, bool bare,
                          const PathFunction& found) {
  OptionReader reader(bare, IsAbsolutePath, found);
  for (const Token& argument : arguments) reader.Read(argument);
}

std::vector<FlagPath> PathsOfFlags(std::string_view flags) {
  std::vector<FlagPath> paths;
  FindPathsInOptions(Words(flags, 0), /*bare=*/true,
                     [&paths](std::string_view path, uint64_t, std::string_view option) {
                       paths.push_back({std::string(option), std::string(path)});
                     });
  return paths;
}

}  // namespace lre_audit
