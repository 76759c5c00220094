// Logs that share their tables: what the second has in common with the first is there once, and it
// says the same as if it had been read alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "audit/bytes/byte_source.h"
#include "audit/cache/log_tables.h"
#include "audit/cache/read_log.h"
#include "audit/cache/spawn_parts.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

using tools::protos::ExecLogEntry;
using tools::protos::SpawnExec;

ExecutionLog ReadBeside(const std::string& bytes, const ExecutionLog& first) {
  StringSource source(bytes);
  ReadLogOptions options;
  options.tables = first.tables;
  absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "second", options);
  EXPECT_TRUE(log.ok()) << log.status();
  return *std::move(log);
}

struct Sizes {
  explicit Sizes(const LogTables& tables)
      : strings(tables.strings.size()),
        artifacts(tables.artifacts.size()),
        sets(tables.sets.size()) {}
  size_t strings, artifacts, sets;
};

std::vector<std::string> AllForms(const std::vector<SpawnExec>& spawns) {
  return {JsonLog(spawns, JsonStyle::kConcatenated), BinaryLog(spawns),
          CompactLog(CompactEntries(spawns, false)), CompactLog(CompactEntries(spawns, true))};
}

TEST(LogTables, TheSameLogAddsNothing) {
  for (const std::string& bytes : AllForms(SampleSpawns())) {
    const ExecutionLog first = Read(bytes);
    const Sizes before(*first.tables);
    const ExecutionLog second = ReadBeside(bytes, first);
    const Sizes after(*first.tables);
    EXPECT_EQ(after.strings, before.strings);
    EXPECT_EQ(after.artifacts, before.artifacts);
    EXPECT_EQ(after.sets, before.sets);
    ASSERT_EQ(second.spawns.size(), first.spawns.size());
    for (size_t i = 0; i < first.spawns.size(); ++i) {
      EXPECT_EQ(second.spawns[i].inputs, first.spawns[i].inputs);
      EXPECT_EQ(second.spawns[i].arguments, first.spawns[i].arguments);
    }
  }
}

// Whatever differs, and whichever form the first has.
TEST(LogTables, AnotherLogIsReadAsIfAlone) {
  std::vector<SpawnExec> changed = SampleSpawns();
  changed[0].mutable_inputs(0)->mutable_digest()->set_hash(SampleDigest("other").hash());
  changed[0].add_command_args("-DNEW");
  changed[1].mutable_actual_outputs(0)->mutable_digest()->set_size_bytes(77);
  std::reverse(changed.begin(), changed.end());
  for (const std::string& first_bytes : AllForms(SampleSpawns())) {
    const ExecutionLog first = Read(first_bytes);
    const std::vector<SpawnParts> first_parts = Expand(first);
    for (const std::string& bytes : AllForms(changed)) {
      const ExecutionLog alone = Read(bytes), second = ReadBeside(bytes, first);
      const std::vector<SpawnParts> expected = Expand(alone), found = Expand(second);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i] == expected[i]) << i;
    }
    // The first is what it was.
    const std::vector<SpawnParts> again = Expand(first);
    for (size_t i = 0; i < again.size(); ++i) EXPECT_TRUE(again[i] == first_parts[i]) << i;
  }
}

TEST(TableIndex, FindsInAnyOrderWhatIsThere) {
  LogTables tables;
  std::vector<Artifact> artifacts;
  for (uint32_t i = 0; i < 1000; ++i) {
    Artifact artifact;
    artifact.path = i / 2;  // two of each path
    artifact.size = i;
    artifacts.push_back(artifact);
    const ArtifactId id = tables.artifacts.Add(artifact);
    const std::vector<uint32_t> direct = {id, id + 1};
    tables.sets.Add({tables.lists.Add(direct), 0, i == 500});
  }
  TableIndex index(tables);
  for (uint32_t i = 0; i < 2000; ++i) {
    const uint32_t at = i < 1000 ? i : (i * 7919) % 1000;
    EXPECT_EQ(index.Find(artifacts[at]), at + 1);
    const std::vector<uint32_t> direct = {at + 1, at + 2};
    EXPECT_EQ(index.Find(direct, {}), at == 500 ? 0 : at + 1);  // that one is damaged
    EXPECT_EQ(index.Find(direct, direct), 0u);
  }
  Artifact other = artifacts[3];
  other.kind = Artifact::kSymlink;
  EXPECT_EQ(index.Find(other), 0u);
  other = artifacts[3];
  other.damaged = 1;
  EXPECT_EQ(index.Find(other), 0u);
  // What comes later is not found: it is not indexed.
  other = artifacts[3];
  other.size = 5000;
  tables.artifacts.Add(other);
  EXPECT_EQ(index.Find(other), 0u);
}

}  // namespace
}  // namespace lre_audit::cache
