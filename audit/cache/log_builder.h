// What the readers of all formats build a log with.
#ifndef LRE_AUDIT_AUDIT_CACHE_LOG_BUILDER_H_
#define LRE_AUDIT_AUDIT_CACHE_LOG_BUILDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "audit/cache/entry_reader.h"
#include "audit/cache/execution_log.h"

namespace lre_audit::cache {

// What a SpawnMetrics message says, in nanoseconds; 0 where it does not.
struct WallTimes {
  int64_t total = 0, execution = 0;
  int64_t OfSpawn() const { return execution != 0 ? execution : total; }
};

// A SpawnExec message, whichever way it was written; the views are the reader's.
struct SpawnExecView {
  using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;
  struct File {
    std::string_view path, hash, symlink_target, function;
    uint64_t size = 0;
    bool has_digest = false, is_tool = false;
  };
  std::vector<std::string_view> arguments, listed_outputs;
  Pairs environment, platform;
  std::vector<File> inputs, actual_outputs;
  std::string_view mnemonic, runner, status, label;
  File digest;  // of the action
  bool remotable = false, cacheable = false, remote_cacheable = false, cache_hit = false;
  uint64_t timeout_millis = 0;
  int32_t exit_code = 0;
  WallTimes times;

  void Clear();
};

// Interns lists of strings that are much like the one before: what stands in the same place again
// is not looked up.
class ListMemo {
 public:
  // The ids, until the next call; `same` receives whether all are those of the last call.
  const std::vector<StringId>& Intern(const std::vector<std::string_view>& list,
                                      StringTable* strings, bool* same);

 private:
  std::string text_, next_text_;          // all strings, one behind the other
  std::vector<size_t> ends_, next_ends_;  // of each in it
  std::vector<StringId> ids_;
};

class LogBuilder {
 public:
  // `tables` may be those of logs that were read before; null for new ones.
  explicit LogBuilder(std::shared_ptr<LogTables> tables);

  ExecutionLog log;

  // The entry that is being read; warnings are about it.
  void BeginEntry(const EntryReader& reader) {
    entry_ = reader.number();
    offset_ = reader.offset();
    entry_damaged_ = false;
  }
  // Also marks the entry as damaged.
  void Warn(std::string message);
  bool entry_damaged() const { return entry_damaged_; }
  uint64_t entry() const { return entry_; }
  uint64_t offset() const { return offset_; }

  // Fills hash, size and length; a hash or size that is none is a warning.
  void SetDigest(std::string_view hex, uint64_t size, Artifact* artifact);
  void SetDigest(std::string_view hex, uint64_t size, Spawn* spawn);
  void SetFunction(std::string_view name);

  ListId InternEnvironment(const SpawnExecView::Pairs& pairs);
  ListId InternPlatform(const SpawnExecView::Pairs& pairs);
  ListId InternArguments(const std::vector<std::string_view>& arguments);
  // Artifacts and sets: one of an earlier log, if it had the like; else a new one.
  ArtifactId AddArtifact(const Artifact& artifact);
  SetId AddSet(std::span<const ArtifactId> direct, std::span<const SetId> sets, bool damaged);

  // The common part of a spawn's beginning: entry and offset.
  Spawn NewSpawn() const;

  // One spawn of a JSON or binary log.
  void AddSpawnExec(const SpawnExecView& spawn);
  // At the end of one: warns where it is that of two builds. Compact logs say so themselves.
  void LookForSecondBuild();

 private:
  // A memo, and the list that was made of it last.
  struct LastList {
    ListMemo memo;
    ListId list = 0;
  };

  ListId InternPairs(const SpawnExecView::Pairs& pairs, LastList* last);
  ArtifactId InternFile(const SpawnExecView::File& file);
  // The graph's node for inputs that are listed one by one: their runs are its sets.
  SetId InternInputs(std::span<const ArtifactId> artifacts);
  SetId InternSet(ListId direct, ListId sets);
  void AddOutputs(const SpawnExecView& view, Spawn* spawn);

  uint64_t entry_ = 0, offset_ = 0;
  bool entry_damaged_ = false;
  bool function_known_ = false;
  std::string last_function_;  // as it was written
  LastList environment_, platform_, arguments_;
  std::vector<std::string_view> strings_;  // scratch
  // For each string, the spawn (number + 1) that had an input of this path last.
  std::vector<uint32_t> path_seen_;
  // Interned artifacts by the hash of what they are.
  absl::flat_hash_map<std::pair<StringId, ListId>, ArtifactId> files_;
  absl::flat_hash_map<std::pair<ListId, ListId>, SetId> sets_;
  std::optional<TableIndex> earlier_;  // what the tables had when this log began
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_LOG_BUILDER_H_
