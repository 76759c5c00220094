#include "audit/explain/action_detail.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/cache/spawn_parts.h"
#include "audit/explain/differences.h"
#include "audit/explain/secrets.h"

namespace lre_audit::explain {
namespace {

using Text = std::optional<std::string>;

std::string Flag(bool value) { return value ? "true" : "false"; }

std::string Describe(const cache::InputNode& node) {
  switch (node.kind) {
    case cache::InputNode::kSymlink:
      return absl::StrCat("symlink to ", node.target);
    case cache::InputNode::kEmptyDirectory:
      return "empty directory";
    default:
      return absl::StrCat(node.digest.known() ? node.digest.ToString() : "unknown digest",
                          node.is_tool ? " (tool)" : "");
  }
}

class Describer {
 public:
  Describer(const cache::SpawnParts* local, const cache::SpawnParts* remote, bool show_secrets,
            ExplainedAction* action)
      : local_(local), remote_(remote), show_secrets_(show_secrets), action_(action) {}

  void Describe() {
    const std::vector<std::string> none;
    const std::vector<std::string>& a = local_ != nullptr ? local_->arguments : none;
    const std::vector<std::string>& b = remote_ != nullptr ? remote_->arguments : none;
    const auto shown = [&](const std::vector<std::string>& all, std::optional<size_t> index) {
      if (!index || show_secrets_) return index ? Text(all[*index]) : std::nullopt;
      return Text(MaskedArgument(all[*index], *index == 0 ? "" : all[*index - 1]));
    };
    for (const auto& [local, remote] : AlignArguments(a, b)) {
      AddShown(absl::StrCat("argument ", local ? *local : *remote), shown(a, local),
               shown(b, remote), local && remote ? a[*local] != b[*remote] : local || remote);
    }
    Pairs("variable ", &cache::SpawnParts::environment);
    const auto as_is = [](const std::string&, const std::string& value) { return value; };
    Map("output ", as_is, [](const cache::SpawnParts& parts) {
      std::map<std::string, std::string> outputs;
      for (const cache::Output& output : parts.outputs) {
        outputs[output.path] = output.kind == cache::Output::kDirectory ? "directory" : "file";
      }
      return outputs;
    });
    Pairs("property ", &cache::SpawnParts::platform);
    Map("input ", as_is, [](const cache::SpawnParts& parts) {
      std::map<std::string, std::string> inputs;
      for (const auto& [path, node] : parts.inputs) inputs[path] = explain::Describe(node);
      return inputs;
    });
    One("timeout",
        [](const cache::SpawnParts& parts) { return absl::StrCat(parts.timeout_millis, " ms"); });
    One("remotable", [](const cache::SpawnParts& parts) { return Flag(parts.remotable); });
    One("cacheable", [](const cache::SpawnParts& parts) { return Flag(parts.cacheable); });
    One("remote_cacheable",
        [](const cache::SpawnParts& parts) { return Flag(parts.remote_cacheable); });
  }

 private:
  template <typename Mask>
  void Add(std::string name, const Text& local, const Text& remote, const Mask& mask) {
    AddShown(std::move(name), local ? Text(mask(*local)) : std::nullopt,
             remote ? Text(mask(*remote)) : std::nullopt, local != remote);
  }

  // What is masked differs where the values do.
  void AddShown(std::string name, Text local, Text remote, bool differs) {
    KeyComponent& component = *action_->add_components();
    component.set_name(std::move(name));
    if (local) component.set_local(*std::move(local));
    if (remote) component.set_remote(*std::move(remote));
    component.set_differs(local_ != nullptr && remote_ != nullptr && differs);
  }

  template <typename Get>
  void One(const char* name, const Get& get) {
    const auto of = [&](const cache::SpawnParts* parts) -> Text {
      return parts != nullptr ? Text(get(*parts)) : std::nullopt;
    };
    Add(name, of(local_), of(remote_), [](const std::string& value) { return value; });
  }

  // Components with names of their own.
  template <typename Mask, typename Get>
  void Map(const char* kind, const Mask& mask, const Get& get) {
    std::map<std::string, std::pair<Text, Text>> values;
    if (local_ != nullptr) {
      for (auto& [name, value] : get(*local_)) values[name].first = std::move(value);
    }
    if (remote_ != nullptr) {
      for (auto& [name, value] : get(*remote_)) values[name].second = std::move(value);
    }
    for (const auto& [named, sides] : values) {
      const std::string& name = named;  // clang 14 captures no structured bindings
      Add(kind + name, sides.first, sides.second,
          [&](const std::string& value) { return mask(name, value); });
    }
  }

  void Pairs(const char* kind,
             std::vector<std::pair<std::string, std::string>> cache::SpawnParts::*list) {
    const auto mask = [&](const std::string& name, const std::string& value) {
      return show_secrets_ ? value : MaskedValue(name, value);
    };
    Map(kind, mask, [&](const cache::SpawnParts& parts) {
      std::map<std::string, std::string> values;
      for (const auto& [name, value] : parts.*list) {
        std::string& all = values[name];
        absl::StrAppend(&all, all.empty() ? "" : ", ", value);
      }
      return values;
    });
  }

  const cache::SpawnParts* local_;
  const cache::SpawnParts* remote_;
  bool show_secrets_;
  ExplainedAction* action_;
};

}  // namespace

ExplainedAction DescribeAction(const LoggedSpawn& local, const LoggedSpawn& remote,
                               bool show_secrets) {
  std::optional<cache::SpawnParts> here, there;
  if (local.spawn != nullptr) here = ExpandSpawn(*local.log, *local.spawn);
  if (remote.spawn != nullptr) there = ExpandSpawn(*remote.log, *remote.spawn);
  const cache::SpawnParts& either = here ? *here : *there;

  ExplainedAction action;
  action.set_label(either.label);
  action.set_mnemonic(either.mnemonic);
  for (const cache::Output& output : either.outputs) action.add_outputs(output.path);
  if (local.key.known()) action.set_local_key(local.key.ToString());
  if (remote.key.known()) action.set_remote_key(remote.key.ToString());
  action.set_same_key(local.key.known() && local.key == remote.key);
  Describer(here ? &*here : nullptr, there ? &*there : nullptr, show_secrets, &action).Describe();
  return action;
}

}  // namespace lre_audit::explain
