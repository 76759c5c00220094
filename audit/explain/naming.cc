#include "audit/explain/naming.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/compare/packages.h"
#include "audit/explain/secrets.h"
#include "base/store_path.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

using Kind = Difference::Kind;
using Text = std::optional<std::string>;

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool IsShell(std::string_view argument) {
  constexpr std::array<std::string_view, 5> kShells = {"bash", "sh", "dash", "zsh", "bash.exe"};
  return std::find(kShells.begin(), kShells.end(), BaseName(argument)) != kShells.end();
}

// An absolute path of one person or machine: home directories, what Bazel keeps there, build
// directories.
bool IsOfOneMachine(std::string_view path) {
  constexpr std::array<std::string_view, 6> kPlaces = {"/home/",  "/root/", "/Users/",
                                                       "/build/", "/tmp/",  "/private/"};
  return std::any_of(kPlaces.begin(), kPlaces.end(),
                     [&](std::string_view place) { return path.starts_with(place); }) ||
         path.find("/execroot/") != std::string_view::npos ||
         path.find("/_bazel_") != std::string_view::npos;
}

// Where the first absolute path in `text` that is of one machine begins; npos if none does.
size_t MachinePathIn(std::string_view text) {
  for (size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/', at + 1)) {
    const char before = at == 0 ? '=' : text[at - 1];
    // Behind a letter it may be a flag's: "-I/home". Within a relative path it is none.
    const bool begins =
        std::string_view("=:,;\"' (").find(before) != std::string_view::npos ||
        (text[0] == '-' && at >= 2 && text.substr(0, at).find('/') == std::string_view::npos);
    if (begins && IsOfOneMachine(text.substr(at))) return at;
  }
  return std::string_view::npos;
}

// The distinct store paths of one text that the other does not have, in order.
std::vector<std::string> OnlyIn(const std::vector<std::string_view>& in,
                                const std::vector<std::string_view>& not_in) {
  std::vector<std::string> only;
  for (const std::string_view path : in) {
    if (std::find(not_in.begin(), not_in.end(), path) == not_in.end() &&
        std::find(only.begin(), only.end(), path) == only.end()) {
      only.emplace_back(path);
    }
  }
  return only;
}

// Notes that say which packages the store paths of the two texts are.
std::vector<std::string> PackageNotes(const Text& local, const Text& remote,
                                      const std::string& store) {
  std::vector<std::string> notes;
  const std::string here = local.value_or(""), there = remote.value_or("");
  const std::vector<std::string_view> a = StorePathsIn(here, store), b = StorePathsIn(there, store);
  const std::vector<std::string> in_local = OnlyIn(a, b), in_remote = OnlyIn(b, a);
  std::vector<bool> told(in_remote.size());
  for (const std::string& path : in_local) {
    const Package package = PackageOf(path);
    bool paired = false;
    for (size_t i = 0; i < in_remote.size() && !paired; ++i) {
      const Package other = PackageOf(in_remote[i]);
      if (told[i] || other.name != package.name) continue;
      told[i] = paired = true;
      notes.push_back(other.version == package.version
                          ? absl::StrCat(package.name, " is the same version of another build: ",
                                         path, " here, ", in_remote[i], " there")
                          : absl::StrCat(package.name, " ", package.version, " here, ",
                                         other.version, " there"));
    }
    if (!paired) notes.push_back(absl::StrCat(Decoded(path), " is in local alone: ", path));
  }
  for (size_t i = 0; i < in_remote.size(); ++i) {
    if (!told[i]) {
      notes.push_back(absl::StrCat(Decoded(in_remote[i]), " is in remote alone: ", in_remote[i]));
    }
  }
  return notes;
}

// What a sentence holds of a value: escaped, and cut where it is no name but a text.
std::string Brief(std::string_view text) {
  constexpr size_t kMost = 200;
  if (text.size() <= kMost) return Escaped(text);
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(Escaped(text.substr(0, end)), "... (", Grouped(text.size()), " bytes)");
}

constexpr char kPinHelp[] =
    "let both sides take their toolchain from one pin: the same commit in flake.lock and "
    "MODULE.bazel, and an image that is built from it; then \"lre-audit check\" compares them";
constexpr char kArgumentsHelp[] =
    "build both sides with the same options: .bazelrc, --config, --copt, --define, select(); "
    "\"bazel build --announce_rc\" on each side shows which they are";
constexpr char kMachineHelp[] =
    "keep the path out of the action: what lies in the workspace is named relative to the "
    "execution "
    "root, tools come from the toolchain, and what is left is a flag's or rule's to fix";

class Namer {
 public:
  Namer(const Difference& difference, const cache::SpawnParts& spawn, const NamingOptions& options)
      : difference_(difference), spawn_(spawn), options_(options) {}

  std::vector<NamedCause> Name() {
    switch (difference_.kind) {
      case Kind::kConfiguration:
        return {Make("LRE713",
                     absl::StrCat("the configuration differs: ", Value(difference_.local), " and ",
                                  Value(difference_.remote)),
                     "build both sides for the same platforms and with the same options: what "
                     "differs between --platforms, --host_platform, --compilation_mode, --cpu and "
                     "transitions is in the name")};
      case Kind::kVariable:
        return {Variable()};
      case Kind::kProperty:
        return {Property()};
      case Kind::kArgument:
        return Argument();
      case Kind::kArgumentOrder:
        return {Shown(
            Make("LRE720", "the arguments are the same in another order",
                 "make the order fixed where the rule builds the command: sort what comes from "
                 "a set, a directory's listing or a glob of a tree"))};
      case Kind::kInput:
        return {Input()};
      case Kind::kToolMark:
        return {Make("LRE718", "other inputs are marked as tools",
                     "run both sides with the same --experimental_remote_mark_tool_inputs and the "
                     "same rules")};
      case Kind::kOutput:
        return {Make("LRE717",
                     OneSided("the output ", difference_.name,
                              "is declared differently: a file "
                              "on one side, a directory on the other"),
                     "use the same rules and options on both sides: what an action declares is "
                     "their doing")};
      case Kind::kTimeout:
        return {Make("LRE716",
                     absl::StrCat("the timeout differs: ", Value(difference_.local), " and ",
                                  Value(difference_.remote)),
                     "give both sides the same --test_timeout, and targets the same timeout: it is "
                     "part of the key")};
      case Kind::kRemotable:
        return {Make("LRE715", "one side may execute the action remotely, and the other may not",
                     "give both sides the same tags and --modify_execution_info: since Bazel 6.4 a "
                     "salt keeps apart what may not run remotely (no-remote-exec)")};
      case Kind::kRemoteCacheable:
        return {Make("LRE705", "one side may cache the action remotely, and the other may not",
                     "give both sides the same tags (no-remote-cache, no-cache), "
                     "--modify_execution_info and --remote_upload_local_results")};
      case Kind::kRecipe:
        return {Make("LRE715", "the keys are made by different recipes",
                     "use the same release of Bazel on both sides, and the same options that go "
                     "into a key's salt and form (--experimental_remote_scrubbing_config, "
                     "differentiate-workspace-cache, --experimental_sibling_repository_layout); "
                     ".bazelversion pins the release")};
      case Kind::kUnlogged:
        return {Unlogged()};
    }
    return {};
  }

 private:
  // With both sides' values as they are.
  NamedCause Make(const char* rule, std::string message, const char* help) const {
    NamedCause cause;
    cause.rule = rule;
    cause.referenced = difference_.name;
    cause.message = std::move(message);
    cause.local = difference_.local;
    cause.remote = difference_.remote;
    cause.help = help;
    cause.identity = Identity(difference_.name, difference_.local, difference_.remote);
    return cause;
  }

  static std::string Identity(std::string_view name, const Text& local, const Text& remote) {
    const auto part = [](const Text& text) {
      return text ? absl::StrCat(text->size(), ":", *text) : std::string("-");
    };
    return absl::StrCat(name.size(), ":", ToAbsl(name), part(local), part(remote));
  }

  static std::string Value(const Text& text) { return text ? Brief(*text) : "none"; }

  // "the variable X is set in local alone", or `both`.
  std::string OneSided(std::string_view what, std::string_view name, std::string_view both) const {
    const std::string subject = absl::StrCat(ToAbsl(what), Brief(name), " ");
    if (!difference_.remote) return subject + "is in local alone";
    if (!difference_.local) return subject + "is in remote alone";
    return subject + std::string(both);
  }

  std::string Masked(const std::string& value) const {
    return options_.show_secrets ? value : MaskedValue(difference_.name, value);
  }
  Text MaskedText(const Text& value) const { return value ? Text(Masked(*value)) : std::nullopt; }

  std::string MaskedWord(const std::string& argument, std::string_view before = "") const {
    return options_.show_secrets ? argument : MaskedArgument(argument, before);
  }

  // A cause of arguments, with both sides' as they may be shown.
  NamedCause Shown(NamedCause cause) const {
    const std::string flag = difference_.name.empty() ? "" : absl::StrCat(difference_.name, " ");
    const auto shown = [&](const Text& value, const std::string& before) {
      return value ? Text(flag + MaskedWord(*value, before)) : std::nullopt;
    };
    cause.local = shown(difference_.local, difference_.local_before);
    cause.remote = shown(difference_.remote, difference_.remote_before);
    return cause;
  }

  NamedCause Variable() const {
    const std::string& name = difference_.name;
    const bool is_list = name.ends_with("PATH");
    NamedCause cause =
        is_list ? Make("LRE706", OneSided("", name, "differs"),
                       "give actions a fixed PATH that leads to the store alone: "
                       "--incompatible_strict_action_env, and --action_env=PATH=/nix/store/... in "
                       "the .bazelrc that both sides read")
                : Make("LRE707", OneSided("the environment variable ", name, "differs"),
                       "give the variable a value that both sides have (--action_env=NAME=VALUE "
                       "instead of --action_env=NAME, which takes the client's), or keep it out of "
                       "actions (--incompatible_strict_action_env)");
    cause.notes = PackageNotes(difference_.local, difference_.remote, options_.store_directory);
    cause.local = MaskedText(difference_.local);
    cause.remote = MaskedText(difference_.remote);
    if (IsSecretName(name)) {
      cause.notes.push_back(
          "its name says that it is a secret: whoever reads the cache's Command messages reads it");
    }
    if (!is_list || !difference_.local || !difference_.remote) return cause;
    // Elements are told as they are.
    if (cause.local != difference_.local || cause.remote != difference_.remote) return cause;
    const ListDifference lists = CompareLists(*difference_.local, *difference_.remote, ':');
    const auto listed = [](const std::vector<std::string>& elements) {
      constexpr size_t kMost = 10;
      std::vector<std::string> shown;
      for (size_t i = 0; i < std::min(elements.size(), kMost); ++i) {
        shown.push_back(elements[i].empty() ? "an empty element" : Brief(elements[i]));
      }
      if (elements.size() > kMost) {
        shown.push_back(absl::StrCat(Grouped(elements.size() - kMost), " more"));
      }
      return absl::StrJoin(shown, ", ");
    };
    std::vector<std::string> told;
    if (!lists.only_local.empty()) told.push_back(listed(lists.only_local) + " in local alone");
    if (!lists.only_remote.empty()) told.push_back(listed(lists.only_remote) + " in remote alone");
    if (told.empty()) told.push_back("the same elements in another order, or another number");
    cause.message = absl::StrCat(Escaped(name), " differs: ", absl::StrJoin(told, ", "));
    // The same leak in lists that differ otherwise is one cause.
    if (!lists.only_local.empty() || !lists.only_remote.empty()) {
      cause.identity = absl::StrCat(name, "\n", absl::StrJoin(lists.only_local, "\n"), "\n\n",
                                    absl::StrJoin(lists.only_remote, "\n"));
    }
    return cause;
  }

  NamedCause Property() const {
    const bool is_image = difference_.name == "container-image";
    NamedCause cause = Make(
        "LRE708", OneSided("the platform property ", difference_.name, "differs"),
        is_image ? "name one image on both sides: generate the platform's exec_properties from the "
                   "image that is deployed, and give local execution the same platform"
                 : "give both sides the same exec_properties: of platforms, targets and "
                   "--remote_default_exec_properties");
    cause.local = MaskedText(difference_.local);
    cause.remote = MaskedText(difference_.remote);
    const auto tag = [](const Text& image) -> std::string {
      const size_t colon = image ? image->rfind(':') : std::string::npos;
      const std::string hash = colon == std::string::npos ? "" : image->substr(colon + 1);
      const bool is_hash =
          hash.size() == nix::kHashLength && std::all_of(hash.begin(), hash.end(), nix::IsNix32);
      return is_hash ? image->substr(0, colon) : "";
    };
    const std::string name = tag(difference_.local);
    if (is_image && !name.empty() && name == tag(difference_.remote)) {
      cause.notes.push_back(absl::StrCat("both tags of ", name,
                                         " are hashes of Nix: images of two evaluations, so that "
                                         "their pins or inputs differ"));
    }
    return cause;
  }

  std::vector<NamedCause> Argument() const {
    const Text& local = difference_.local;
    const Text& remote = difference_.remote;
    const std::string a = local.value_or(""), b = remote.value_or("");
    if (std::vector<NamedCause> moved = StorePathMoves(a, b); !moved.empty()) return moved;
    if (difference_.index == 0 && local && remote) {
      const bool is_shell = IsShell(a) || IsShell(b);
      const std::string tools = absl::StrCat(Brief(MaskedWord(a)), " and ", Brief(MaskedWord(b)));
      NamedCause cause =
          is_shell ? Make("LRE711", absl::StrCat("the shell differs: ", tools),
                          "name one shell on both sides: a shell toolchain (sh_toolchain) of the "
                          "store, or the same --shell_executable or BAZEL_SH")
                   : Make("LRE709", absl::StrCat("the tool differs: ", tools), kPinHelp);
      cause.referenced = MaskedWord(a);
      cause.notes = PackageNotes(local, remote, options_.store_directory);
      return {Shown(std::move(cause))};
    }
    if (std::optional<NamedCause> machine = MachinePath(a, b)) return {Shown(*std::move(machine))};
    constexpr std::array<std::string_view, 6> kToolFlags = {
        "-B", "-fuse-ld=", "--sysroot", "-isystem", "-resource-dir", "--gcc-toolchain"};
    const std::string subject = difference_.name.empty() ? (local ? a : b) : difference_.name;
    const bool names_absolute =
        a.find('/') != std::string::npos || b.find('/') != std::string::npos;
    if (names_absolute &&
        std::any_of(kToolFlags.begin(), kToolFlags.end(),
                    [&](std::string_view flag) { return subject.starts_with(flag); })) {
      NamedCause cause =
          Make("LRE709", "a flag that names a part of the toolchain differs", kPinHelp);
      cause.referenced = MaskedWord(subject);
      cause.notes = PackageNotes(local, remote, options_.store_directory);
      return {Shown(std::move(cause))};
    }
    const bool is_command = spawn_.arguments.size() > 1 && IsShell(spawn_.arguments[0]) &&
                            difference_.index >= 1 && spawn_.arguments[1].starts_with('-');
    const std::string what = is_command && difference_.index == 2 ? "the command" : "an argument";
    NamedCause cause = Make("LRE725",
                            !remote  ? absl::StrCat(what, " is in local alone")
                            : !local ? absl::StrCat(what, " is in remote alone")
                                     : absl::StrCat(what, " differs"),
                            kArgumentsHelp);
    cause.notes = PackageNotes(local, remote, options_.store_directory);
    cause = Shown(std::move(cause));
    if (difference_.name.empty()) {
      cause.referenced = (cause.local ? cause.local : cause.remote).value_or("");
    }
    return {std::move(cause)};
  }

  // Where store paths have moved to others of the same packages, and nothing else differs: each is
  // a cause, whichever arguments name it.
  std::vector<NamedCause> StorePathMoves(const std::string& a, const std::string& b) const {
    const std::string& store = options_.store_directory;
    const std::vector<std::string_view> in_a = StorePathsIn(a, store),
                                        in_b = StorePathsIn(b, store);
    if (in_a.empty() || in_a.size() != in_b.size()) return {};
    std::string rest_a, rest_b;  // what is no store path
    const auto rest = [](const std::string& text, const std::vector<std::string_view>& paths) {
      std::string result;
      size_t from = 0;
      for (const std::string_view path : paths) {
        const size_t at = static_cast<size_t>(path.data() - text.data());
        absl::StrAppend(&result, text.substr(from, at - from), "\n");
        from = at + path.size();
      }
      return result + text.substr(from);
    };
    if (rest(a, in_a) != rest(b, in_b)) return {};
    std::vector<NamedCause> causes;
    for (size_t i = 0; i < in_a.size(); ++i) {
      if (in_a[i] == in_b[i]) continue;
      const Package here = PackageOf(in_a[i]), there = PackageOf(in_b[i]);
      if (here.name != there.name) return {};
      const bool is_shell = difference_.index == 0 && IsShell(a);
      NamedCause cause =
          Make(is_shell ? "LRE711" : "LRE709",
               here.version == there.version
                   ? absl::StrCat(Escaped(Decoded(in_a[i])), " is the same version of two builds")
                   : absl::StrCat(Escaped(here.name), " ", Escaped(here.version), " here, ",
                                  Escaped(there.version), " there"),
               kPinHelp);
      cause.referenced = here.name;
      cause.local = std::string(in_a[i]);
      cause.remote = std::string(in_b[i]);
      cause.identity = Identity("", cause.local, cause.remote);
      const bool told = std::any_of(causes.begin(), causes.end(), [&](const NamedCause& other) {
        return other.identity == cause.identity;
      });
      if (!told) causes.push_back(std::move(cause));
    }
    return causes;
  }

  // A path of one machine that differs: what is of the machine is the cause, not what lies below.
  std::optional<NamedCause> MachinePath(const std::string& a, const std::string& b) const {
    const size_t in_a = MachinePathIn(a), in_b = MachinePathIn(b);
    if (in_a == std::string::npos && in_b == std::string::npos) return std::nullopt;
    const auto path_at = [](const std::string& text, size_t at) {
      if (at == std::string::npos) return std::string();
      return text.substr(at, text.find_first_of(" :;,\"')", at) - at);
    };
    std::string here = path_at(a, in_a), there = path_at(b, in_b);
    // An absolute path that both have is not what differs.
    if (here == there) return std::nullopt;
    while (!here.empty() && !there.empty()) {
      const size_t slash_a = here.rfind('/'), slash_b = there.rfind('/');
      if (slash_a == 0 || slash_b == 0 || here.substr(slash_a) != there.substr(slash_b)) break;
      here.resize(slash_a);
      there.resize(slash_b);
    }
    const std::string path = MaskedWord(here.empty() ? there : here);
    NamedCause cause =
        Make("LRE712",
             absl::StrCat("an argument names a path of one machine: ", Brief(path),
                          here.empty() || there.empty() ? "" : " and ",
                          here.empty() || there.empty() ? "" : Brief(MaskedWord(there))),
             kMachineHelp);
    cause.referenced = path;
    cause.identity = Identity("", Text(here), Text(there));
    return cause;
  }

  NamedCause Input() const {
    const std::string& path = difference_.name;
    const std::string name = BaseName(path);
    if (path == "bazel-out/stable-status.txt" || path == "bazel-out/volatile-status.txt") {
      NamedCause cause =
          Make("LRE714",
               absl::StrCat("the build's status differs, and the action reads it: ", Escaped(path)),
               "build what is to be shared with --nostamp, or stamp in one last action that "
               "nothing else reads; the values come from --workspace_status_command");
      // Whichever of the two files an action reads.
      cause.identity = "status";
      return cause;
    }
    if (name == "builtin_include_directory_paths") {
      NamedCause cause = Make(
          "LRE710",
          "the compilers' builtin include directories differ: every compile and link reads their "
          "list",
          "generate the C++ toolchain once, from the store, and use it on both sides, instead of "
          "letting Bazel find a compiler on each (BAZEL_DO_NOT_DETECT_CPP_TOOLCHAIN=1)");
      cause.notes.push_back(
          "what is in it comes from the compiler that CC names and from CPATH, CPLUS_INCLUDE_PATH "
          "and their like, where the repository rule ran");
      return cause;
    }
    if (!difference_.local || !difference_.remote) {
      return Make(
          "LRE718", OneSided("the input ", path, ""),
          "look at who adds it: a dependency, a glob, a toolchain's files or the rule's own "
          "inputs that the two sides have different versions of");
    }
    const cache::InputNode& here = *difference_.local_node;
    const cache::InputNode& there = *difference_.remote_node;
    if (here.kind != there.kind) {
      return Make("LRE721",
                  absl::StrCat("the input ", Escaped(path),
                               " is a symlink or directory on one side, and not on the other"),
                  "let both sides make it in one way: a symlink that is checked in, git's "
                  "core.symlinks, or the rule that declares it");
    }
    if (name.ends_with(".params") && IsGenerated(path)) {
      return Make("LRE725",
                  absl::StrCat("arguments in the parameter file ", Escaped(path), " differ"),
                  kArgumentsHelp);
    }
    const bool is_external = path.starts_with("external/");
    return Make("LRE719", absl::StrCat("the source file ", Escaped(path), " differs"),
                is_external ? "pin the repository that it is of to one version on both sides "
                              "(MODULE.bazel.lock, a commit, a checksum); a file that a repository "
                              "rule wrote may depend on the machine it ran on"
                            : "build the same commit on both sides, without local changes: git "
                              "status, git diff; line endings (core.autocrlf) and files that git "
                              "filters count too");
  }

  NamedCause Unlogged() const {
    NamedCause cause =
        Make("LRE715", "the keys differ, and all that the logs say is the same",
             "compare what goes into a key and not into a log: releases of Bazel, "
             "differentiate-workspace-cache, --experimental_remote_scrubbing_config, path mapping "
             "(--experimental_output_paths)");
    cause.identity = "unlogged";
    return cause;
  }

  const Difference& difference_;
  const cache::SpawnParts& spawn_;
  const NamingOptions& options_;
};

}  // namespace

std::string Decoded(std::string_view store_path) {
  const Package package = PackageOf(store_path);
  return absl::StrCat(package.name, package.version.empty() ? "" : " ", package.version);
}

bool IsGenerated(std::string_view path) { return path.starts_with("bazel-out/"); }

std::vector<NamedCause> NameDifference(const Difference& difference, const cache::SpawnParts& local,
                                       const NamingOptions& options) {
  return Namer(difference, local, options).Name();
}

NamedCause NameUpstream(const Difference& difference, std::string_view why) {
  NamedCause cause;
  cause.rule = "LRE722";
  cause.identity = difference.name;
  cause.referenced = difference.name;
  cause.message = absl::StrCat("the generated input ", Escaped(difference.name), " differs");
  cause.local = difference.local;
  cause.remote = difference.remote;
  cause.notes.emplace_back(why);
  cause.help =
      "log a build of both sides in which the action that makes it runs: bazel clean first, or "
      "--noremote_accept_cached; what Bazel has up to date is not logged";
  return cause;
}

NamedCause NameNondeterminism(const std::vector<std::string>& outputs,
                              const cache::SpawnParts& local) {
  NamedCause cause;
  cause.rule = "LRE723";
  cause.referenced = outputs.empty() ? "" : outputs.front();
  cause.identity = cause.referenced;
  cause.message =
      outputs.size() == 1
          ? absl::StrCat("the key is the same, and the output ", Escaped(outputs[0]), " differs")
          : absl::StrCat("the key is the same, and ", outputs.size(), " outputs differ");
  for (size_t i = 0; outputs.size() > 1 && i < std::min<size_t>(outputs.size(), 5); ++i) {
    cause.notes.push_back(outputs[i]);
  }
  cause.help = absl::StrCat(
      "make the ", local.mnemonic.empty() ? "action" : local.mnemonic,
      " write the same bytes each time: no time of day, random numbers, process ids, build paths "
      "or "
      "order of directories; or what it reads is not declared as its input. Running it twice with "
      "\"bazel clean\" between shows whether it is");
  return cause;
}

}  // namespace lre_audit::explain
