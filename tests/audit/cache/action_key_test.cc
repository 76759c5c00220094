#include "audit/cache/action_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "audit/cache/disk_cache.h"
#include "audit/cache/proto/cache_salt.pb.h"
#include "audit/cache/proto/remote_execution.pb.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

namespace reapi = build::bazel::remote::execution::v2;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SpawnParts SampleParts(size_t index = 0) { return Expand(Read(BinaryLog(SampleSpawns())))[index]; }

// By hand, as Bazel does it, with protobuf.
TEST(ActionKey, MessagesAreThoseOfProtobuf) {
  SpawnParts parts = SampleParts();
  parts.environment = {{"Z", "1"}, {"A", ""}};
  parts.platform = {{"pool", "x"}, {"container-image", "y"}};
  parts.outputs = SampleParts(1).outputs;
  parts.outputs.push_back({"out/file", Output::kFile, {}, "", {}});
  parts.outputs.push_back({"a/file", Output::kFile, {}, "", {}});
  Recipe recipe;
  recipe.output_fields = Recipe::OutputFields::kBoth;
  recipe.salt = true;
  recipe.workspace = "ws";
  recipe.scrub_salt = "scrub";
  recipe.working_directory = "_main";

  reapi::Command command;
  for (const std::string& argument : parts.arguments) command.add_arguments(argument);
  command.add_environment_variables()->set_name("A");
  auto* variable = command.add_environment_variables();
  variable->set_name("Z");
  variable->set_value("1");
  for (const char* path : {"a/file", "out/file", "out/missing"}) command.add_output_files(path);
  command.add_output_directories("out/tree");
  for (const char* path : {"a/file", "out/file", "out/missing", "out/tree"}) {
    command.add_output_paths(path);
  }
  auto* property = command.mutable_platform()->add_properties();
  property->set_name("container-image");
  property->set_value("y");
  property = command.mutable_platform()->add_properties();
  property->set_name("pool");
  property->set_value("x");
  command.set_working_directory("_main");
  EXPECT_EQ(CommandMessage(parts, recipe), command.SerializeAsString());

  const BlobDigest one = DigestOf(DigestFunction::kSha256, "1"),
                   two = DigestOf(DigestFunction::kSha256, "22");
  reapi::Action action;
  action.mutable_command_digest()->set_hash(one.Hex());
  action.mutable_command_digest()->set_size_bytes(1);
  action.mutable_input_root_digest()->set_hash(two.Hex());
  action.mutable_input_root_digest()->set_size_bytes(2);
  action.mutable_timeout()->set_seconds(61);
  *action.mutable_platform() = command.platform();
  tools::protos::CacheSalt salt;
  salt.set_may_be_executed_remotely(true);
  salt.set_workspace("ws");
  salt.mutable_scrub_salt()->set_salt("scrub");
  action.set_salt(salt.SerializeAsString());
  EXPECT_EQ(ActionMessage(parts, recipe, one, two), action.SerializeAsString());

  // What is false, zero or empty is not there.
  parts.timeout_millis = 0;
  parts.remotable = parts.remote_cacheable = false;
  parts.platform.clear();
  recipe.workspace.clear();
  recipe.scrub_salt.clear();
  action.clear_timeout();
  action.clear_salt();
  action.clear_platform();
  action.set_do_not_cache(true);
  EXPECT_EQ(ActionMessage(parts, recipe, one, two), action.SerializeAsString());
}

// Every part of the key, and no other, changes it.
TEST(ActionKey, EachPartCounts) {
  const SpawnParts parts = SampleParts();
  Recipe recipe;
  recipe.salt = true;
  const Key key = *ComputeKey(parts, recipe);
  const auto with = [&](auto change) {
    SpawnParts changed = parts;
    change(changed);
    return *ComputeKey(changed, recipe);
  };
  EXPECT_NE(with([](SpawnParts& p) { p.arguments[1] = "-Wextra"; }).command, key.command);
  EXPECT_NE(with([](SpawnParts& p) { p.environment[0].second += ":/x"; }).command, key.command);
  EXPECT_NE(with([](SpawnParts& p) { p.outputs[0].path += "x"; }).command, key.command);
  EXPECT_NE(with([](SpawnParts& p) { p.platform[0].second = "z"; }).action, key.action);
  EXPECT_NE(with([](SpawnParts& p) { p.timeout_millis += 1000; }).action, key.action);
  EXPECT_NE(with([](SpawnParts& p) { p.remotable = false; }).action, key.action);
  EXPECT_NE(with([](SpawnParts& p) { p.remote_cacheable = false; }).action, key.action);
  EXPECT_NE(with([](SpawnParts& p) { p.inputs.erase("a/main.h"); }).input_root, key.input_root);
  EXPECT_EQ(with([](SpawnParts& p) { std::swap(p.environment[0], p.environment[1]); }), key);
  EXPECT_EQ(with([](SpawnParts& p) { p.timeout_millis += 100; }), key);
  EXPECT_EQ(with([](SpawnParts& p) {
              p.label = p.mnemonic = p.runner = "other";
              p.cacheable = false;
              p.outputs[0].digest = {};
            }),
            key);
}

// Whatever made the logged digest is found, and named.
TEST(ActionKey, VerifiesEachRecipe) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  const ExecutionLog sample = Read(BinaryLog(spawns));
  for (size_t i = 0; i < spawns.size(); ++i) {
    const SpawnParts parts = ExpandSpawn(sample, sample.spawns[i]);
    const std::vector<Recipe> recipes = RecipesFor(sample, parts);
    EXPECT_GT(recipes.size(), 5u);
    for (const Recipe& recipe : recipes) {
      SCOPED_TRACE(recipe.ToString());
      const Key key = *ComputeKey(parts, recipe);
      spawns[i].mutable_digest()->set_hash(key.action.Hex());
      spawns[i].mutable_digest()->set_size_bytes(static_cast<int64_t>(key.action.size));
      const ExecutionLog log = Read(BinaryLog({spawns[i]}));
      Verifier verifier(log, nullptr);
      const Verification result = *verifier.Verify(log.spawns[0]);
      ASSERT_EQ(result.state, Verification::State::kVerified);
      EXPECT_EQ(result.key, key);
      EXPECT_THAT(result.tried, IsEmpty());
    }
  }
}

TEST(ActionKey, VerifiesSiblingLayout) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  std::vector<tools::protos::ExecLogEntry> entries = CompactEntries({spawns[0]}, true);
  entries[0].mutable_invocation()->set_sibling_repository_layout(true);
  Recipe recipe;
  recipe.salt = true;
  recipe.output_fields = Recipe::OutputFields::kPaths;
  recipe.working_directory = "_main";
  const ExecutionLog plain = Read(CompactLog(entries));
  const Key key = *ComputeKey(ExpandSpawn(plain, plain.spawns[0]), recipe);
  entries.back().mutable_spawn()->mutable_digest()->set_hash(key.action.Hex());
  const ExecutionLog log = Read(CompactLog(entries));
  Verifier verifier(log, nullptr);
  const Verification result = *verifier.Verify(log.spawns[0]);
  EXPECT_EQ(result.state, Verification::State::kVerified);
  EXPECT_THAT(result.recipe.ToString(), HasSubstr("working directory _main"));
}

TEST(ActionKey, OtherDigestFunctions) {
  for (const char* name : {"SHA-1", "BLAKE3"}) {
    std::vector<tools::protos::ExecLogEntry> entries = CompactEntries({SampleSpawns()[1]}, true);
    entries[0].mutable_invocation()->set_hash_function_name(name);
    const ExecutionLog plain = Read(CompactLog(entries));
    Recipe recipe = RecipesFor(plain, ExpandSpawn(plain, plain.spawns[0]))[0];
    EXPECT_EQ(recipe.function, *ParseDigestFunction(name));
    const Key key = *ComputeKey(ExpandSpawn(plain, plain.spawns[0]), recipe);
    entries.back().mutable_spawn()->mutable_digest()->set_hash(key.action.Hex());
    const ExecutionLog log = Read(CompactLog(entries));
    Verifier verifier(log, nullptr);
    EXPECT_EQ(verifier.Verify(log.spawns[0])->state, Verification::State::kVerified);
  }
}

TEST(ActionKey, UnverifiedSaysWhatWasTried) {
  const ExecutionLog log = Read(BinaryLog(SampleSpawns()));
  Verifier verifier(log, nullptr);
  const Verification result = *verifier.Verify(log.spawns[0]);
  EXPECT_EQ(result.state, Verification::State::kUnverified);
  EXPECT_THAT(result.tried, SizeIs(RecipesFor(log, ExpandSpawn(log, log.spawns[0])).size()));
  EXPECT_THAT(result.reason, HasSubstr("makes the logged digest"));
  EXPECT_THAT(result.reason, HasSubstr("path mapping"));
  EXPECT_TRUE(result.key.action.known());
  // Nobody knows the second one's digest.
  EXPECT_EQ(verifier.Verify(log.spawns[1])->state, Verification::State::kNoOracle);
}

TEST(ActionKey, DuplicateInputsAreTheReason) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  *spawns[0].add_inputs() = spawns[0].inputs(0);
  const ExecutionLog log = Read(BinaryLog(spawns));
  Verifier verifier(log, nullptr);
  const Verification result = *verifier.Verify(log.spawns[0]);
  EXPECT_EQ(result.state, Verification::State::kUnverified);
  EXPECT_THAT(result.reason, HasSubstr("runfiles of tools under wrong paths"));
}

TEST(ActionKey, DamagedSpawnsHaveNoKey) {
  std::vector<tools::protos::SpawnExec> spawns = SampleSpawns();
  spawns[0].mutable_inputs(0)->mutable_digest()->set_hash("damaged");
  const ExecutionLog log = Read(BinaryLog(spawns));
  Verifier verifier(log, nullptr);
  const Verification result = *verifier.Verify(log.spawns[0]);
  EXPECT_EQ(result.state, Verification::State::kUnverified);
  EXPECT_THAT(result.reason, HasSubstr("could not be read"));
  EXPECT_FALSE(result.key.action.known());
}

// A disk cache as Bazel lays it out; the real one is in tests/bazel.
TEST(DiskCache, IsLookedInto) {
  const std::string root = ::testing::TempDir() + "disk_cache";
  std::filesystem::remove_all(root);
  EXPECT_EQ(DiskCache::Open(root, DigestFunction::kSha256).status().code(),
            absl::StatusCode::kInvalidArgument);
  const auto put = [&](const std::string& path, const std::string& contents) {
    std::filesystem::create_directories(std::filesystem::path(root + "/" + path).parent_path());
    std::ofstream(root + "/" + path) << contents;
  };
  const BlobDigest action = DigestOf(DigestFunction::kSha256, "action"),
                   blob = DigestOf(DigestFunction::kSha256, "blob"),
                   wrong = DigestOf(DigestFunction::kSha256, "wrong");
  const auto path = [](const char* kind, const BlobDigest& digest) {
    return std::string(kind) + "/" + digest.Hex().substr(0, 2) + "/" + digest.Hex();
  };
  put(path("ac", action), "");
  put(path("ac", wrong), "no ActionResult");
  put(path("cas", blob), "blob");
  put(path("cas", wrong), "other");
  absl::StatusOr<DiskCache> cache = DiskCache::Open(root, DigestFunction::kSha256);
  ASSERT_TRUE(cache.ok());
  EXPECT_TRUE(*cache->Contains(action));
  EXPECT_FALSE(*cache->Contains(blob));
  EXPECT_EQ(cache->Contains(wrong).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*cache->ReadAction(action), "");
  EXPECT_THAT(*cache->FindMissing({blob, action}), ::testing::ElementsAre(action));
  EXPECT_EQ(cache->ReadAction(blob).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*cache->ReadBlob(blob, 100), "blob");
  EXPECT_EQ(cache->ReadBlob(blob, 3).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cache->ReadBlob(wrong, 100).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(cache->ReadBlob(action, 100).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*cache->ReadBlob(DigestOf(DigestFunction::kSha256, ""), 100), "");
  EXPECT_THAT(*cache->Actions(), ::testing::UnorderedElementsAre(action.Hex(), wrong.Hex()));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace lre_audit::cache
