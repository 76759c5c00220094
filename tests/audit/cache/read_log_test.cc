// One build, in every format that Bazel has: what is read is the same.
#include "audit/cache/read_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/cache/spawn_parts.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

void ExpectSample(std::string bytes, ExecutionLog::Format format) {
  const ExecutionLog log = Read(std::move(bytes));
  EXPECT_EQ(log.format, format);
  EXPECT_TRUE(log.complete()) << log.warnings[0].message;
  EXPECT_EQ(log.digest_function, DigestFunction::kSha256);
  EXPECT_TRUE(log.has_labels);
  EXPECT_TRUE(log.has_digests);
  const std::vector<SpawnParts> spawns = Expand(log);
  ASSERT_EQ(spawns.size(), 2u);
  // Whatever the format says otherwise, is what the binary log says.
  static const std::vector<SpawnParts>* const expected =
      new std::vector<SpawnParts>(Expand(Read(BinaryLog(SampleSpawns()))));
  EXPECT_EQ(spawns, *expected);
  EXPECT_EQ(log.spawns[0].nanoseconds, 250'000'000);  // of 2.5 s in all
  EXPECT_EQ(log.spawns[1].nanoseconds, 3'000'000'000);
}

TEST(ReadLog, Binary) {
  const ExecutionLog log = Read(BinaryLog(SampleSpawns()));
  ASSERT_EQ(log.spawns.size(), 2u);
  EXPECT_EQ(log.entries, 2u);
  const SpawnParts compile = ExpandSpawn(log, log.spawns[0]);
  EXPECT_THAT(compile.arguments,
              ElementsAre("/usr/bin/gcc", "-Wall", "-c", "a/main.cc", "-o", "out/a/main.o"));
  EXPECT_THAT(compile.environment, ElementsAre(Pair("PATH", "/usr/bin:/bin"), Pair("EMPTY", "")));
  EXPECT_THAT(compile.platform, ElementsAre(Pair("container-image", "docker://worker:1")));
  ASSERT_EQ(compile.inputs.size(), 7u);
  EXPECT_EQ(compile.inputs.at("a/link").kind, InputNode::kSymlink);
  EXPECT_EQ(compile.inputs.at("a/link").target, "../elsewhere");
  EXPECT_TRUE(compile.inputs.at("tools/wrapper.sh").is_tool);
  EXPECT_FALSE(compile.inputs.at("a/main.h").is_tool);
  EXPECT_EQ(compile.inputs.at("a/main.h").digest, DigestOf(DigestFunction::kSha256, "a/main.h"));
  EXPECT_EQ(compile.inputs.at("a/empty.h").digest, DigestOf(DigestFunction::kSha256, ""));
  EXPECT_EQ(compile.inputs.at("tree/deep/one").digest.size, 13u);
  ASSERT_EQ(compile.outputs.size(), 1u);
  EXPECT_EQ(compile.outputs[0].path, "out/a/main.o");
  EXPECT_EQ(compile.outputs[0].kind, Output::kFile);
  EXPECT_EQ(compile.timeout_millis, 61'500u);
  EXPECT_TRUE(compile.remotable && compile.cacheable && compile.remote_cacheable);
  EXPECT_EQ(compile.label, "//a:main");
  EXPECT_EQ(compile.mnemonic, "CppCompile");
  EXPECT_EQ(compile.runner, "remote cache hit");
  EXPECT_EQ(compile.logged_digest, DigestOf(DigestFunction::kSha256, "an action"));
  EXPECT_TRUE(log.spawns[0].cache_hit);

  const SpawnParts tree = ExpandSpawn(log, log.spawns[1]);
  ASSERT_EQ(tree.outputs.size(), 2u);
  EXPECT_EQ(tree.outputs[0].kind, Output::kMissing);
  EXPECT_EQ(tree.outputs[1].kind, Output::kDirectory);
  EXPECT_EQ(tree.outputs[1].files.count("b/two"), 1u);
  EXPECT_EQ(tree.status, "NON_ZERO_EXIT");
  EXPECT_EQ(tree.exit_code, -1);
  EXPECT_FALSE(tree.remotable || tree.remote_cacheable || log.spawns[1].cache_hit);
  // The second one begins where the first one ends.
  EXPECT_EQ(log.spawns[0].offset, 0u);
  EXPECT_EQ(log.spawns[1].entry, 1u);
  EXPECT_EQ(log.spawns[1].offset, Delimited(SampleSpawns()[0]).size());
}

TEST(ReadLog, Json) {
  for (const JsonStyle style :
       {JsonStyle::kConcatenated, JsonStyle::kLines, JsonStyle::kArray, JsonStyle::kProtoNames}) {
    SCOPED_TRACE(static_cast<int>(style));
    ExpectSample(JsonLog(SampleSpawns(), style), ExecutionLog::Format::kJson);
  }
}

TEST(ReadLog, Compact) {
  for (const bool since_7_4 : {false, true}) {
    const std::string bytes = CompactLog(CompactEntries(SampleSpawns(), since_7_4));
    ExpectSample(bytes, ExecutionLog::Format::kCompact);
    const ExecutionLog log = Read(bytes);
    EXPECT_EQ(log.has_input_ids, since_7_4);
    EXPECT_EQ(log.workspace_runfiles_directory, "_main");
    EXPECT_EQ(log.invocation_id, "sample");
  }
}

TEST(ReadLog, Packed) {
  const std::string compact = CompactLog(CompactEntries(SampleSpawns(), true));
  ExpectSample(Zstd(compact), ExecutionLog::Format::kCompact);
  ExpectSample(Zstd(compact, 7), ExecutionLog::Format::kCompact);
  ExpectSample(Zstd(BinaryLog(SampleSpawns()), 2), ExecutionLog::Format::kBinary);
  ExpectSample(Zstd(JsonLog(SampleSpawns(), JsonStyle::kConcatenated)),
               ExecutionLog::Format::kJson);
}

// Entries that lie in several pieces of the source, and a thread that unpacks.
TEST(ReadLog, LongEntries) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  for (int i = 0; i < 20000; ++i) {
    const std::string path = "generated/directory/file" + std::to_string(i);
    spawns[0].add_inputs()->set_path(path);
    *spawns[0].mutable_inputs(spawns[0].inputs_size() - 1)->mutable_digest() = SampleDigest(path);
  }
  spawns.push_back(spawns[0]);
  SpareThreads threads(1);
  ReadLogOptions options;
  options.threads = &threads;
  for (const std::string& bytes :
       {Zstd(BinaryLog(spawns)), JsonLog(spawns, JsonStyle::kConcatenated),
        Zstd(CompactLog(CompactEntries(spawns, true)))}) {
    StringSource source{std::string(bytes)};
    const absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "long", options);
    ASSERT_TRUE(log.ok());
    EXPECT_TRUE(log->complete());
    ASSERT_EQ(log->spawns.size(), 3u);
    EXPECT_EQ(ExpandSpawn(*log, log->spawns[2]).inputs.size(), 20007u);
    EXPECT_EQ(ExpandSpawn(*log, log->spawns[2]), ExpandSpawn(*log, log->spawns[0]));
    // What is the same is kept once.
    EXPECT_LT(log->tables->artifacts.size(), 20020u);
  }
}

// Bazel 4: no labels, digests or metrics, and a field by another name.
TEST(ReadLog, FieldsOfBazel4) {
  const ExecutionLog log = Read(R"({
    "commandArgs": ["/bin/true"],
    "listedOutputs": ["out/x"],
    "timeoutMillis": "0",
    "progressMessage": "Executing",
    "mnemonic": "Genrule",
    "runner": "local",
    "remoteCacheHit": true,
    "exitCode": 0
  }{"commandArgs": ["/bin/false"], "exitCode": 1}
  )");
  EXPECT_TRUE(log.complete());
  ASSERT_EQ(log.spawns.size(), 2u);
  EXPECT_FALSE(log.has_labels || log.has_digests);
  EXPECT_TRUE(log.spawns[0].cache_hit);
  EXPECT_EQ(log.spawns[1].exit_code, 1);
}

TEST(ReadLog, NothingRan) {
  EXPECT_EQ(Read("").spawns.size(), 0u);
  EXPECT_TRUE(Read("").complete());
  EXPECT_EQ(Read("[]").format, ExecutionLog::Format::kJson);
  EXPECT_TRUE(Read("[]").complete());
  const std::vector<tools::protos::ExecLogEntry> entries = CompactEntries({}, true);
  EXPECT_EQ(Read(Zstd(CompactLog(entries))).format, ExecutionLog::Format::kCompact);
}

TEST(ReadLog, RefusesWhatIsNoExecutionLog) {
  const std::pair<std::string, const char*> cases[] = {
      {"hello, world\n", "begins like none"},
      {R"({"id":{"started":{}},"children":[]})", "build events"},
      {std::string("\x7f"
                   "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0",
                   20),
       "begins like none"},
      {std::string("PK\3\4") + std::string(60, '\0'), "begins like none"},
      {std::string(4096, '\0'), "begins like none"},
      {"<html></html>", "begins like none"},
  };
  for (const auto& [bytes, what] : cases) {
    StringSource source{std::string(bytes)};
    const absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "x", {});
    EXPECT_EQ(log.status().code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_THAT(log.status().message(), HasSubstr(what));
    EXPECT_THAT(log.status().message(), HasSubstr("--execution_log_compact_file"));
  }
}

TEST(ReadLog, DuplicateInputs) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  *spawns[0].add_inputs() = spawns[0].inputs(1);
  *spawns[1].add_inputs() = spawns[1].inputs(0);
  *spawns[1].mutable_inputs(1)->mutable_digest() = SampleDigest("another");
  const ExecutionLog log = Read(BinaryLog(spawns));
  const SpawnParts same = ExpandSpawn(log, log.spawns[0]);
  EXPECT_TRUE(same.has_duplicate_inputs);
  EXPECT_THAT(same.duplicate_inputs, ElementsAre());
  const SpawnParts other = ExpandSpawn(log, log.spawns[1]);
  EXPECT_TRUE(other.has_duplicate_inputs);
  EXPECT_THAT(other.duplicate_inputs, ElementsAre("a/main.cc"));
}

}  // namespace
}  // namespace lre_audit::cache
