// Logs that are cut, damaged or hostile: what could be read is kept, and the rest is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/cache/read_log.h"
#include "audit/cache/spawn_parts.h"
#include "audit/cache/wire.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Cuts `bytes` everywhere. Spawns that end before the cut are as they are in the whole.
void CutEverywhere(const std::string& bytes) {
  const ExecutionLog whole = Read(bytes);
  const std::vector<SpawnParts> expected = Expand(whole);
  ASSERT_EQ(expected.size(), 2u);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    StringSource source(bytes.substr(0, cut));
    const absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "cut", {});
    if (!log.ok()) {
      // Before the first entry can be known for one.
      EXPECT_LT(cut, bytes.size() / 4) << log.status();
      continue;
    }
    ASSERT_LE(log->spawns.size(), 2u);
    const std::vector<SpawnParts> spawns = Expand(*log);
    for (size_t i = 0; i < spawns.size(); ++i) EXPECT_EQ(spawns[i], expected[i]) << cut;
    // Either nothing is missing of an entry, or that is said, with the entry's number and offset.
    if (!log->complete()) {
      ASSERT_EQ(log->warnings.size(), 1u) << cut;
      EXPECT_EQ(log->warnings[0].entry, log->entries) << cut;
      EXPECT_LE(log->warnings[0].offset, cut) << cut;
      EXPECT_THAT(log->warnings[0].message, HasSubstr("the log ends")) << cut;
    } else {
      EXPECT_EQ(log->bytes, cut);
    }
  }
}

TEST(DamagedLog, CutEverywhere) {
  CutEverywhere(BinaryLog(SampleSpawns()));
  CutEverywhere(JsonLog(SampleSpawns(), JsonStyle::kConcatenated));
  CutEverywhere(JsonLog(SampleSpawns(), JsonStyle::kArray));
  CutEverywhere(CompactLog(CompactEntries(SampleSpawns(), true)));
  CutEverywhere(CompactLog(CompactEntries(SampleSpawns(), false)));
}

// Of what is packed, the blocks before the cut count.
TEST(DamagedLog, CutWhilePacked) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  const std::string first = Zstd(CompactLog(CompactEntries(spawns, true)));
  const std::string packed = first + Zstd(std::string(100, '\0'));
  for (size_t cut = 0; cut <= first.size(); ++cut) {
    StringSource source(packed.substr(0, cut));
    const absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "cut", {});
    if (log.ok() && cut > 0 && cut < first.size()) {
      EXPECT_FALSE(log->complete());
    }
    if (cut == first.size()) {
      EXPECT_EQ(log->spawns.size(), 2u);
    }
  }
}

// One entry is damaged: those behind it are read.
TEST(DamagedLog, GoesOnBehindADamagedEntry) {
  const std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  std::string damaged = Delimited(spawns[0]);
  damaged[damaged.size() - 3] = '\x7f';  // a length within the metrics
  ExecutionLog log = Read(damaged + Delimited(spawns[1]));
  ASSERT_EQ(log.spawns.size(), 2u);
  EXPECT_FALSE(log.complete());
  EXPECT_EQ(log.warnings[0].entry, 0u);
  EXPECT_TRUE(ExpandSpawn(log, log.spawns[0]).damaged);
  EXPECT_FALSE(ExpandSpawn(log, log.spawns[1]).damaged);

  log = Read(R"({"commandArgs": ["a"], "inputs": [tru]}{"commandArgs": ["b"]})");
  ASSERT_EQ(log.spawns.size(), 2u);
  ASSERT_EQ(log.warning_count, 1u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("is no JSON at its byte"));
  EXPECT_TRUE(log.spawns[0].damaged);
  EXPECT_FALSE(log.spawns[1].damaged);

  log = Read(R"({"commandArgs": ["a"], "timeoutMillis": "soon"})");
  ASSERT_EQ(log.warning_count, 1u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("\"timeoutMillis\" is \"soon\""));
}

// A value of another type is not passed over as if there were none.
TEST(DamagedLog, JsonOfOtherTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("commandArgs": "ls")", R"("commandArgs" is a text; expected a list)"},
      {R"("commandArgs": ["a", 7])", R"(an element of "commandArgs" is a number; expected a text)"},
      {R"("commandArgs": [null])", R"(an element of "commandArgs" is null; expected a text)"},
      {R"("environmentVariables": [1.5])",
       R"(an element of "environmentVariables" is a number with a fraction; expected an object)"},
      {R"("environmentVariables": [{"name": "A", "value": []}])",
       R"("value" is a list; expected a text)"},
      {R"("platform": [])", R"("platform" is a list; expected an object)"},
      {R"("inputs": [{"path": {}}])", R"("path" is an object; expected a text)"},
      {R"("inputs": [{"digest": "abc"}])", R"("digest" is a text; expected an object)"},
      {R"("remotable": "yes")", R"("remotable" is a text; expected true or false)"},
      {R"("exitCode": false)", R"("exitCode" is false; expected a number)"},
      {R"("mnemonic": 3)", R"("mnemonic" is a number; expected a text)"},
      {R"("exitCode": 4294967296)", R"("exitCode" is 4294967296, which it cannot be)"},
      {R"("timeoutMillis": -1)", R"("timeoutMillis" is -1, which it cannot be)"},
      {R"("timeoutMillis": "-1")", R"("timeoutMillis" is -1, which it cannot be)"},
      {R"("environmentVariables": [{"value": "x"}])", "a variable or property has no name"},
      {R"("inputs": [{"isTool": true}])", "an input has no path"},
  };
  for (const auto& [field, message] : cases) {
    const bool has_command = std::string(field).find("commandArgs") != std::string::npos;
    const ExecutionLog log = Read(std::string(has_command ? "{" : R"({"commandArgs": ["a"], )") +
                                  field + R"(, "targetLabel": "//a"})");
    ASSERT_GE(log.warning_count, 1u) << field;
    EXPECT_EQ(log.warnings[0].message, message);
    EXPECT_TRUE(log.spawns[0].damaged);
  }
  // Fields of another Bazel, and null, which is a field's default.
  EXPECT_TRUE(
      Read(R"({"commandArgs": ["a"], "exitCode": null, "new": [{"path": 7}], "walltime": 3})")
          .complete());
}

// Half a digest is none: its hash would say what the log does not.
TEST(DamagedLog, SizesOfOtherTypes) {
  for (const char* size : {R"("zzz")", "true", "1.5", "[]", "-7"}) {
    const std::string hash(64, 'a');
    const ExecutionLog log = Read(R"({"commandArgs": ["a"], "inputs": [{"path": "p", "digest": )"
                                  R"({"hash": ")" +
                                  hash + R"(", "sizeBytes": )" + size + "}}]}");
    ASSERT_GE(log.warning_count, 1u) << size;
    EXPECT_FALSE(ExpandSpawn(log, log.spawns[0]).inputs.at("p").digest.known());
  }
}

TEST(DamagedLog, SpawnsWithoutACommand) {
  const ExecutionLog log = Read(R"({"targetLabel": "//a"}{"commandArgs": ["b"]}{})");
  ASSERT_EQ(log.warning_count, 2u);
  EXPECT_EQ(log.warnings[0].message, "the spawn has no command");
}

TEST(DamagedLog, WhatIsBetweenJsonObjects) {
  const ExecutionLog log = Read("{\"commandArgs\": [\"a\"]}\nERROR: disk full\n");
  ASSERT_EQ(log.spawns.size(), 1u);
  ASSERT_EQ(log.warning_count, 1u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("found \"ERROR: disk full\""));
  EXPECT_EQ(log.warnings[0].entry, 1u);
}

TEST(DamagedLog, HashesThatAreNone) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  spawns[0].mutable_inputs(0)->mutable_digest()->set_hash("xyz");
  spawns[1].mutable_inputs(0)->mutable_digest()->set_hash_function_name("MD5");
  const ExecutionLog log = Read(BinaryLog(spawns));
  ASSERT_EQ(log.warning_count, 2u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("hash \"xyz\" has 3 digits"));
  EXPECT_THAT(log.warnings[1].message, HasSubstr("digest function \"MD5\" is not known"));
  EXPECT_TRUE(ExpandSpawn(log, log.spawns[0]).damaged);
}

TEST(DamagedLog, SizesThatCannotBe) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  *spawns[0].mutable_digest() = SampleDigest("action");
  spawns[0].mutable_digest()->set_size_bytes(int64_t{1} << 32);
  const ExecutionLog log = Read(BinaryLog(spawns));
  ASSERT_EQ(log.warning_count, 1u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("an Action message of 4294967296 bytes"));
  EXPECT_FALSE(log.spawns[0].LoggedDigest().known());
}

// Lengths that promise what is not there take no memory, and end the reading.
TEST(DamagedLog, AbsurdLengths) {
  const std::string good = Delimited(SampleSpawns()[0]);
  for (const uint64_t length : {uint64_t{600} << 20, uint64_t{1} << 40, UINT64_MAX}) {
    std::string absurd;
    AppendVarint(length, &absurd);
    const ExecutionLog log = Read(good + absurd + std::string(100, '\n'));
    ASSERT_EQ(log.spawns.size(), 1u);
    ASSERT_EQ(log.warning_count, 1u);
    EXPECT_EQ(log.warnings[0].entry, 1u);
    EXPECT_EQ(log.warnings[0].offset, good.size());
    EXPECT_THAT(log.warnings[0].message, HasSubstr("beyond the limit"));
  }
  const ExecutionLog log = Read(good + std::string(11, '\xff'));
  EXPECT_THAT(log.warnings[0].message, HasSubstr("more than ten bytes"));
}

TEST(DamagedLog, LongEntriesHaveALimit) {
  ReadLogOptions options;
  options.entry_bytes = 1000;
  const std::string object = "{\"commandArgs\": [\"a\"]}";
  StringSource source(object + "{\"commandArgs\": [\"" + std::string(2000, 'x') + "\"]}");
  const absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "long", options);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->spawns.size(), 1u);
  EXPECT_EQ(log->warnings[0].offset, object.size());
  EXPECT_THAT(log->warnings[0].message, HasSubstr("longer than"));
}

TEST(DamagedLog, DeepJson) {
  std::string deep = "{\"commandArgs\": [\"a\"], \"metrics\": ";
  for (int i = 0; i < 100000; ++i) deep += "[";
  deep += "0";
  for (int i = 0; i < 100000; ++i) deep += "]";
  const ExecutionLog log = Read(deep + "}{\"commandArgs\": [\"b\"]}");
  ASSERT_EQ(log.spawns.size(), 2u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("nested"));
}

// The list of warnings is bounded, their number is told.
TEST(DamagedLog, ManyWarnings) {
  std::string bytes = Delimited(SampleSpawns()[0]);
  for (int i = 0; i < 500; ++i) bytes += "\x02\x0a\x7f";
  const ExecutionLog log = Read(bytes);
  EXPECT_EQ(log.warning_count, 500u);
  EXPECT_EQ(log.warnings.size(), ExecutionLog::kMaxWarnings);
}

}  // namespace
}  // namespace lre_audit::cache
