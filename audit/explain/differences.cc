#include "audit/explain/differences.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "audit/explain/pairing.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Kind = Difference::Kind;

// Where aligning arguments would take more cells than this, they are one difference each way.
constexpr size_t kMostCells = size_t{4} << 20;

std::vector<std::string> Normalized(const std::vector<std::string>& arguments) {
  std::vector<std::string> normalized;
  normalized.reserve(arguments.size());
  for (const std::string& argument : arguments) {
    normalized.push_back(WithoutConfigurations(argument));
  }
  return normalized;
}

// A run of local and one of remote arguments that stand in the same place.
void Replace(size_t local, size_t local_end, size_t remote, size_t remote_end,
             AlignedArguments* result) {
  while (local < local_end || remote < remote_end) {
    const bool has_local = local < local_end, has_remote = remote < remote_end;
    result->emplace_back(has_local ? std::optional(local++) : std::nullopt,
                         has_remote ? std::optional(remote++) : std::nullopt);
  }
}

class Collector {
 public:
  Collector(const cache::SpawnParts& local, const cache::SpawnParts& remote)
      : local_(local), remote_(remote) {}

  std::vector<Difference> Find() {
    Named(local_.environment, remote_.environment, Kind::kVariable, Part::kVariable);
    Named(local_.platform, remote_.platform, Kind::kProperty, Part::kProperty);
    Arguments();
    Inputs();
    Outputs();
    const auto lost_timeout = [](const cache::SpawnParts& side) {
      return side.damaged && side.timeout_millis == 0;
    };
    if (local_.timeout_millis != remote_.timeout_millis && !lost_timeout(local_) &&
        !lost_timeout(remote_)) {
      Add({.kind = Kind::kTimeout,
           .local = absl::StrCat(local_.timeout_millis, " ms"),
           .remote = absl::StrCat(remote_.timeout_millis, " ms"),
           .parts = {{Part::kTimeout}}});
    }
    Flag(local_.remotable, remote_.remotable, Kind::kRemotable, Part::kRemotable, "remotable");
    Flag(local_.remote_cacheable, remote_.remote_cacheable, Kind::kRemoteCacheable,
         Part::kRemoteCacheable, "remote_cacheable");
    for (auto& [configurations, parts] : configurations_) {
      Add({.kind = Kind::kConfiguration,
           .name = "bazel-out",
           .local = configurations.first,
           .remote = configurations.second,
           .parts = std::move(parts)});
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Difference& a, const Difference& b) { return a.kind < b.kind; });
    return std::move(found_);
  }

 private:
  // What a spawn that could not be read in full does not have, it may have had.
  static bool IsLost(const cache::SpawnParts& side, const std::optional<std::string>& value) {
    return side.damaged && (!value || value->empty());
  }

  void Add(Difference difference) {
    const bool has_values = difference.local || difference.remote;
    if (has_values && (IsLost(local_, difference.local) || IsLost(remote_, difference.remote))) {
      return;
    }
    found_.push_back(std::move(difference));
  }

  void Flag(bool local, bool remote, Kind kind, Part::Kind part, const char* name) {
    if (local == remote) return;
    if ((local_.damaged && !local) || (remote_.damaged && !remote)) return;
    const auto word = [](bool value) { return value ? "true" : "false"; };
    Add({.kind = kind,
         .name = name,
         .local = word(local),
         .remote = word(remote),
         .parts = {{part}}});
  }

  // Variables and properties. A name may come more than once; its values then count together.
  void Named(const Pairs& local, const Pairs& remote, Kind kind, Part::Kind part) {
    std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> values;
    for (const auto& [name, value] : local) values[name].first.push_back(value);
    for (const auto& [name, value] : remote) values[name].second.push_back(value);
    const auto joined = [](const std::vector<std::string>& list) -> std::optional<std::string> {
      if (list.empty()) return std::nullopt;
      return absl::StrJoin(list, ", ");
    };
    for (const auto& [name, sides] : values) {
      if (sides.first == sides.second) continue;
      Add({.kind = kind,
           .name = name,
           .local = joined(sides.first),
           .remote = joined(sides.second),
           .parts = {{part, name}}});
    }
  }

  // Where two texts are the same but for configurations, these are what differs.
  bool OnlyConfigurationDiffers(const std::string& a, const std::string& b, Part::Kind part) {
    if (a == b || WithoutConfigurations(a) != WithoutConfigurations(b)) return false;
    std::string_view rest_a = a, rest_b = b;
    while (true) {
      const size_t at_a = rest_a.find("bazel-out/"), at_b = rest_b.find("bazel-out/");
      if (at_a == std::string_view::npos || at_b == std::string_view::npos) return true;
      rest_a.remove_prefix(at_a);
      rest_b.remove_prefix(at_b);
      const std::string_view in_a = ConfigurationOf(rest_a), in_b = ConfigurationOf(rest_b);
      if (in_a != in_b) {
        configurations_[{std::string(in_a), std::string(in_b)}].insert({part});
      }
      rest_a.remove_prefix(1);
      rest_b.remove_prefix(1);
    }
  }

  static std::string Before(const std::vector<std::string>& arguments, size_t index) {
    return index == 0 ? "" : arguments[index - 1];
  }

  void Argument(std::optional<size_t> local, std::optional<size_t> remote) {
    const auto at = [](const std::vector<std::string>& list, std::optional<size_t> i) {
      return i ? std::optional<std::string>(list[*i]) : std::nullopt;
    };
    Difference difference{.kind = Kind::kArgument,
                          .local = at(local_.arguments, local),
                          .remote = at(remote_.arguments, remote),
                          .index = local.value_or(remote.value_or(0)),
                          .local_before = Before(local_.arguments, local.value_or(0)),
                          .remote_before = Before(remote_.arguments, remote.value_or(0)),
                          .parts = {{Part::kArguments}}};
    // "-isystem", and then the directory.
    const std::vector<std::string>& list = local ? local_.arguments : remote_.arguments;
    const std::string& value = list[difference.index];
    if (difference.index > 0 && !value.starts_with('-')) {
      const std::string& before = list[difference.index - 1];
      if (before.starts_with('-') && before.find('=') == std::string::npos) {
        difference.name = before;
      }
    }
    Add(std::move(difference));
  }

  void Arguments() {
    const std::vector<std::string>& a = local_.arguments;
    const std::vector<std::string>& b = remote_.arguments;
    if (a == b) return;
    const std::vector<std::string> normal_a = Normalized(a), normal_b = Normalized(b);
    if (normal_a != normal_b && normal_a.size() == normal_b.size()) {
      std::vector<std::string> sorted_a = normal_a, sorted_b = normal_b;
      std::sort(sorted_a.begin(), sorted_a.end());
      std::sort(sorted_b.begin(), sorted_b.end());
      if (sorted_a == sorted_b) {
        size_t first = 0;
        while (normal_a[first] == normal_b[first]) ++first;
        Add({.kind = Kind::kArgumentOrder,
             .local = a[first],
             .remote = b[first],
             .index = first,
             .local_before = Before(a, first),
             .remote_before = Before(b, first),
             .parts = {{Part::kArguments}}});
        return;
      }
    }
    for (const auto& [local, remote] : AlignArguments(a, b)) {
      if (local && remote && normal_a[*local] == normal_b[*remote]) {
        OnlyConfigurationDiffers(a[*local], b[*remote], Part::kArguments);
      } else {
        Argument(local, remote);
      }
    }
  }

  static std::string Describe(const cache::InputNode& node) {
    switch (node.kind) {
      case cache::InputNode::kSymlink:
        return absl::StrCat("symlink to ", node.target);
      case cache::InputNode::kEmptyDirectory:
        return "empty directory";
      default:
        return node.digest.known() ? node.digest.ToString() : "a file of unknown digest";
    }
  }

  void Input(const std::string& path, const cache::InputNode* local,
             const cache::InputNode* remote) {
    // Of a file whose digest the log does not say nothing can be said.
    const auto has_no_digest = [](const cache::InputNode* node) {
      return node != nullptr && node->kind == cache::InputNode::kFile && !node->digest.known();
    };
    if (local != nullptr && remote != nullptr && local->kind == remote->kind &&
        (has_no_digest(local) || has_no_digest(remote))) {
      return;
    }
    Difference difference{.kind = Kind::kInput, .name = path, .parts = {{Part::kInputs}}};
    if (local != nullptr) {
      difference.local = Describe(*local);
      difference.local_node = *local;
    }
    if (remote != nullptr) {
      difference.remote = Describe(*remote);
      difference.remote_node = *remote;
    }
    Add(std::move(difference));
  }

  static bool SameContent(cache::InputNode a, const cache::InputNode& b) {
    a.is_tool = b.is_tool;
    return a == b;
  }

  void Inputs() {
    // Those of one side alone, which may be the same but for their configuration.
    std::map<std::string, std::pair<std::string, const cache::InputNode*>>
        moved;  // by normalised path
    std::vector<std::pair<const std::string*, const cache::InputNode*>> only_remote;
    bool marks_differ = false;
    auto in_remote = remote_.inputs.begin();
    const auto is_remotes = [&](const std::string& path) {
      only_remote.emplace_back(&path, &in_remote->second);
      ++in_remote;
    };
    for (const auto& [path, node] : local_.inputs) {
      while (in_remote != remote_.inputs.end() && in_remote->first < path) {
        is_remotes(in_remote->first);
      }
      if (in_remote == remote_.inputs.end() || in_remote->first != path) {
        moved.emplace(absl::StrCat(WithoutConfigurations(path), "\n", path),
                      std::make_pair(path, &node));
        continue;
      }
      marks_differ = marks_differ || node.is_tool != in_remote->second.is_tool;
      if (!SameContent(node, in_remote->second)) Input(path, &node, &in_remote->second);
      ++in_remote;
    }
    while (in_remote != remote_.inputs.end()) is_remotes(in_remote->first);

    for (const auto& [path, node] : only_remote) {
      const std::string normalized = absl::StrCat(WithoutConfigurations(*path), "\n");
      const auto found = moved.lower_bound(normalized);
      if (found == moved.end() || !found->first.starts_with(normalized)) {
        Input(*path, nullptr, node);
        continue;
      }
      OnlyConfigurationDiffers(found->second.first, *path, Part::kInputs);
      if (!SameContent(*found->second.second, *node)) {
        Input(found->second.first, found->second.second, node);
      }
      moved.erase(found);
    }
    for (const auto& [normalized, input] : moved) Input(input.first, input.second, nullptr);
    if (marks_differ) Add({.kind = Kind::kToolMark, .parts = {{Part::kToolMarks}}});
  }

  void Outputs() {
    const auto describe = [](const cache::Output& output) {
      return output.kind == cache::Output::kDirectory ? "directory" : "file";
    };
    std::map<std::string, std::pair<std::string, std::string>> local, remote;  // by normalised path
    const auto collect = [&](const cache::SpawnParts& parts, auto* paths) {
      for (const cache::Output& output : parts.outputs) {
        (*paths)[WithoutConfigurations(output.path)] = {output.path, describe(output)};
      }
    };
    collect(local_, &local);
    collect(remote_, &remote);
    const auto add = [&](const std::string& path, std::optional<std::string> in_local,
                         std::optional<std::string> in_remote) {
      Add({.kind = Kind::kOutput,
           .name = path,
           .local = std::move(in_local),
           .remote = std::move(in_remote),
           .parts = {{Part::kOutputs}}});
    };
    for (const auto& [normalized, output] : local) {
      const auto found = remote.find(normalized);
      if (found == remote.end()) {
        add(output.first, output.second, std::nullopt);
        continue;
      }
      OnlyConfigurationDiffers(output.first, found->second.first, Part::kOutputs);
      if (output.second != found->second.second)
        add(output.first, output.second, found->second.second);
    }
    for (const auto& [normalized, output] : remote) {
      if (!local.contains(normalized)) add(output.first, std::nullopt, output.second);
    }
  }

  const cache::SpawnParts& local_;
  const cache::SpawnParts& remote_;
  std::vector<Difference> found_;
  std::map<std::pair<std::string, std::string>, std::set<Part>> configurations_;
};

void ExchangeNamed(const std::string& name, const Pairs& remote, Pairs* pairs) {
  std::erase_if(*pairs, [&](const auto& pair) { return pair.first == name; });
  for (const auto& pair : remote) {
    if (pair.first == name) pairs->push_back(pair);
  }
}

}  // namespace

std::vector<Difference> FindDifferences(const cache::SpawnParts& local,
                                        const cache::SpawnParts& remote) {
  return Collector(local, remote).Find();
}

AlignedArguments AlignArguments(const std::vector<std::string>& local,
                                const std::vector<std::string>& remote) {
  const std::vector<std::string> a = Normalized(local), b = Normalized(remote);
  AlignedArguments result;
  size_t begin = 0, end_a = a.size(), end_b = b.size();
  while (begin < end_a && begin < end_b && a[begin] == b[begin]) {
    result.emplace_back(begin, begin);
    ++begin;
  }
  size_t tail = 0;
  while (end_a > begin && end_b > begin && a[end_a - 1] == b[end_b - 1]) {
    --end_a;
    --end_b;
    ++tail;
  }
  const auto finish = [&] {
    for (size_t i = 0; i < tail; ++i) result.emplace_back(end_a + i, end_b + i);
    return std::move(result);
  };
  const size_t rows = end_a - begin, columns = end_b - begin;
  if (columns != 0 && rows > kMostCells / columns) {
    Replace(begin, end_a, begin, end_b, &result);
    return finish();
  }
  // By the longest common subsequence of what is left.
  std::vector<uint32_t> length((rows + 1) * (columns + 1));
  const auto cell = [&](size_t i, size_t j) -> uint32_t& { return length[i * (columns + 1) + j]; };
  for (size_t i = rows; i-- > 0;) {
    for (size_t j = columns; j-- > 0;) {
      cell(i, j) = a[begin + i] == b[begin + j] ? cell(i + 1, j + 1) + 1
                                                : std::max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  size_t i = 0, j = 0, run_i = 0, run_j = 0;
  while (i < rows && j < columns) {
    if (a[begin + i] == b[begin + j]) {
      Replace(begin + run_i, begin + i, begin + run_j, begin + j, &result);
      result.emplace_back(begin + i, begin + j);
      run_i = ++i;
      run_j = ++j;
    } else if (cell(i + 1, j) >= cell(i, j + 1)) {
      ++i;
    } else {
      ++j;
    }
  }
  Replace(begin + run_i, end_a, begin + run_j, end_b, &result);
  return finish();
}

cache::SpawnParts Exchange(const cache::SpawnParts& local, const cache::SpawnParts& remote,
                           const std::set<Part>& parts) {
  cache::SpawnParts altered = local;
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::kArguments:
        altered.arguments = remote.arguments;
        break;
      case Part::kVariable:
        ExchangeNamed(part.name, remote.environment, &altered.environment);
        break;
      case Part::kProperty:
        ExchangeNamed(part.name, remote.platform, &altered.platform);
        break;
      case Part::kInputs: {
        cache::Inputs inputs = remote.inputs;
        for (auto& [path, node] : inputs) {
          const auto before = local.inputs.find(path);
          if (before != local.inputs.end()) node.is_tool = before->second.is_tool;
        }
        altered.inputs = std::move(inputs);
        break;
      }
      case Part::kToolMarks:
        for (auto& [path, node] : altered.inputs) {
          const auto other = remote.inputs.find(path);
          if (other != remote.inputs.end()) node.is_tool = other->second.is_tool;
        }
        break;
      case Part::kOutputs:
        altered.outputs = remote.outputs;
        break;
      case Part::kTimeout:
        altered.timeout_millis = remote.timeout_millis;
        break;
      case Part::kRemotable:
        altered.remotable = remote.remotable;
        break;
      case Part::kRemoteCacheable:
        altered.remote_cacheable = remote.remote_cacheable;
        break;
      case Part::kRecipe:
        break;
    }
  }
  return altered;
}

ListDifference CompareLists(std::string_view local, std::string_view remote, char separator) {
  const std::vector<std::string> a = absl::StrSplit(ToAbsl(local), separator);
  const std::vector<std::string> b = absl::StrSplit(ToAbsl(remote), separator);
  const auto only = [](const std::vector<std::string>& in, const std::vector<std::string>& not_in) {
    std::vector<std::string> result;
    std::set<std::string> seen(not_in.begin(), not_in.end());
    for (const std::string& element : in) {
      if (seen.insert(element).second) result.push_back(element);
    }
    return result;
  };
  return {only(a, b), only(b, a)};
}

}  // namespace lre_audit::explain
