// bazelrc files. Source: Bazel src/main/cpp/rc_file.cc (lines, imports), src/main/cpp/util/
// strings.cc (words); the commented Env block: NativeLink local-remote-execution/flake-module.nix.
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/setting_list.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWorkspacePrefix = "%workspace%";

// What the root of a workspace is known by.
constexpr std::array<const char*, 4> kWorkspaceFiles = {"MODULE.bazel", "REPO.bazel",
                                                        "WORKSPACE.bazel", "WORKSPACE"};

// LRE's flake module writes this sentence over the environment of its toolchains.
constexpr std::string_view kEnvironmentHeading = "paths used by your local LRE config";

// Flags that set a variable where tools run or are looked for.
constexpr std::array<std::string_view, 4> kEnvironmentFlags = {"--action_env", "--host_action_env",
                                                               "--repo_env", "--test_env"};

// Variables whose value is a tool, or the directory of tools.
constexpr std::array<std::string_view, 8> kToolVariables = {
    "CC", "CXX", "JAVA_HOME", "BAZEL_SH", "BAZEL_COMPILER", "LD", "AR", "GCOV"};

template <typename List>
bool IsOneOf(std::string_view word, const List& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Text of which every byte knows where in the file it stands: lines that go on in the next, and
// words without their quotes and escapes.
struct PlacedText {
  std::string text;
  std::vector<size_t> offsets;  // one for each byte

  void Add(char c, size_t offset) {
    text += c;
    offsets.push_back(offset);
  }
  // Of byte `i`; of the end, that after the last byte.
  size_t OffsetOf(size_t i) const {
    if (i < offsets.size()) return offsets[i];
    return offsets.empty() ? 0 : offsets.back() + 1;
  }
};

// The file's lines; a '\' before the line's end joins it with the next, in comments too.
std::vector<PlacedText> LogicalLines(std::string_view text) {
  std::vector<PlacedText> lines(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\\\n")) {
      ++i;
    } else if (rest.starts_with("\\\r\n")) {
      i += 2;
    } else if (text[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back().Add(text[i], i);
    }
  }
  return lines;
}

bool IsSeparator(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Bazel's words: '#' where it is not quoted begins a comment, even within a word; quotes of both
// kinds group, '\' takes the next byte as it is, in quotes too. A quote that is not closed ends
// with the line. Empty words ("") vanish.
std::vector<PlacedText> SplitWords(const PlacedText& line) {
  std::vector<PlacedText> words;
  PlacedText word;
  char quote = '\0';
  const auto end_word = [&] {
    if (!word.text.empty()) words.push_back(std::exchange(word, {}));
  };
  for (size_t i = 0; i < line.text.size(); ++i) {
    const char c = line.text[i];
    if (c == '\\') {
      if (++i < line.text.size()) word.Add(line.text[i], line.offsets[i]);
    } else if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        word.Add(c, line.offsets[i]);
      }
    } else if (c == '#') {
      break;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (IsSeparator(c)) {
      end_word();
    } else {
      word.Add(c, line.offsets[i]);
    }
  }
  end_word();
  return words;
}

// The workspace that a bazelrc file belongs to: the nearest directory above it that is the root of
// one, else its own.
fs::path WorkspaceOf(const std::string& path) {
  fs::path directory = fs::path(path).parent_path();
  for (fs::path candidate = directory;; candidate = candidate.parent_path()) {
    for (const char* name : kWorkspaceFiles) {
      std::error_code ignored;
      if (fs::is_regular_file(candidate / name, ignored)) return candidate;
    }
    if (candidate == candidate.parent_path()) return directory;
  }
}

class Bazelrc {
 public:
  Bazelrc(const std::string& path, SettingList* settings) : path_(path), settings_(*settings) {}

  void Read() {
    const std::vector<PlacedText> lines = LogicalLines(settings_.text());
    for (size_t i = 0; i < lines.size();) {
      if (IsComment(lines[i])) {
        size_t end = i;
        while (end < lines.size() && IsComment(lines[end])) ++end;
        ReadComments(lines, i, end);
        i = end;
      } else {
        ReadLine(lines[i++]);
      }
    }
  }

 private:
  static bool IsComment(const PlacedText& line) {
    const size_t first = line.text.find_first_not_of(" \t\r");
    return first != std::string::npos && line.text[first] == '#';
  }

  // "# NAME=value": where the name begins and where the '=' stands.
  struct Assignment {
    size_t name = 0, equals = 0;
  };
  static bool ParseAssignment(std::string_view comment, Assignment* assignment) {
    const size_t name = comment.find_first_not_of("# \t");
    if (name == comment.npos || absl::ascii_isdigit(comment[name])) return false;
    size_t end = name;
    while (end < comment.size() && (absl::ascii_isalnum(comment[end]) || comment[end] == '_')) {
      ++end;
    }
    if (end == name || end == comment.size() || comment[end] != '=') return false;
    *assignment = {name, end};
    return true;
  }

  // The lines [begin, end) are comments without a gap. They are an environment if they hold a
  // variable with a store path, or LRE's own heading.
  void ReadComments(const std::vector<PlacedText>& lines, size_t begin, size_t end) {
    bool is_environment = false;
    Assignment assignment;
    for (size_t i = begin; i < end && !is_environment; ++i) {
      const std::string& text = lines[i].text;
      is_environment = text.find(kEnvironmentHeading) != text.npos ||
                       (ParseAssignment(text, &assignment) &&
                        text.find(nix::kDefaultStoreDirectory, assignment.equals) != text.npos);
    }
    if (!is_environment) return;
    for (size_t i = begin; i < end; ++i) {
      const std::string_view text = lines[i].text;
      if (!ParseAssignment(text, &assignment)) continue;
      const auto [name, equals] = assignment;
      const size_t last = text.find_last_not_of(" \t\r");
      const std::string_view variable = text.substr(name, equals - name);
      const std::string_view value = text.substr(equals + 1, last - equals);
      settings_.Add(Setting::ENVIRONMENT, variable, value, lines[i].OffsetOf(equals + 1),
                    "Env block");
      AddTools(variable, value, lines[i], equals + 1);
    }
  }

  void ReadLine(const PlacedText& line) {
    const std::vector<PlacedText> words = SplitWords(line);
    if (words.empty()) return;
    const std::string& command = words[0].text;
    if (command == "import" || command == "try-import") {
      ReadImport(words, 2);
    } else if (command == "import-if-bazel-version" || command == "try-import-if-bazel-version") {
      ReadImport(words, 3);  // the second word is the condition
    } else {
      ReadFlags(words);
    }
  }

  void ReadImport(const std::vector<PlacedText>& words, size_t expected) {
    const std::string& command = words[0].text;
    if (words.size() != expected) {
      settings_.AddDefect(words[0].OffsetOf(0),
                          absl::StrCat(Escaped(command), " with ", words.size() - 1,
                                       " operands, expected ", expected - 1));
      return;
    }
    const PlacedText& file = words.back();
    // Whether the condition holds is Bazel's to say; the file need not be there.
    const bool is_required = command == "import";
    settings_.Add(Setting::IMPORT, is_required ? "import" : "try-import", Resolve(file.text),
                  file.OffsetOf(0), absl::StrCat(command, " ", file.text));
  }

  std::string Resolve(std::string_view file) const {
    if (file.starts_with(kWorkspacePrefix)) {
      file.remove_prefix(kWorkspacePrefix.size());
      while (file.starts_with('/')) file.remove_prefix(1);
    } else if (file.starts_with('/')) {
      return std::string(file);
    }
    return (WorkspaceOf(path_) / file).lexically_normal().string();
  }

  // "build:lre --flag=value --flag value".
  void ReadFlags(const std::vector<PlacedText>& words) {
    const std::string& command = words[0].text;
    for (size_t i = 1; i < words.size(); ++i) {
      const PlacedText& flag = words[i];
      if (!flag.text.starts_with('-')) {  // a target, or an option's second value
        AddFlag("", flag.text, flag, 0, command);
        continue;
      }
      const size_t equals = flag.text.find('=');
      const std::string_view name = std::string_view(flag.text).substr(0, equals);
      if (equals != std::string::npos) {
        AddFlag(name, std::string_view(flag.text).substr(equals + 1), flag, equals + 1, command);
      } else if (i + 1 < words.size() && !words[i + 1].text.starts_with('-')) {
        ++i;
        AddFlag(name, words[i].text, words[i], 0, command);
      } else {
        AddFlag(name, "", flag, flag.text.size(), command);
      }
    }
  }

  // `value` begins at byte `begin` of `word`.
  void AddFlag(std::string_view name, std::string_view value, const PlacedText& word, size_t begin,
               const std::string& command) {
    settings_.Add(Setting::BAZEL_FLAG, name, value, word.OffsetOf(begin), command);
    if (IsOneOf(name, kEnvironmentFlags)) {
      const size_t equals = value.find('=');
      if (equals == value.npos) return;  // inherited from whoever runs Bazel
      AddTools(value.substr(0, equals), value.substr(equals + 1), word, begin + equals + 1);
    } else if (name.ends_with("_toolchain") && !value.starts_with("//")) {
      AddTool(name, value, word, begin);
    }
  }

  void AddTools(std::string_view variable, std::string_view value, const PlacedText& word,
                size_t begin) {
    if (IsOneOf(variable, kToolVariables)) {
      AddTool(variable, value, word, begin);
    } else if (variable == "PATH" || variable.ends_with("_PATH")) {
      for (size_t element = 0; element <= value.size();) {
        const size_t end = std::min(value.find(':', element), value.size());
        AddTool(variable, value.substr(element, end - element), word, begin + element);
        element = end + 1;
      }
    }
  }

  void AddTool(std::string_view name, std::string_view path, const PlacedText& word, size_t begin) {
    if (path.starts_with('/')) settings_.AddTool(path, word.OffsetOf(begin), name);
  }

  const std::string& path_;
  SettingList& settings_;
};

}  // namespace

ConfigFacts ReadBazelrc(const std::string& path, std::string_view text) {
  ConfigFacts facts;
  facts.set_path(path);
  SettingList settings(text, &facts);
  Bazelrc(path, &settings).Read();
  return facts;
}

}  // namespace lre_audit
