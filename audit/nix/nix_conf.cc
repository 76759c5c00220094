#include "audit/nix/nix_conf.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/read_file.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr uint64_t kMaxFile = 1 << 20;
constexpr int kMaxFiles = 1000;  // of all, however they include each other

std::vector<std::string> WordsOf(std::string_view text) {
  return absl::StrSplit(ToAbsl(text), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

std::string Environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

class Reader {
 public:
  Reader(const std::vector<std::string_view>& names, std::string_view defaults)
      : names_(names), words_(WordsOf(defaults)) {}

  // A file that includes itself, if by way of others, is read once.
  void ReadPath(const std::string& path) {
    if (std::find(open_.begin(), open_.end(), path) != open_.end() || ++files_ > kMaxFiles) return;
    const auto text = ReadFile(path, kMaxFile);
    if (!text.ok()) return;
    open_.push_back(path);
    ReadText(*text, path.substr(0, path.rfind('/') + 1));
    open_.pop_back();
  }

  // `directory` is what included paths are relative to.
  void ReadText(std::string_view text, const std::string& directory) {
    for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
      const std::vector<std::string> words = WordsOf(ToStd(line.substr(0, line.find('#'))));
      if (words.size() < 2) continue;
      if (words[0] == "include" || words[0] == "!include") {
        ReadPath(words[1].starts_with('/') ? words[1] : directory + words[1]);
      } else if (words[1] == "=") {
        Set(words);
      }
    }
  }

  std::vector<std::string> words() && { return std::move(words_); }

 private:
  void Set(const std::vector<std::string>& line) {
    constexpr std::string_view kExtra = "extra-";
    std::string_view name = line[0];
    const bool adds = name.starts_with(kExtra);
    if (adds) name.remove_prefix(kExtra.size());
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) return;
    if (!adds) words_.clear();
    words_.insert(words_.end(), line.begin() + 2, line.end());
  }

  const std::vector<std::string_view>& names_;
  std::vector<std::string> words_;
  std::vector<std::string> open_;  // the file that is read, behind those that include it
  int files_ = 0;
};

// The user's files, those that count least first.
std::vector<std::string> UserFiles() {
  std::vector<std::string> files;
  if (const std::string listed = Environment("NIX_USER_CONF_FILES"); !listed.empty()) {
    files = absl::StrSplit(listed, ':', absl::SkipEmpty());
  } else {
    const std::string home = Environment("XDG_CONFIG_HOME");
    const std::string directories = Environment("XDG_CONFIG_DIRS");
    files.push_back(home.empty() ? Environment("HOME") + "/.config" : home);
    for (const absl::string_view directory :
         absl::StrSplit(directories.empty() ? "/etc/xdg" : directories, ':', absl::SkipEmpty())) {
      files.emplace_back(directory);
    }
    for (std::string& file : files) file += "/nix/nix.conf";
  }
  std::reverse(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::string> ConfiguredWords(const std::vector<std::string_view>& names,
                                         std::string_view defaults) {
  Reader reader(names, defaults);
  const std::string system = Environment("NIX_CONF_DIR");
  reader.ReadPath((system.empty() ? "/etc/nix" : system) + "/nix.conf");
  for (const std::string& file : UserFiles()) reader.ReadPath(file);
  reader.ReadText(Environment("NIX_CONFIG"), "");
  return std::move(reader).words();
}

}  // namespace lre_audit::nix
