#include "audit/explain/option_differences.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "audit/explain/secrets.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

// What these begin is no matter of keys: where logs go, how a build looks, what it may use.
constexpr std::string_view kPassedOver[] = {"announce_rc",
                                            "bes_",
                                            "build_event_",
                                            "build_request_id",
                                            "client_",
                                            "color",
                                            "command_",
                                            "curses",
                                            "default_override",
                                            "disk_cache",
                                            "execution_log",
                                            "experimental_execution_log",
                                            "experimental_remote_grpc_log",
                                            "explain",
                                            "ignore_client_env",
                                            "invocation_id",
                                            "isatty",
                                            "jobs",
                                            "keep_going",
                                            "local_",
                                            "loading_phase_",
                                            "memory_profile",
                                            "nokeep_going",
                                            "profile",
                                            "progress",
                                            "rc_source",
                                            "remote_grpc_log",
                                            "repository_cache",
                                            "show_",
                                            "startup_time",
                                            "symlink_prefix",
                                            "terminal_",
                                            "tool_tag",
                                            "ui_",
                                            "verbose_",
                                            "watchfs"};

constexpr size_t kShortest = 3;  // of a text that is looked for in an option

// "--nofoo" and "--foo" are one option, as "--foo=0" is.
std::string NameOf(std::string_view option) {
  std::string_view name = option.substr(0, option.find('='));
  if (name.starts_with("--no") && option.size() == name.size()) {
    return absl::StrCat("--", ToAbsl(name.substr(4)));
  }
  return std::string(name);
}

bool IsPassedOver(std::string_view name) {
  name.remove_prefix(std::min<size_t>(name.size(), 2));
  return std::any_of(std::begin(kPassedOver), std::end(kPassedOver),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string OptionDifference::Text() const {
  if (local.empty()) return absl::StrCat(remote, " is in remote alone");
  if (remote.empty()) return absl::StrCat(local, " is in local alone");
  return absl::StrCat(local, " here, ", remote, " there");
}

std::vector<OptionDifference> CompareOptions(const std::vector<std::string>& local,
                                             const std::vector<std::string>& remote,
                                             bool show_secrets) {
  struct Values {
    std::vector<std::string> local, remote;
  };
  std::map<std::string, Values> by_name;
  for (const std::string& option : local) by_name[NameOf(option)].local.push_back(option);
  for (const std::string& option : remote) by_name[NameOf(option)].remote.push_back(option);
  const auto shown = [&](const std::string& option) {
    return show_secrets ? option : MaskedArgument(option);
  };
  std::vector<OptionDifference> differences;
  for (auto& [name, values] : by_name) {
    if (IsPassedOver(name) || values.local == values.remote) continue;
    // Of an option with one value on each side, both; of others, those of one side alone.
    if (values.local.size() == 1 && values.remote.size() == 1) {
      differences.push_back({name, shown(values.local[0]), shown(values.remote[0])});
      continue;
    }
    const auto is_in = [](const std::vector<std::string>& all, const std::string& value) {
      return std::find(all.begin(), all.end(), value) != all.end();
    };
    for (const std::string& value : values.local) {
      if (!is_in(values.remote, value)) differences.push_back({name, shown(value), ""});
    }
    for (const std::string& value : values.remote) {
      if (!is_in(values.local, value)) differences.push_back({name, "", shown(value)});
    }
  }
  return differences;
}

bool IsBehind(const OptionDifference& option, const NamedCause& cause) {
  if (cause.rule == "LRE706" || cause.rule == "LRE707") {
    const auto names_it = [&](const std::string& text) {
      const size_t value = text.find('=');
      return value != text.npos &&
             std::string_view(text).substr(value + 1).starts_with(cause.referenced);
    };
    // Not of an option of the side that does not have the variable.
    const bool says_it =
        (cause.local && names_it(option.local)) || (cause.remote && names_it(option.remote));
    return (option.name == "--action_env" && says_it) ||
           option.name == "--incompatible_strict_action_env";
  }
  if (cause.rule == "LRE702") return option.name == "--remote_instance_name";
  if (cause.rule == "LRE708" || cause.rule == "LRE713") {
    return IsOneOf(option.name,
                   {"--platforms", "--host_platform", "--extra_execution_platforms",
                    "--remote_default_exec_properties", "--remote_default_platform_properties",
                    "--compilation_mode", "--cpu", "--host_cpu", "--compiler"});
  }
  if (cause.rule == "LRE714") {
    return IsOneOf(option.name, {"--stamp", "--workspace_status_command", "--embed_label"});
  }
  if (cause.rule == "LRE716") return option.name == "--test_timeout";
  const auto says = [&](const std::string& text, const std::optional<std::string>& value) {
    return value && value->size() >= kShortest && text.ends_with(*value);
  };
  return says(option.local, cause.local) || says(option.remote, cause.remote);
}

}  // namespace lre_audit::explain
