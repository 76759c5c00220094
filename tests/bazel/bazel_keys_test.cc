// The logs of a real Bazel against its disk cache and what it asked its remote cache: every key
// that a log suffices for is computed as Bazel computed it. The compact logs are the JSON log,
// transcoded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "audit/cache/action_key.h"
#include "audit/cache/disk_cache.h"
#include "audit/cache/grpc_log.h"
#include "audit/cache/proto/remote_execution.pb.h"
#include "audit/cache/read_log.h"

namespace lre_audit::cache {
namespace {

using ::testing::HasSubstr;

std::string Logs() {
  const char* logs = getenv("LRE_AUDIT_BAZEL_LOGS");
  EXPECT_NE(logs, nullptr) << "set it to what tests/bazel/logs.sh has written";
  return logs == nullptr ? "" : logs;
}

ExecutionLog ReadLog(const std::string& path) {
  absl::StatusOr<ExecutionLog> log = ReadExecutionLogFile(path, {});
  EXPECT_TRUE(log.ok()) << log.status();
  if (!log.ok()) return {};
  EXPECT_TRUE(log->complete());
  EXPECT_GE(log->spawns.size(), 12u);
  return *std::move(log);
}

std::string FirstOutput(const SpawnParts& parts) {
  return parts.outputs.empty() ? "" : parts.outputs[0].path;
}

class BazelLog : public ::testing::TestWithParam<const char*> {};

TEST_P(BazelLog, EveryKeyIsBazels) {
  const std::string local = Logs() + "/local";
  const ExecutionLog log = ReadLog(local + "/" + GetParam());
  absl::StatusOr<DiskCache> cache = DiskCache::Open(local + "/cache", log.digest_function);
  ASSERT_TRUE(cache.ok()) << cache.status();
  Verifier verifier(log, &*cache);
  std::set<std::string> verified;
  for (size_t i = 0; i < log.spawns.size(); ++i) {
    const SpawnParts parts = ExpandSpawn(log, log.spawns[i]);
    SCOPED_TRACE(FirstOutput(parts));
    const absl::StatusOr<Verification> result = verifier.Verify(log.spawns[i]);
    ASSERT_TRUE(result.ok());
    if (FirstOutput(parts).ends_with("from_runfiles.txt")) {
      // Its log has lost where the runfiles were. That is seen where the format lists inputs one by
      // one; sets have each once.
      EXPECT_EQ(result->state, Verification::State::kUnverified);
      EXPECT_THAT(result->reason, log.format == ExecutionLog::Format::kCompact
                                      ? HasSubstr("makes a digest that the cache or gRPC log has")
                                      : HasSubstr("runfiles of tools under wrong paths"));
      EXPECT_GT(result->tried.size(), 3u);
    } else if (FirstOutput(parts).ends_with("local_only.txt")) {
      EXPECT_EQ(result->state, Verification::State::kNoOracle);
      EXPECT_THAT(result->reason, HasSubstr("not cached remotely"));
    } else {
      EXPECT_EQ(result->state, Verification::State::kVerified) << result->reason;
      verified.insert(result->key.action.Hex());
    }
  }
  // All that is in the cache has been found, but for the one with runfiles.
  EXPECT_EQ(verified.size() + 1, cache->Actions()->size());
  EXPECT_EQ(verified.size() + 2, log.spawns.size());
}

INSTANTIATE_TEST_SUITE_P(Formats, BazelLog,
                         ::testing::Values("log.json", "log.binary", "compact-7.1.zst",
                                           "compact-7.4.zst"));

// What the cache has of an action is what the log says that it made.
TEST(BazelLogs, ResultsAreThoseOfTheCache) {
  const ExecutionLog log = ReadLog(Logs() + "/local/log.binary");
  absl::StatusOr<DiskCache> cache = DiskCache::Open(Logs() + "/local/cache", log.digest_function);
  ASSERT_TRUE(cache.ok());
  Verifier verifier(log, &*cache);
  int compared = 0;
  for (size_t i = 0; i < log.spawns.size(); ++i) {
    const Verification result = *verifier.Verify(log.spawns[i]);
    if (result.state != Verification::State::kVerified) continue;
    build::bazel::remote::execution::v2::ActionResult cached;
    ASSERT_TRUE(cached.ParseFromString(*cache->ReadAction(result.key.action)));
    std::map<std::string, std::string> files;
    for (const auto& file : cached.output_files()) files[file.path()] = file.digest().hash();
    for (const Output& output : ExpandSpawn(log, log.spawns[i]).outputs) {
      if (output.kind != Output::kFile) continue;
      EXPECT_EQ(files[output.path], output.digest.Hex());
      ++compared;
    }
    // The CAS has the messages that were computed.
    const SpawnParts parts = ExpandSpawn(log, log.spawns[i]);
    EXPECT_EQ(*cache->ReadBlob(result.key.command, 1 << 20), CommandMessage(parts, result.recipe));
  }
  EXPECT_GT(compared, 8);
}

// One part of one spawn exchanged for another's makes the other's key.
TEST(BazelLogs, AnAlteredSpawnHasTheOthersKey) {
  const ExecutionLog log = ReadLog(Logs() + "/local/log.json");
  absl::StatusOr<DiskCache> cache = DiskCache::Open(Logs() + "/local/cache", log.digest_function);
  ASSERT_TRUE(cache.ok());
  Verifier verifier(log, &*cache);
  const Spawn& spawn = log.spawns[0];
  const Verification right = *verifier.Verify(spawn);
  ASSERT_EQ(right.state, Verification::State::kVerified);
  SpawnParts leaky = ExpandSpawn(log, spawn);
  const SpawnParts original = leaky;
  leaky.environment.emplace_back("LEAK", "/home/somebody");
  EXPECT_FALSE(*cache->Contains(ComputeKey(leaky, right.recipe)->action));
  leaky.environment = original.environment;
  EXPECT_TRUE(*cache->Contains(ComputeKey(leaky, right.recipe)->action));
}

// Bazel asks for the digests that are computed, and is told that nobody has them.
TEST(BazelLogs, CallsAreForTheKeys) {
  const ExecutionLog log = ReadLog(Logs() + "/remote/log.json");
  const absl::StatusOr<GrpcLog> calls = ReadGrpcLogFile(Logs() + "/remote/grpc.log", {});
  ASSERT_TRUE(calls.ok()) << calls.status();
  EXPECT_EQ(calls->warning_count, 0u);
  ASSERT_TRUE(calls->by_action.contains(""));
  EXPECT_EQ(calls->calls[calls->by_action.at("")[0]].method, RemoteCall::Method::kGetCapabilities);
  size_t found = 0;
  for (size_t i = 0; i < log.spawns.size(); ++i) {
    const SpawnParts parts = ExpandSpawn(log, log.spawns[i]);
    const Key key = *ComputeKey(parts, RecipesFor(log, parts)[0]);
    const auto asked = calls->by_action.find(key.action.Hex());
    const bool lost = parts.has_duplicate_inputs || !parts.remote_cacheable;
    EXPECT_EQ(asked == calls->by_action.end(), lost) << FirstOutput(parts);
    if (lost) continue;
    ++found;
    const RemoteCall& call = calls->calls[asked->second[0]];
    EXPECT_EQ(call.method, RemoteCall::Method::kGetActionResult);
    EXPECT_EQ(call.status, absl::StatusCode::kNotFound);
  }
  EXPECT_GE(found, 10u);
}

}  // namespace
}  // namespace lre_audit::cache
