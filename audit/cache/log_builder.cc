#include "audit/cache/log_builder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// Long enough for a run to cost less than what it saves, short enough for a flag that differs to
// leave its neighbours alone.
constexpr uint32_t kArgumentRun = 8, kInputRun = 32;

}  // namespace

void SpawnExecView::Clear() {
  // The vectors keep their memory for the next spawn.
  arguments.clear();
  listed_outputs.clear();
  environment.clear();
  platform.clear();
  inputs.clear();
  actual_outputs.clear();
  mnemonic = runner = status = label = {};
  digest = {};
  remotable = cacheable = remote_cacheable = cache_hit = false;
  timeout_millis = 0;
  exit_code = 0;
  times = {};
}

LogBuilder::LogBuilder(std::shared_ptr<LogTables> tables) {
  if (tables == nullptr) return;
  log.tables = std::move(tables);
  if (log.tables->artifacts.size() > 1) earlier_.emplace(*log.tables);
}

ArtifactId LogBuilder::AddArtifact(const Artifact& artifact) {
  const ArtifactId known = earlier_ ? earlier_->Find(artifact) : 0;
  return known != 0 ? known : log.tables->artifacts.Add(artifact);
}

SetId LogBuilder::AddSet(std::span<const ArtifactId> direct, std::span<const SetId> sets,
                         bool damaged) {
  const SetId known = earlier_ && !damaged ? earlier_->Find(direct, sets) : 0;
  if (known != 0) return known;
  LogTables& tables = *log.tables;
  return tables.sets.Add({tables.lists.Add(direct), tables.lists.Add(sets), damaged});
}

void LogBuilder::Warn(std::string message) {
  entry_damaged_ = true;
  ++log.warning_count;
  if (log.warnings.size() < ExecutionLog::kMaxWarnings) {
    log.warnings.push_back({entry_, offset_, std::move(message)});
  }
}

void LogBuilder::SetFunction(std::string_view name) {
  // Binary and JSON logs say it with every file.
  if (name.empty() || name == last_function_) return;
  last_function_ = name;
  const std::optional<DigestFunction> function = ParseDigestFunction(name);
  if (!function) {
    Warn(absl::StrCat("digest function \"", Escaped(name.substr(0, 40)),
                      "\" is not known; expected SHA-256, SHA-1 or BLAKE3"));
    return;
  }
  if (function_known_ && *function != log.digest_function) {
    Warn(absl::StrCat("its digests are of ", ToAbsl(Name(*function)), ", those before of ",
                      ToAbsl(Name(log.digest_function)), ": two builds in one log?"));
    return;
  }
  log.digest_function = *function;
  function_known_ = true;
}

void LogBuilder::SetDigest(std::string_view hex, uint64_t size, Artifact* artifact) {
  const absl::StatusOr<BlobDigest> digest = ParseBlobDigest(hex, size);
  if (!digest.ok() || size >> 54 != 0) {
    artifact->damaged = 1;
    Warn(digest.ok() ? absl::StrCat("a file of ", size, " bytes cannot be")
                     : std::string(digest.status().message()));
    return;
  }
  std::copy(digest->hash.begin(), digest->hash.end(), artifact->hash);
  artifact->length = digest->length;
  artifact->size = size;
}

void LogBuilder::SetDigest(std::string_view hex, uint64_t size, Spawn* spawn) {
  if (hex.empty()) return;
  const absl::StatusOr<BlobDigest> digest = ParseBlobDigest(hex, size);
  if (!digest.ok()) {
    Warn(absl::StrCat("the action's digest: ", digest.status().message()));
    return;
  }
  if (size > UINT32_MAX) {
    Warn(absl::StrCat("the action's digest: an Action message of ", size, " bytes cannot be"));
    return;
  }
  std::copy(digest->hash.begin(), digest->hash.end(), spawn->digest);
  spawn->digest_length = digest->length;
  spawn->digest_size = static_cast<uint32_t>(size);
  log.has_digests = true;
}

const std::vector<StringId>& ListMemo::Intern(const std::vector<std::string_view>& list,
                                              StringTable* strings, bool* same) {
  *same = list.size() == ends_.size();
  next_text_.clear();
  next_ends_.clear();
  ids_.resize(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const size_t begin = i == 0 || i >= ends_.size() ? 0 : ends_[i - 1];
    if (i >= ends_.size() || std::string_view(text_).substr(begin, ends_[i] - begin) != list[i]) {
      ids_[i] = strings->Intern(list[i]);
      *same = false;
    }
    next_text_.append(list[i]);
    next_ends_.push_back(next_text_.size());
  }
  text_.swap(next_text_);
  ends_.swap(next_ends_);
  return ids_;
}

ListId LogBuilder::InternPairs(const SpawnExecView::Pairs& pairs, LastList* last) {
  strings_.clear();
  for (const auto& [name, value] : pairs) {
    if (name.empty()) {
      Warn("a variable or property has no name");
      continue;
    }
    strings_.push_back(name);
    strings_.push_back(value);
  }
  bool same = false;
  const std::vector<StringId>& ids = last->memo.Intern(strings_, &log.tables->strings, &same);
  if (!same) last->list = log.tables->lists.Intern(ids);
  return last->list;
}

ListId LogBuilder::InternEnvironment(const SpawnExecView::Pairs& pairs) {
  return InternPairs(pairs, &environment_);
}

ListId LogBuilder::InternPlatform(const SpawnExecView::Pairs& pairs) {
  return InternPairs(pairs, &platform_);
}

ListId LogBuilder::InternArguments(const std::vector<std::string_view>& arguments) {
  bool same = false;
  const std::vector<StringId>& ids = arguments_.memo.Intern(arguments, &log.tables->strings, &same);
  if (!same) arguments_.list = log.tables->lists.InternRuns(ids, kArgumentRun);
  return arguments_.list;
}

Spawn LogBuilder::NewSpawn() const {
  Spawn spawn;
  spawn.offset = offset_;
  spawn.entry = static_cast<uint32_t>(entry_);
  return spawn;
}

ArtifactId LogBuilder::InternFile(const SpawnExecView::File& file) {
  Artifact artifact;
  artifact.path = log.tables->strings.Intern(file.path);
  if (!file.symlink_target.empty()) {
    artifact.kind = Artifact::kSymlink;
    artifact.detail = log.tables->strings.Intern(file.symlink_target);
  } else if (file.has_digest) {
    SetFunction(file.function);
    SetDigest(file.hash, file.size, &artifact);
  }
  // The path, and a list of all the rest.
  std::array<uint32_t, 12> rest = {};
  memcpy(rest.data(), artifact.hash, sizeof(artifact.hash));
  rest[8] = static_cast<uint32_t>(artifact.size);
  rest[9] = static_cast<uint32_t>(uint64_t{artifact.size} >> 32);
  rest[10] = artifact.detail;
  rest[11] = static_cast<uint32_t>(artifact.kind | artifact.length << 3 | artifact.damaged << 9);
  auto [found, is_new] = files_.try_emplace({artifact.path, log.tables->lists.Intern(rest)}, 0);
  if (is_new) found->second = AddArtifact(artifact);
  return found->second;
}

SetId LogBuilder::InternSet(ListId direct, ListId sets) {
  if (direct == 0 && sets == 0) return 0;
  auto [found, is_new] = sets_.try_emplace({direct, sets}, 0);
  if (is_new) {
    const LogTables& tables = *log.tables;
    const SetId known =
        earlier_ ? earlier_->Find(tables.lists.Get(direct), tables.lists.Get(sets)) : 0;
    found->second = known != 0 ? known : log.tables->sets.Add({direct, sets, false});
  }
  return found->second;
}

SetId LogBuilder::InternInputs(std::span<const ArtifactId> artifacts) {
  std::vector<uint32_t> runs = log.tables->lists.Runs(artifacts, kInputRun);
  for (uint32_t& run : runs) run = InternSet(run, 0);
  return runs.size() == 1 ? runs[0] : InternSet(0, log.tables->lists.Intern(runs));
}

void LogBuilder::AddOutputs(const SpawnExecView& view, Spawn* spawn) {
  struct Actual {
    const SpawnExecView::File* file;
    bool declared = false;
  };
  std::map<std::string_view, Actual> actual;
  for (const SpawnExecView::File& file : view.actual_outputs) actual[file.path] = {&file};
  std::vector<uint32_t> outputs;
  for (const std::string_view path : view.listed_outputs) {
    if (const auto found = actual.find(path); found != actual.end()) {
      found->second.declared = true;
      outputs.push_back(InternFile(*found->second.file));
      continue;
    }
    // A tree: what is below it. Its files are the log's, by other names.
    const std::string below = absl::StrCat(ToAbsl(path), "/");
    std::vector<uint32_t> children;
    for (auto child = actual.lower_bound(below);
         child != actual.end() && child->first.starts_with(below); ++child) {
      child->second.declared = true;
      SpawnExecView::File relative = *child->second.file;
      relative.path.remove_prefix(below.size());
      children.push_back(InternFile(relative));
    }
    if (children.empty()) {
      outputs.push_back(log.tables->strings.Intern(path) | Spawn::kPathOnly);
      continue;
    }
    Artifact tree;
    tree.kind = Artifact::kDirectory;
    tree.path = log.tables->strings.Intern(path);
    tree.detail = log.tables->lists.Intern(children);
    outputs.push_back(AddArtifact(tree));
  }
  spawn->outputs = log.tables->lists.Add(outputs);
  std::vector<uint32_t> undeclared;
  for (const auto& [path, output] : actual) {
    if (!output.declared) undeclared.push_back(InternFile(*output.file));
  }
  spawn->undeclared_outputs = log.tables->lists.Add(undeclared);
}

void LogBuilder::AddSpawnExec(const SpawnExecView& view) {
  Spawn spawn = NewSpawn();
  if (view.arguments.empty() && !entry_damaged_) Warn("the spawn has no command");
  spawn.arguments = InternArguments(view.arguments);
  spawn.environment = InternEnvironment(view.environment);
  spawn.platform = InternPlatform(view.platform);

  std::vector<ArtifactId> inputs, tools;
  const uint32_t round = static_cast<uint32_t>(log.spawns.size()) + 1;
  for (const SpawnExecView::File& file : view.inputs) {
    if (file.path.empty()) {
      Warn("an input has no path");
      continue;
    }
    const ArtifactId artifact = InternFile(file);
    inputs.push_back(artifact);
    if (file.is_tool) tools.push_back(artifact);
    const StringId path = log.tables->artifacts[artifact].path;
    if (path_seen_.size() <= path) path_seen_.resize(log.tables->strings.size() + 1);
    if (path_seen_[path] == round) spawn.duplicate_inputs = true;
    path_seen_[path] = round;
  }
  spawn.inputs = InternInputs(inputs);
  spawn.tools = InternInputs(tools);
  AddOutputs(view, &spawn);

  spawn.label = log.tables->strings.Intern(view.label);
  if (!view.label.empty()) log.has_labels = true;
  spawn.mnemonic = log.tables->strings.Intern(view.mnemonic);
  spawn.runner = log.tables->strings.Intern(view.runner);
  spawn.status = log.tables->strings.Intern(view.status);
  spawn.exit_code = view.exit_code;
  spawn.cache_hit = view.cache_hit;
  spawn.remotable = view.remotable;
  spawn.cacheable = view.cacheable;
  spawn.remote_cacheable = view.remote_cacheable;
  spawn.timeout_millis = view.timeout_millis;
  spawn.nanoseconds = view.times.OfSpawn();
  if (view.digest.has_digest) {
    SetFunction(view.digest.function);
    SetDigest(view.digest.hash, view.digest.size, &spawn);
  }
  spawn.damaged = entry_damaged_;
  log.spawns.Add(spawn);
}

void LogBuilder::LookForSecondBuild() {
  // Few actions are executed twice in one build, and fewer with other inputs: Java compiles whose
  // reduced class path did not do, tests.
  absl::flat_hash_map<std::pair<StringId, StringId>, uint32_t> first_by;  // output, mnemonic
  uint32_t first = 0, second = 0;                                         // of the first such pair
  size_t others = 0;
  for (uint32_t i = 0; i < log.spawns.size(); ++i) {
    const Spawn& spawn = log.spawns[i];
    const std::vector<OutputView> outputs = Outputs(log, spawn);
    if (outputs.empty()) continue;
    const auto [found, is_new] = first_by.try_emplace({outputs[0].path, spawn.mnemonic}, i);
    if (is_new) continue;
    const Spawn& before = log.spawns[found->second];
    const auto key = [](const Spawn& of) {
      return std::tie(of.arguments, of.environment, of.platform, of.inputs);
    };
    if (key(spawn) == key(before)) continue;
    if (others++ == 0) {
      first = found->second;
      second = i;
    }
  }
  if (others == 0 || others * 4 < first_by.size()) return;
  ++log.warning_count;
  if (log.warnings.size() >= ExecutionLog::kMaxWarnings) return;
  const Spawn& repeated = log.spawns[second];
  log.warnings.push_back(
      {repeated.entry, repeated.offset,
       absl::StrCat("it makes ", Escaped(log.tables->strings.Get(Outputs(log, repeated)[0].path)),
                    " as entry ", log.spawns[first].entry, " does, with another key, and ",
                    others - 1,
                    " more do the like: two builds in one file? The first of each is explained")});
}

}  // namespace lre_audit::cache
