#include "audit/cache/pairing.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

constexpr std::string_view kOutputDirectory = "bazel-out/";

std::vector<std::string> OutputPaths(const ExecutionLog& log, const Spawn& spawn) {
  std::vector<std::string> paths;
  for (const OutputView& view : Outputs(log, spawn)) paths.push_back(log.strings.Get(view.path));
  std::sort(paths.begin(), paths.end());
  return paths;
}

// What spawns are the same by. None where a spawn cannot be told so.
using KeysOf = std::vector<std::string> (*)(const ExecutionLog&, const Spawn&);

std::vector<std::string> AllOutputs(const ExecutionLog& log, const Spawn& spawn) {
  const std::vector<std::string> paths = OutputPaths(log, spawn);
  if (paths.empty()) return {};
  std::string key;
  // Lengths keep the parts apart, whatever bytes they hold.
  for (const std::string& path : paths) absl::StrAppend(&key, path.size(), ":", path);
  return {std::move(key)};
}

std::vector<std::string> NormalizedOutputs(const ExecutionLog& log, const Spawn& spawn) {
  const std::vector<std::string> paths = OutputPaths(log, spawn);
  if (paths.empty()) return {};
  // The mnemonic keeps apart what differs in the configuration alone and is not the same.
  std::string key = log.strings.Get(spawn.mnemonic);
  for (const std::string& path : paths) {
    const std::string normalized = WithoutConfigurations(path);
    absl::StrAppend(&key, ",", normalized.size(), ":", normalized);
  }
  return {std::move(key)};
}

std::vector<std::string> LabelAndArguments(const ExecutionLog& log, const Spawn& spawn) {
  std::string key =
      absl::StrCat(log.strings.Get(spawn.label), "\n", log.strings.Get(spawn.mnemonic), "\n");
  const std::vector<uint32_t> arguments = log.lists.GetRuns(spawn.arguments);
  if (arguments.empty()) return {};
  for (const StringId argument : arguments) {
    const std::string text = WithoutConfigurations(log.strings.Get(argument));
    absl::StrAppend(&key, text.size(), ":", text);
  }
  return {std::move(key)};
}

class Pairer {
 public:
  Pairer(const ExecutionLog& local, const ExecutionLog& remote)
      : local_(local),
        remote_(remote),
        taken_local_(local.spawns.size()),
        taken_remote_(remote.spawns.size()) {}

  void PairBy(SpawnPair::By by, KeysOf keys_of) {
    // Remote spawns of each key, the first on top.
    absl::flat_hash_map<std::string, std::vector<uint32_t>> by_key;
    for (uint32_t i = static_cast<uint32_t>(remote_.spawns.size()); i-- > 0;) {
      if (taken_remote_[i]) continue;
      for (std::string& key : keys_of(remote_, remote_.spawns[i])) {
        by_key[std::move(key)].push_back(i);
      }
    }
    if (by_key.empty()) return;
    for (uint32_t i = 0; i < local_.spawns.size(); ++i) {
      if (taken_local_[i]) continue;
      for (const std::string& key : keys_of(local_, local_.spawns[i])) {
        const auto found = by_key.find(key);
        if (found == by_key.end()) continue;
        std::vector<uint32_t>& candidates = found->second;
        while (!candidates.empty() && taken_remote_[candidates.back()]) candidates.pop_back();
        if (candidates.empty()) continue;
        taken_local_[i] = taken_remote_[candidates.back()] = true;
        result_.pairs.push_back({i, candidates.back(), by});
        break;
      }
    }
  }

  Pairing Finish() {
    std::sort(result_.pairs.begin(), result_.pairs.end(),
              [](const SpawnPair& a, const SpawnPair& b) { return a.local < b.local; });
    result_.only_local = Unpaired(local_, taken_local_, remote_);
    result_.only_remote = Unpaired(remote_, taken_remote_, local_);
    return std::move(result_);
  }

 private:
  static std::vector<UnpairedSpawn> Unpaired(const ExecutionLog& log,
                                             const std::vector<bool>& taken,
                                             const ExecutionLog& other) {
    std::vector<UnpairedSpawn> unpaired;
    for (uint32_t i = 0; i < log.spawns.size(); ++i) {
      if (!taken[i]) unpaired.push_back({i, UnpairedSpawn::Why::kNotInOther});
    }
    if (unpaired.empty()) return unpaired;
    absl::flat_hash_set<std::string> outputs, labels;
    for (uint32_t i = 0; i < other.spawns.size(); ++i) {
      labels.insert(other.strings.Get(other.spawns[i].label));
      for (const OutputView& view : Outputs(other, other.spawns[i])) {
        outputs.insert(other.strings.Get(view.path));
      }
    }
    labels.erase("");  // of logs before Bazel 5
    for (UnpairedSpawn& one : unpaired) {
      const Spawn& spawn = log.spawns[one.spawn];
      const std::vector<std::string> paths = OutputPaths(log, spawn);
      if (std::any_of(paths.begin(), paths.end(),
                      [&](const std::string& path) { return outputs.contains(path); })) {
        one.why = UnpairedSpawn::Why::kRepeated;
      } else if (labels.contains(log.strings.Get(spawn.label))) {
        one.why = UnpairedSpawn::Why::kOtherAction;
      }
    }
    return unpaired;
  }

  const ExecutionLog& local_;
  const ExecutionLog& remote_;
  std::vector<bool> taken_local_, taken_remote_;
  Pairing result_;
};

}  // namespace

std::string_view ConfigurationOf(std::string_view path) {
  if (!path.starts_with(kOutputDirectory)) return "";
  path.remove_prefix(kOutputDirectory.size());
  const size_t slash = path.find('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash);
}

std::string WithoutConfigurations(std::string_view text) {
  std::string result;
  for (size_t at; (at = text.find(kOutputDirectory)) != std::string_view::npos;) {
    const std::string_view configuration = ConfigurationOf(text.substr(at));
    at += kOutputDirectory.size();
    result.append(text.substr(0, at));
    text.remove_prefix(at + configuration.size());
  }
  return result.append(text);
}

Pairing PairSpawns(const ExecutionLog& local, const ExecutionLog& remote) {
  Pairer pairer(local, remote);
  pairer.PairBy(SpawnPair::By::kOutputs, AllOutputs);
  pairer.PairBy(SpawnPair::By::kAnOutput, OutputPaths);
  pairer.PairBy(SpawnPair::By::kNormalizedOutputs, NormalizedOutputs);
  pairer.PairBy(SpawnPair::By::kArguments, LabelAndArguments);
  return pairer.Finish();
}

}  // namespace lre_audit::cache
