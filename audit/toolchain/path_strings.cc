#include "audit/toolchain/path_strings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

bool IsOneOf(std::string_view s, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), s) != set.end();
}

bool ContainsOneOf(std::string_view s, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return s.find(part) != s.npos; });
}

bool EndsInOneOf(std::string_view s, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return s.ends_with(end); });
}

bool IsBlank(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

// "//package:target" is a label, and what follows a scheme in a URL.
bool IsPath(std::string_view s) { return IsAbsolutePath(s) && !s.starts_with("//"); }

// A string that holds anything may begin with a slash without being a path: "/*", "/.*", "/%s/bin".
bool LooksLikePath(std::string_view s) {
  if (!IsPath(s) || s.size() < 2 || s.starts_with("/.*") || s.starts_with("/.+")) return false;
  const auto first = static_cast<unsigned char>(s[1]);
  return absl::ascii_isalnum(first) || first == '_' || first == '.' || first >= 0x80;
}

// "@/x" names a file of arguments; "@//x" is a label.
bool IsArgumentFile(std::string_view s) { return s.starts_with("@/") && !s.starts_with("@//"); }

// Options of Microsoft's tools, which stand in the configuration that Bazel writes for all systems:
// "/nologo", "/DNDEBUG", "/I%{include_paths}".
bool LooksLikeMicrosoftOption(std::string_view s) { return s.find('/', 1) == s.npos; }

Claim::Kind KindOf(std::string_view path) {
  const bool includes = path.find("/include/") != path.npos || path.ends_with("/include") ||
                        EndsInOneOf(path, {".h", ".hh", ".hpp", ".hxx", ".inc"});
  return includes ? Claim::INCLUDE_DIRECTORY : Claim::TOOL;
}

// The length of NAME= at the start of `s`, as variables of an environment are written.
size_t VariableLength(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && (absl::ascii_isalnum(static_cast<unsigned char>(s[n])) || s[n] == '_'))
    ++n;
  const bool is_name = n > 0 && !absl::ascii_isdigit(static_cast<unsigned char>(s[0]));
  return is_name && s.substr(n, 1) == "=" ? n + 1 : 0;
}

class PathFinder {
 public:
  PathFinder(PathRole role, const std::vector<std::string_view>& strings)
      : role_(role), strings_(strings) {}

  std::vector<NamedPath> Find() {
    const auto is_option = [](std::string_view s) {
      return (s.size() > 1 && s[0] == '-') || IsArgumentFile(s);
    };
    if (role_ == PathRole::kFlags ||
        (role_ != PathRole::kNone && std::any_of(strings_.begin(), strings_.end(), is_option))) {
      Arguments();
    } else {
      for (size_t i = 0; i < strings_.size(); ++i) String(i);
    }
    return std::move(paths_);
  }

 private:
  void Add(Claim::Kind kind, size_t string, std::string_view path, std::string_view context = {}) {
    const size_t at = path.data() - strings_[string].data();
    paths_.push_back({kind, std::string(path), string, at, std::string(context)});
  }

  void String(size_t i) {
    const std::string_view s = strings_[i];
    switch (role_) {
      case PathRole::kTool:
        if (IsPath(s)) Add(Claim::TOOL, i, s);
        return;
      case PathRole::kIncludeDirectory:
        if (IsPath(s)) Add(Claim::INCLUDE_DIRECTORY, i, s);
        return;
      case PathRole::kCommand:
        return Command(i, s);
      case PathRole::kUnknown:
        return Unknown(i, s);
      default:
        return;
    }
  }

  void Unknown(size_t i, std::string_view s) {
    if (s.starts_with("#!")) {
      // A script to be written: its interpreter.
      const std::vector<Token> words = Words(s.substr(2, s.find('\n') - 2), 0);
      if (!words.empty() && LooksLikePath(words[0].text)) Add(Claim::TOOL, i, words[0].text);
      return;
    }
    s.remove_prefix(VariableLength(s));
    if (s.starts_with('-')) return Command(i, s);
    if (!LooksLikePath(s)) return;
    if (std::any_of(s.begin(), s.end(), IsBlank)) return Command(i, s);
    const std::vector<Token> elements = Split(s, 0, ":");
    const bool is_list = std::all_of(elements.begin(), elements.end(),
                                     [](const Token& e) { return LooksLikePath(e.text); });
    if (!is_list) return Add(KindOf(s), i, s);
    for (const Token& element : elements) Add(KindOf(element.text), i, element.text);
  }

  // The words of a shell command.
  void Command(size_t i, std::string_view s) {
    std::vector<Token> words = Split(s, s.data() - strings_[i].data(), " \t\r\n\"'`;()&|<>");
    for (Token& word : words) {
      const size_t skip = VariableLength(word.text);
      word.text.remove_prefix(skip);
      word.offset += skip;
    }
    FindPathsInOptions(words, /*bare=*/true, [&](auto path, uint64_t, auto option) {
      if (!IsPath(path)) return;
      if (option.empty()) return Add(KindOf(path), i, path);
      Add(Claim::FLAG, i, path, option);
    });
  }

  // All strings are one command's arguments.
  void Arguments() {
    std::vector<Token> words;    // offsets count through all strings
    std::vector<size_t> begins;  // of each string, in those
    size_t size = 0;
    for (std::string_view s : strings_) {
      begins.push_back(size);
      // Some tools take several arguments in one string; a path with blanks is one.
      const bool several = ContainsOneOf(s, {" -", "\t-", "\n-", " /", "\t/", "\n/"});
      std::vector<Token> parts = several ? Words(s, size) : std::vector<Token>{{s, size}};
      words.insert(words.end(), parts.begin(), parts.end());
      size += s.size() + 1;
    }
    std::vector<uint64_t> ends(words.size(), 0);  // of the last path found in each word
    const auto add = [&](std::string_view path, uint64_t offset, std::string_view option) {
      const size_t string = IndexAt(begins, offset);
      const size_t word = IndexAt(words, offset);
      const bool is_flag = role_ == PathRole::kFlags;
      if (option.empty() && path.starts_with("//")) return;
      if (option.empty() && is_flag && LooksLikeMicrosoftOption(path)) return;
      ends[word] = offset + path.size();
      const bool bare = option.empty() && !is_flag;
      const std::string context =
          words[word].text.starts_with('-')
              ? std::string(words[word].text)
              : absl::StrCat(ToAbsl(option), option.empty() ? "" : " ", ToAbsl(path));
      Add(bare ? KindOf(path) : Claim::FLAG, string, path, bare ? "" : context);
    };
    FindPathsInArguments(words, /*bare=*/true, add);
    for (size_t i = 0; i < words.size(); ++i) {
      const Token& word = words[i];
      if (IsArgumentFile(word.text)) {
        add(word.text.substr(1), word.offset + 1, "@");
      } else if (word.text.starts_with('-') && ends[i] == 0) {
        OtherOption(word, add);
      }
    }
    std::sort(paths_.begin(), paths_.end(), [](const NamedPath& a, const NamedPath& b) {
      return std::pair(a.string, a.at) < std::pair(b.string, b.at);
    });
  }

  // -fplugin=/x, -DDIRECTORY="/x", -Wl,-T,/x: of an option that is not known, what follows `=` or a
  // comma. Those that take a prefix out of the output bring no path in.
  template <typename Function>
  static void OtherOption(const Token& word, const Function& add) {
    if (word.text.find("prefix-map=") != word.text.npos) return;
    size_t at = 0;
    while ((at = word.text.find('/', at)) != word.text.npos) {
      size_t before = at;
      while (before > 0 && "\"'\\"sv.find(word.text[before - 1]) != std::string_view::npos)
        --before;
      const size_t end = std::min(word.text.find_first_of("\"'\\,:; ", at), word.text.size());
      const std::string_view path = word.text.substr(at, end - at);
      const bool begins =
          before > 0 && (word.text[before - 1] == '=' || word.text[before - 1] == ',');
      if (begins && LooksLikePath(path)) add(path, word.offset + at, word.text.substr(0, before));
      at = end;
    }
  }

  // The last of `parts` that begins at or before `offset`.
  static size_t IndexAt(const std::vector<size_t>& begins, uint64_t offset) {
    return std::upper_bound(begins.begin(), begins.end(), offset) - begins.begin() - 1;
  }
  static size_t IndexAt(const std::vector<Token>& words, uint64_t offset) {
    const auto after =
        std::upper_bound(words.begin(), words.end(), offset,
                         [](uint64_t o, const Token& word) { return o < word.offset; });
    return after - words.begin() - 1;
  }

  PathRole role_;
  const std::vector<std::string_view>& strings_;
  std::vector<NamedPath> paths_;
};

}  // namespace

PathRole RoleOfName(std::string_view written) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(written.substr(written.rfind('.') + 1)));
  std::string_view name = lower;
  name.remove_prefix(std::min(name.find_first_not_of('_'), name.size()));
  if (IsOneOf(name, {"tool_paths", "tool_path", "java_home"})) return PathRole::kTool;
  if (IsOneOf(name, {"name",
                     "doc",
                     "docs",
                     "documentation",
                     "description",
                     "help",
                     "message",
                     "msg",
                     "comment",
                     "deprecation",
                     "url",
                     "urls",
                     "license",
                     "licenses",
                     "visibility",
                     "strip_prefix",
                     "sha256",
                     "integrity",
                     "build_file",
                     "exec_properties",
                     "remote_execution_properties",
                     "constraint_values",
                     "exec_compatible_with",
                     "target_compatible_with"}) ||
      EndsInOneOf(name, {"_doc", "_message", "_msg", "_url", "_urls"})) {
    return PathRole::kNone;
  }
  if (IsOneOf(name, {"includes", "system_includes"}) ||
      ContainsOneOf(name, {"include_dir", "include_path", "builtin_include"})) {
    return PathRole::kIncludeDirectory;
  }
  if (EndsInOneOf(name, {"flags", "flag", "opts", "args", "options", "defines", "sysroot"}) ||
      ContainsOneOf(name, {"link_libs", "flags_per_feature"})) {
    return PathRole::kFlags;
  }
  if (EndsInOneOf(name, {"cmd", "command", "cmd_bash", "cmd_bat", "script"})) {
    return PathRole::kCommand;
  }
  return PathRole::kUnknown;
}

std::vector<NamedPath> FindNamedPaths(PathRole role, const std::vector<std::string_view>& strings) {
  return PathFinder(role, strings).Find();
}

std::string SystemIn(std::string_view text) {
  // nixpkgs' lib/systems/doubles.nix, as far as toolchains are built for them; and other names.
  constexpr std::pair<std::string_view, std::string_view> kCpus[] = {
      {"x86_64", "x86_64"},   {"aarch64", "aarch64"}, {"arm64", "aarch64"},
      {"amd64", "x86_64"},    {"i686", "i686"},       {"armv7l", "armv7l"},
      {"riscv64", "riscv64"}, {"s390x", "s390x"},     {"powerpc64le", "powerpc64le"}};
  constexpr std::string_view kVendors[] = {"", "unknown-", "apple-", "pc-"};
  std::string found;
  for (const auto& [written, cpu] : kCpus) {
    for (size_t at = text.find(written); at != text.npos; at = text.find(written, at + 1)) {
      if (at > 0 && absl::ascii_isalnum(static_cast<unsigned char>(text[at - 1]))) continue;
      for (std::string_view vendor : kVendors) {
        for (std::string_view os : {"linux", "darwin"}) {
          const std::string rest = absl::StrCat("-", ToAbsl(vendor), ToAbsl(os));
          const std::string_view after = text.substr(at + written.size());
          if (!after.starts_with(rest)) continue;
          if (after.size() > rest.size() &&
              absl::ascii_isalnum(static_cast<unsigned char>(after[rest.size()]))) {
            continue;
          }
          const std::string system = absl::StrCat(ToAbsl(cpu), "-", ToAbsl(os));
          if (!found.empty() && found != system) return "";  // of several
          found = system;
        }
      }
    }
  }
  return found;
}

}  // namespace lre_audit
