#include "audit/link/link_image.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// What the loader or the C library obeys before anything that a program says (ld.so(8), dyld(1));
// which of them load code is for the rule to say.
bool IsLoaderVariable(std::string_view name) {
  return name.starts_with("LD_") || name.starts_with("DYLD_") || name == "GCONV_PATH";
}

// Places of the user or of the running container: they name no input of a build.
constexpr std::array<std::string_view, 10> kPrivateVariables = {
    "HOME", "TMPDIR", "TMP",  "TEMP",     "TEMPDIR",
    "PWD",  "OLDPWD", "MAIL", "HISTFILE", "XDG_RUNTIME_DIR"};

template <typename Names>
bool IsOneOf(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Variables that are lists of directories.
bool IsSearchPath(std::string_view name) {
  return name.ends_with("PATH") || name.ends_with("_DIRS") || name == "PERL5LIB";
}

// Of these an empty element is the current directory: execvp(3), GCC's "Environment Variables",
// python(1), java(1). Of others (MANPATH, INFOPATH, XDG_DATA_DIRS) it is the default, or nothing.
constexpr std::array<std::string_view, 8> kEmptyIsHere = {
    "PATH",         "CPATH",      "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH", "PYTHONPATH", "CLASSPATH",      "OBJC_INCLUDE_PATH"};

// What runtimes set where an image sets no PATH (containerd pkg/oci/spec_opts.go defaultUnixEnv).
constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string PathOf(const ImageConfig& config) {
  for (const std::string& variable : config.env) {
    if (variable.starts_with("PATH=")) return variable.substr(5);
  }
  return std::string(kDefaultPath);
}

// The program of a command line, as execvp(3) finds it.
Target FindProgram(const std::string& program, const ImageConfig& config, const TreeIndex& index) {
  const std::string directory = config.working_dir.empty() ? "/" : config.working_dir;
  if (program.find('/') != std::string::npos) return index.Lookup(program, directory);
  for (absl::string_view element : absl::StrSplit(PathOf(config), ':')) {
    const std::string path =
        absl::StrCat(element.empty() ? directory : std::string(element), "/", program);
    Target target = index.Lookup(path, directory);
    if (target.exists && target.is_executable) return target;
  }
  Target missing;
  missing.place = Target::Place::kRelative;
  missing.path = program;
  return missing;
}

void LinkVariable(std::string_view name, std::string_view value, const TreeIndex& index,
                  LinkedImage& image) {
  if (IsLoaderVariable(name)) {
    if (!value.empty()) image.loader_variables.push_back({std::string(name), std::string(value)});
    return;
  }
  if (IsOneOf(name, kPrivateVariables)) return;
  const auto add = [&](std::string_view path) {
    LinkedClaim claim;
    claim.kind = Claim::ENVIRONMENT;
    claim.text = std::string(path);
    claim.context = std::string(name);
    claim.excerpt = absl::StrCat(ToAbsl(name), "=", ToAbsl(value));
    claim.target = index.Lookup(claim.text, {});
    image.environment.push_back(std::move(claim));
  };
  // CFLAGS, LDFLAGS, NIX_CFLAGS_COMPILE: every compilation obeys them.
  if (name.find("FLAGS") != std::string_view::npos) {
    for (const FlagPath& flag : PathsOfFlags(value)) add(flag.path);
    return;
  }
  const bool is_search_path = IsSearchPath(name);
  if (!is_search_path && !value.starts_with("/")) return;
  // An unset search path has no elements; a URL's colon separates none.
  if (value.empty() || value.find("://") != std::string_view::npos) return;
  for (absl::string_view piece : absl::StrSplit(ToAbsl(value), ':')) {
    std::string_view element = ToStd(piece);
    // "name=path" of NIX_PATH; there a bare name is a channel of the user's, not a directory.
    if (name == "NIX_PATH") element.remove_prefix(element.find('=') + 1);
    if ((!is_search_path || name == "NIX_PATH") && !element.starts_with("/")) continue;
    if (element.empty() && !IsOneOf(name, kEmptyIsHere)) continue;
    add(element);
  }
}

}  // namespace

LinkedImage LinkImage(const ImageConfig& config, const TreeIndex& index) {
  LinkedImage image;
  image.architecture = config.architecture;
  image.os = config.os;
  for (const std::string& variable : config.env) {
    const std::string_view text = variable;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;  // runtimes pass it on, and nobody reads it
    LinkVariable(text.substr(0, equals), text.substr(equals + 1), index, image);
  }
  std::vector<std::pair<std::string, const char*>> words;
  for (const std::string& word : config.entrypoint) words.emplace_back(word, "Entrypoint");
  for (const std::string& word : config.cmd) words.emplace_back(word, "Cmd");
  for (size_t i = 0; i < words.size(); ++i) {
    const auto& [word, context] = words[i];
    // The first word is the program. Of the others only those that name the store can be judged.
    if (i > 0 && !index.InStore(word)) continue;
    LinkedClaim claim;
    claim.kind = Claim::ENTRYPOINT;
    claim.text = word;
    claim.context = context;
    claim.target = i == 0 ? FindProgram(word, config, index) : index.Lookup(word, {});
    image.entrypoint.push_back(std::move(claim));
  }
  return image;
}

}  // namespace lre_audit
