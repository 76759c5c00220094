// The readers of the three formats, entry by entry. Damage within an entry is a warning.
#ifndef LRE_AUDIT_AUDIT_CACHE_LOG_READERS_H_
#define LRE_AUDIT_AUDIT_CACHE_LOG_READERS_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "audit/cache/log_builder.h"
#include "audit/cache/wire.h"

namespace lre_audit::cache {

// One format's entries, each behind LogBuilder::BeginEntry().
class LogReader {
 public:
  explicit LogReader(LogBuilder& builder) : builder_(builder) {}
  virtual ~LogReader() = default;
  virtual void Read(std::string_view entry) = 0;

 protected:
  LogBuilder& builder_;
  SpawnExecView view_;
};

class BinaryLogReader : public LogReader {
 public:
  using LogReader::LogReader;
  void Read(std::string_view entry) override;
};

class JsonLogReader : public LogReader {
 public:
  using LogReader::LogReader;
  void Read(std::string_view entry) override;

 private:
  std::deque<std::string> texts_;  // what the view looks at
};

class CompactLogReader : public LogReader {
 public:
  using LogReader::LogReader;
  void Read(std::string_view entry) override;

 private:
  // What an id of the log stands for: index << 2 | kind.
  enum Kind : uint32_t { kNone, kArtifact, kSet, kSymlinkSet };

  void Define(uint32_t id, Kind kind, uint32_t index);
  // The index of what `id` stands for, if it is a `kind`; 0, and a warning, if it is not.
  uint32_t Resolve(uint64_t id, Kind kind);
  void ResolveField(const WireField& field, Kind kind, std::vector<uint32_t>* indexes);

  void Invocation(std::string_view message);
  Artifact File(std::string_view message);
  void Directory(uint32_t id, std::string_view message);
  void UnresolvedSymlink(uint32_t id, std::string_view message);
  void InputSetEntry(uint32_t id, std::string_view message);
  void SymlinkEntrySet(uint32_t id, std::string_view message);
  void Runfiles(uint32_t id, std::string_view message);
  void SpawnEntry(std::string_view message);
  void SymlinkActionEntry(std::string_view message);
  // Whether the message was read to its end; else a warning that names it.
  bool Checked(const WireReader& reader, const char* message);

  ChunkedArray<uint32_t> ids_;                       // by id
  absl::flat_hash_map<uint32_t, uint32_t> far_ids_;  // those that would leave large gaps
  uint32_t defined_ = 0;
  bool has_invocation_ = false;
  std::vector<uint32_t> direct_, sets_, outputs_;  // scratch
};

// Messages that both wire formats have.
bool ReadPair(std::string_view message, std::pair<std::string_view, std::string_view>* pair);
bool ReadPlatform(std::string_view message, SpawnExecView::Pairs* properties);
bool ReadDigest(std::string_view message, SpawnExecView::File* file);
bool ReadMetrics(std::string_view message, WallTimes* times);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_LOG_READERS_H_
