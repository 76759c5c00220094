#include "audit/explain/pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/explain/differences.h"
#include "audit/explain/set_fingerprints.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::explain {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tools::protos::SpawnExec;
using By = SpawnPair::By;
using Why = UnpairedSpawn::Why;

SpawnExec Spawn(const std::string& label, const std::vector<std::string>& outputs,
                const std::vector<std::string>& arguments = {"tool"},
                const std::string& mnemonic = "Work") {
  SpawnExec spawn;
  spawn.set_target_label(label);
  spawn.set_mnemonic(mnemonic);
  for (const std::string& argument : arguments) spawn.add_command_args(argument);
  for (const std::string& path : outputs) {
    spawn.add_listed_outputs(path);
    auto* file = spawn.add_actual_outputs();
    file->set_path(path);
    *file->mutable_digest() = cache::SampleDigest(path);
  }
  return spawn;
}

Pairing Pair(const std::vector<SpawnExec>& local, const std::vector<SpawnExec>& remote) {
  const cache::ExecutionLog a = cache::Read(cache::BinaryLog(local)),
                            b = cache::Read(cache::BinaryLog(remote));
  EXPECT_EQ(a.spawns.size(), local.size());
  EXPECT_EQ(b.spawns.size(), remote.size());
  return PairSpawns(a, b);
}

TEST(Configurations, AreTakenOutOfPaths) {
  EXPECT_EQ(ConfigurationOf("bazel-out/k8-fastbuild/bin/x"), "k8-fastbuild");
  EXPECT_EQ(ConfigurationOf("bazel-out/stable-status.txt"), "");
  EXPECT_EQ(ConfigurationOf("lib/bazel-out/x/y"), "");
  EXPECT_EQ(WithoutConfigurations("-Ibazel-out/a/bin:bazel-out/b/bin"),
            "-Ibazel-out//bin:bazel-out//bin");
  EXPECT_EQ(WithoutConfigurations("lib/lib.h"), "lib/lib.h");
}

TEST(PairSpawns, ByOutputsInAnyOrder) {
  const Pairing pairing = Pair({Spawn("//a", {"x", "y"}), Spawn("//b", {"z"})},
                               {Spawn("//b", {"z"}), Spawn("//a", {"y", "x"})});
  ASSERT_THAT(pairing.pairs, SizeIs(2));
  EXPECT_EQ(pairing.pairs[0].remote, 1u);
  EXPECT_EQ(pairing.pairs[0].by, By::kOutputs);
  EXPECT_EQ(pairing.pairs[1].remote, 0u);
  EXPECT_THAT(pairing.only_local, IsEmpty());
  EXPECT_THAT(pairing.only_remote, IsEmpty());
}

TEST(PairSpawns, ByOneOutputWhereOthersDiffer) {
  const Pairing pairing = Pair({Spawn("//a", {"x", "y"})}, {Spawn("//a", {"x", "z"})});
  ASSERT_THAT(pairing.pairs, SizeIs(1));
  EXPECT_EQ(pairing.pairs[0].by, By::kAnOutput);
}

// What has the same outputs in its own configuration is not paired across configurations.
TEST(PairSpawns, AcrossConfigurationsWhereNothingElseFits) {
  const Pairing pairing =
      Pair({Spawn("//a", {"bazel-out/host/bin/x"}), Spawn("//a", {"bazel-out/k8/bin/x"})},
           {Spawn("//a", {"bazel-out/k8/bin/x"}), Spawn("//a", {"bazel-out/exec/bin/x"})});
  ASSERT_THAT(pairing.pairs, SizeIs(2));
  EXPECT_EQ(pairing.pairs[0].remote, 1u);
  EXPECT_EQ(pairing.pairs[0].by, By::kNormalizedOutputs);
  EXPECT_EQ(pairing.pairs[1].remote, 0u);
  EXPECT_EQ(pairing.pairs[1].by, By::kOutputs);
}

TEST(PairSpawns, ByArgumentsWhereNoOutputFits) {
  const std::vector<std::string> arguments = {"test", "bazel-out/k8/bin/t"};
  const Pairing pairing = Pair({Spawn("//t", {"old/test.log"}, arguments)},
                               {Spawn("//t", {"new/test.log"}, {"test", "bazel-out/opt/bin/t"})});
  ASSERT_THAT(pairing.pairs, SizeIs(1));
  EXPECT_EQ(pairing.pairs[0].by, By::kArguments);
  EXPECT_THAT(Pair({Spawn("//t", {"old"}, arguments)}, {Spawn("//u", {"new"}, arguments)}).pairs,
              IsEmpty());
}

// Retries are paired in their order.
TEST(PairSpawns, SaysWhyThereIsNoPair) {
  const Pairing pairing = Pair({Spawn("//t", {"test.log"}), Spawn("//t", {"test.log"}),
                                Spawn("//only", {"x"}), Spawn("//both", {"y"}, {"one"})},
                               {Spawn("//t", {"test.log"}), Spawn("//both", {"z"}, {"two"})});
  ASSERT_THAT(pairing.pairs, SizeIs(1));
  EXPECT_EQ(pairing.pairs[0].local, 0u);
  ASSERT_THAT(pairing.only_local, SizeIs(3));
  EXPECT_EQ(pairing.only_local[0].why, Why::kRepeated);
  EXPECT_EQ(pairing.only_local[1].why, Why::kNotInOther);
  EXPECT_EQ(pairing.only_local[2].why, Why::kOtherAction);
  ASSERT_THAT(pairing.only_remote, SizeIs(1));
  EXPECT_EQ(pairing.only_remote[0].why, Why::kOtherAction);
}

TEST(Arguments, AreAligned) {
  const auto align = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::string text;
    for (const auto& [local, remote] : AlignArguments(a, b)) {
      text += (local ? a[*local] : "-") + "/" + (remote ? b[*remote] : "-") + " ";
    }
    return text;
  };
  EXPECT_EQ(align({"a", "b"}, {"a", "b"}), "a/a b/b ");
  EXPECT_EQ(align({"a", "b"}, {"a", "x", "b"}), "a/a -/x b/b ");
  EXPECT_EQ(align({"a", "b", "c"}, {"a", "c"}), "a/a b/- c/c ");
  EXPECT_EQ(align({"a", "b", "c"}, {"a", "x", "c"}), "a/a b/x c/c ");
  EXPECT_EQ(align({"a", "b"}, {"b", "c"}), "a/- b/b -/c ");
  EXPECT_EQ(align({}, {"a"}), "-/a ");
  EXPECT_EQ(align({"bazel-out/x/a"}, {"bazel-out/y/a"}), "bazel-out/x/a/bazel-out/y/a ");
}

TEST(Lists, SayWhatIsOnOneSideAlone) {
  const ListDifference lists = CompareLists("/a:/b:/b:/c", "/c:/d:/a", ':');
  EXPECT_THAT(lists.only_local, ElementsAre("/b"));
  EXPECT_THAT(lists.only_remote, ElementsAre("/d"));
  EXPECT_THAT(CompareLists("/a:/b", "/b:/a", ':').only_local, IsEmpty());
  // An empty element means the current directory.
  EXPECT_THAT(CompareLists("/a:", "/a", ':').only_local, ElementsAre(""));
}

// Of sets with a tree, a symlink and tools, in each encoding of compact logs and the others.
TEST(Fingerprints, AreThoseOfTheContents) {
  const std::vector<SpawnExec> spawns = cache::SampleSpawns();
  const auto encodings = [](const std::vector<SpawnExec>& from) {
    return std::vector<std::string>{cache::CompactLog(cache::CompactEntries(from, false)),
                                    cache::CompactLog(cache::CompactEntries(from, true)),
                                    cache::BinaryLog(from)};
  };
  const std::vector<std::string> original = encodings(spawns);
  for (size_t encoding = 0; encoding < original.size(); ++encoding) {
    const cache::ExecutionLog log = cache::Read(original[encoding]),
                              same = cache::Read(original[encoding]);
    const SetFingerprints known(log), again(same);
    EXPECT_NE(known.Of(log.spawns[0].inputs), 0u);
    EXPECT_EQ(known.Of(log.spawns[0].inputs), again.Of(same.spawns[0].inputs));
    for (int i = 0; i < spawns[0].inputs_size(); ++i) {
      std::vector<SpawnExec> changed = spawns;
      auto& file = *changed[0].mutable_inputs(i);
      if (file.symlink_target_path().empty()) {
        *file.mutable_digest() = cache::SampleDigest("something else");
      } else {
        file.set_symlink_target_path("elsewhere");
      }
      const cache::ExecutionLog other = cache::Read(encodings(changed)[encoding]);
      EXPECT_NE(known.Of(log.spawns[0].inputs), SetFingerprints(other).Of(other.spawns[0].inputs))
          << encoding << ": " << file.path();
    }
  }
}

}  // namespace
}  // namespace lre_audit::explain
