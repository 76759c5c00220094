#include "audit/explain/pairing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

constexpr std::string_view kOutputDirectory = "bazel-out/";

std::vector<std::string> OutputPaths(const cache::ExecutionLog& log, const cache::Spawn& spawn) {
  std::vector<std::string> paths;
  for (const cache::OutputView& view : Outputs(log, spawn))
    paths.push_back(log.tables->strings.Get(view.path));
  std::sort(paths.begin(), paths.end());
  return paths;
}

// A text, in 16 bytes: logs have millions of spawns. Two texts have the same with a chance of
// 2^-128.
using Fingerprint = std::pair<uint64_t, uint64_t>;

class Fingerprinter {
 public:
  // Lengths keep the parts apart, whatever bytes they hold.
  void Add(std::string_view part) {
    result_ = {absl::HashOf(result_.first, 'a', ToAbsl(part)),
               absl::HashOf(result_.second, 'b', ToAbsl(part))};
  }
  Fingerprint result() const { return result_; }

 private:
  Fingerprint result_;
};

// What spawns are the same by. None where a spawn cannot be told so.
using KeysOf = std::vector<Fingerprint> (*)(const cache::ExecutionLog&, const cache::Spawn&);

std::vector<Fingerprint> AllOutputs(const cache::ExecutionLog& log, const cache::Spawn& spawn) {
  const std::vector<std::string> paths = OutputPaths(log, spawn);
  if (paths.empty()) return {};
  Fingerprinter key;
  for (const std::string& path : paths) key.Add(path);
  return {key.result()};
}

std::vector<Fingerprint> EachOutput(const cache::ExecutionLog& log, const cache::Spawn& spawn) {
  std::vector<Fingerprint> keys;
  for (const std::string& path : OutputPaths(log, spawn)) {
    Fingerprinter key;
    key.Add(path);
    keys.push_back(key.result());
  }
  return keys;
}

std::vector<Fingerprint> NormalizedOutputs(const cache::ExecutionLog& log,
                                           const cache::Spawn& spawn) {
  const std::vector<std::string> paths = OutputPaths(log, spawn);
  if (paths.empty()) return {};
  // The mnemonic keeps apart what differs in the configuration alone and is not the same.
  Fingerprinter key;
  key.Add(log.tables->strings.Get(spawn.mnemonic));
  for (const std::string& path : paths) key.Add(WithoutConfigurations(path));
  return {key.result()};
}

std::vector<Fingerprint> LabelAndArguments(const cache::ExecutionLog& log,
                                           const cache::Spawn& spawn) {
  const std::vector<uint32_t> arguments = log.tables->lists.GetRuns(spawn.arguments);
  if (arguments.empty()) return {};
  const cache::StringTable& strings = log.tables->strings;
  Fingerprinter key;
  key.Add(strings.Get(spawn.label));
  key.Add(strings.Get(spawn.mnemonic));
  for (const cache::StringId argument : arguments)
    key.Add(WithoutConfigurations(strings.Get(argument)));
  return {key.result()};
}

class Pairer {
 public:
  Pairer(const cache::ExecutionLog& local, const cache::ExecutionLog& remote)
      : local_(local),
        remote_(remote),
        taken_local_(local.spawns.size()),
        taken_remote_(remote.spawns.size()) {}

  void PairBy(SpawnPair::By by, KeysOf keys_of) {
    // Remote spawns of each key, in order: the first, and behind each the next one.
    struct Candidate {
      uint32_t spawn, next;
    };
    std::vector<Candidate> candidates(1);  // [0] is none
    absl::flat_hash_map<Fingerprint, uint32_t> by_key;
    for (uint32_t i = static_cast<uint32_t>(remote_.spawns.size()); i-- > 0;) {
      if (taken_remote_[i]) continue;
      for (const Fingerprint& key : keys_of(remote_, remote_.spawns[i])) {
        uint32_t& first = by_key[key];
        candidates.push_back({i, first});
        first = static_cast<uint32_t>(candidates.size() - 1);
      }
    }
    if (by_key.empty()) return;
    for (uint32_t i = 0; i < local_.spawns.size(); ++i) {
      if (taken_local_[i]) continue;
      for (const Fingerprint& key : keys_of(local_, local_.spawns[i])) {
        const auto found = by_key.find(key);
        if (found == by_key.end()) continue;
        uint32_t& first = found->second;
        while (first != 0 && taken_remote_[candidates[first].spawn]) first = candidates[first].next;
        if (first == 0) continue;
        taken_local_[i] = taken_remote_[candidates[first].spawn] = true;
        result_.pairs.push_back({i, candidates[first].spawn, by});
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
  static std::vector<UnpairedSpawn> Unpaired(const cache::ExecutionLog& log,
                                             const std::vector<bool>& taken,
                                             const cache::ExecutionLog& other) {
    std::vector<UnpairedSpawn> unpaired;
    for (uint32_t i = 0; i < log.spawns.size(); ++i) {
      if (!taken[i]) unpaired.push_back({i, UnpairedSpawn::Why::kNotInOther});
    }
    if (unpaired.empty()) return unpaired;
    absl::flat_hash_set<std::string> outputs, labels;
    for (uint32_t i = 0; i < other.spawns.size(); ++i) {
      labels.insert(other.tables->strings.Get(other.spawns[i].label));
      for (const cache::OutputView& view : Outputs(other, other.spawns[i])) {
        outputs.insert(other.tables->strings.Get(view.path));
      }
    }
    labels.erase("");  // of logs before Bazel 5
    for (UnpairedSpawn& one : unpaired) {
      const cache::Spawn& spawn = log.spawns[one.spawn];
      const std::vector<std::string> paths = OutputPaths(log, spawn);
      if (std::any_of(paths.begin(), paths.end(),
                      [&](const std::string& path) { return outputs.contains(path); })) {
        one.why = UnpairedSpawn::Why::kRepeated;
      } else if (labels.contains(log.tables->strings.Get(spawn.label))) {
        one.why = UnpairedSpawn::Why::kOtherAction;
      }
    }
    return unpaired;
  }

  const cache::ExecutionLog& local_;
  const cache::ExecutionLog& remote_;
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

Pairing PairSpawns(const cache::ExecutionLog& local, const cache::ExecutionLog& remote) {
  Pairer pairer(local, remote);
  pairer.PairBy(SpawnPair::By::kOutputs, AllOutputs);
  pairer.PairBy(SpawnPair::By::kAnOutput, EachOutput);
  pairer.PairBy(SpawnPair::By::kNormalizedOutputs, NormalizedOutputs);
  pairer.PairBy(SpawnPair::By::kArguments, LabelAndArguments);
  return pairer.Finish();
}

}  // namespace lre_audit::explain
