// What compact logs alone have: ids, shared sets, runfiles trees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <deque>

#include "audit/cache/read_log.h"
#include "audit/cache/spawn_parts.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tools::protos::ExecLogEntry;

// A log of entries given as text.
class Entries {
 public:
  Entries() { NewEntry(0).mutable_invocation()->set_hash_function_name("SHA-256"); }
  ExecLogEntry& NewEntry(uint32_t id) {
    entries_.emplace_back().set_id(id);
    return entries_.back();
  }
  void File(uint32_t id, const std::string& path) {
    auto* file = NewEntry(id).mutable_file();
    file->set_path(path);
    file->mutable_digest()->set_hash(SampleDigest(path).hash());
    file->mutable_digest()->set_size_bytes(1);
  }
  void Set(uint32_t id, std::vector<uint32_t> direct, std::vector<uint32_t> sets) {
    auto* set = NewEntry(id).mutable_input_set();
    set->mutable_input_ids()->Assign(direct.begin(), direct.end());
    set->mutable_transitive_set_ids()->Assign(sets.begin(), sets.end());
  }
  void Spawn(uint32_t set) {
    auto* spawn = NewEntry(0).mutable_spawn();
    spawn->add_args("true");
    spawn->set_input_set_id(set);
  }
  void SetWorkspace(const char* name) {
    entries_[0].mutable_invocation()->set_workspace_runfiles_directory(name);
  }
  ExecutionLog Log() const { return Read(CompactLog({entries_.begin(), entries_.end()})); }

 private:
  std::deque<ExecLogEntry> entries_;
};

std::vector<std::string> PathsInOrder(const ExecutionLog& log, const Spawn& spawn) {
  std::vector<std::string> paths;
  SetWalker walker(log);
  for (const ArtifactId id : walker.Flatten(spawn.inputs)) {
    paths.push_back(log.tables->strings.Get(log.tables->artifacts[id].path));
  }
  return paths;
}

std::vector<std::string> Inputs(const ExecutionLog& log) {
  std::vector<std::string> paths;
  for (const auto& [path, node] : ExpandSpawn(log, log.spawns[0]).inputs) paths.push_back(path);
  return paths;
}

// Transitive sets left to right, then what is direct; each once.
TEST(CompactLog, SetsAreInPostorder) {
  Entries entries;
  for (uint32_t id = 1; id <= 5; ++id)
    entries.File(id, std::string(1, static_cast<char>('a' + id - 1)));
  entries.Set(6, {5}, {});
  entries.Set(7, {4, 5}, {6});
  entries.Set(8, {1, 2, 4}, {7, 6});
  entries.Spawn(8);
  const ExecutionLog log = entries.Log();
  EXPECT_TRUE(log.complete());
  EXPECT_THAT(PathsInOrder(log, log.spawns[0]), ElementsAre("e", "d", "a", "b"));
}

TEST(CompactLog, IdsInAnyOrder) {
  Entries entries;
  entries.File(4'000'000'000, "far");
  entries.File(7, "seven");
  entries.File(3, "three");
  entries.Set(2'000'000, {4'000'000'000, 3, 7}, {});
  entries.Spawn(2'000'000);
  const ExecutionLog log = entries.Log();
  EXPECT_TRUE(log.complete());
  EXPECT_THAT(PathsInOrder(log, log.spawns[0]), ElementsAre("far", "three", "seven"));
}

TEST(CompactLog, DanglingIdsAreTold) {
  Entries entries;
  entries.File(1, "a");
  entries.Set(2, {1, 99}, {});
  entries.Set(3, {1}, {2});
  entries.Spawn(3);
  entries.Spawn(1);
  const ExecutionLog log = entries.Log();
  ASSERT_EQ(log.warning_count, 2u);
  EXPECT_EQ(log.warnings[0].entry, 2u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("id 99, which no entry before it has"));
  EXPECT_THAT(log.warnings[1].message, HasSubstr("refers to id 1 as an input set"));
  // What is there counts, and it is known that more is missing.
  EXPECT_THAT(PathsInOrder(log, log.spawns[0]), ElementsAre("a"));
  EXPECT_TRUE(ExpandSpawn(log, log.spawns[0]).damaged);
  EXPECT_TRUE(ExpandSpawn(log, log.spawns[1]).damaged);
}

TEST(CompactLog, CyclesCannotBe) {
  Entries entries;
  entries.File(1, "a");
  entries.Set(2, {1}, {3});
  entries.Set(3, {}, {2, 3});
  entries.Spawn(3);
  const ExecutionLog log = entries.Log();
  EXPECT_EQ(log.warning_count, 2u);
  EXPECT_THAT(PathsInOrder(log, log.spawns[0]), ElementsAre("a"));
}

TEST(CompactLog, DeepSets) {
  Entries entries;
  entries.File(1, "a");
  entries.Set(2, {1}, {});
  for (uint32_t id = 3; id < 100'000; ++id) entries.Set(id, {}, {id - 1});
  entries.Spawn(99'999);
  const ExecutionLog log = entries.Log();
  EXPECT_THAT(PathsInOrder(log, log.spawns[0]), ElementsAre("a"));
}

// Thirty sets, each of which has the one before twice: a thousand million ways to one file.
TEST(CompactLog, SetsAreVisitedOnce) {
  Entries entries;
  entries.File(1, "a");
  entries.Set(2, {1}, {});
  for (uint32_t id = 3; id < 33; ++id) entries.Set(id, {}, {id - 1, id - 1});
  entries.Spawn(32);
  const ExecutionLog log = entries.Log();
  EXPECT_THAT(PathsInOrder(log, log.spawns[0]), ElementsAre("a"));
}

TEST(CompactLog, EmptyDirectoryIsAnInput) {
  Entries entries;
  entries.NewEntry(1).mutable_directory()->set_path("empty/tree");
  entries.Set(2, {1}, {});
  entries.Spawn(2);
  const ExecutionLog log = entries.Log();
  const SpawnParts parts = ExpandSpawn(log, log.spawns[0]);
  EXPECT_EQ(parts.inputs.at("empty/tree").kind, InputNode::kEmptyDirectory);
}

TEST(CompactLog, EmptyFilesHaveTheEmptyDigest) {
  Entries entries;
  entries.NewEntry(1).mutable_file()->set_path("empty");
  entries.Set(2, {1}, {});
  entries.Spawn(2);
  const ExecutionLog log = entries.Log();
  EXPECT_EQ(ExpandSpawn(log, log.spawns[0]).inputs.at("empty").digest,
            DigestOf(DigestFunction::kSha256, ""));
}

TEST(CompactLog, RunfilesTree) {
  Entries entries;
  entries.SetWorkspace("_main");
  entries.File(1, "pkg/tool.py");
  entries.File(2, "bazel-out/k8-opt/bin/pkg/generated.py");
  entries.File(3, "external/dep/lib.py");
  entries.File(4, "bazel-out/k8-opt/bin/external/dep/made.py");
  entries.File(5, "elsewhere");
  auto* tree = entries.NewEntry(6).mutable_directory();
  tree->set_path("bazel-out/k8-opt/bin/pkg/tree");
  auto* child = tree->add_files();
  child->set_path("deep/one");
  child->mutable_digest()->set_hash(SampleDigest("one").hash());
  entries.Set(7, {1, 2, 3, 4, 6}, {});
  auto* symlinks = entries.NewEntry(8).mutable_symlink_entry_set();
  (*symlinks->mutable_direct_entries())["pkg/by_symlink"] = 5;
  (*symlinks->mutable_direct_entries())["../other/by_symlink"] = 5;
  (*symlinks->mutable_direct_entries())["pkg/tool.py"] = 5;  // the artifact overlays it
  auto* root = entries.NewEntry(9).mutable_symlink_entry_set();
  (*root->mutable_direct_entries())["at_root"] = 5;
  (*root->mutable_direct_entries())["empty_at_root"] = 0;
  auto* runfiles = entries.NewEntry(10).mutable_runfiles_tree();
  runfiles->set_path("bazel-out/k8-opt/bin/pkg/tool.runfiles");
  runfiles->set_input_set_id(7);
  runfiles->set_symlinks_id(8);
  runfiles->set_root_symlinks_id(9);
  runfiles->add_empty_files("pkg/__init__.py");
  runfiles->add_empty_files("../dep/__init__.py");
  runfiles->mutable_repo_mapping_manifest()->mutable_digest()->set_hash(SampleDigest("map").hash());
  entries.Set(11, {1, 10}, {});
  entries.Spawn(11);
  const ExecutionLog log = entries.Log();
  EXPECT_TRUE(log.complete());
  const std::string tool = "bazel-out/k8-opt/bin/pkg/tool.runfiles/";
  EXPECT_THAT(
      Inputs(log),
      ElementsAre(tool + "_main/pkg/__init__.py", tool + "_main/pkg/by_symlink",
                  tool + "_main/pkg/generated.py", tool + "_main/pkg/tool.py",
                  tool + "_main/pkg/tree/deep/one", tool + "_repo_mapping", tool + "at_root",
                  tool + "dep/__init__.py", tool + "dep/lib.py", tool + "dep/made.py",
                  tool + "empty_at_root", tool + "other/by_symlink", "pkg/tool.py"));
  const SpawnParts parts = ExpandSpawn(log, log.spawns[0]);
  EXPECT_EQ(parts.inputs.at(tool + "_main/pkg/tool.py").digest.Hex(),
            SampleDigest("pkg/tool.py").hash());
  EXPECT_EQ(parts.inputs.at(tool + "at_root").digest.Hex(), SampleDigest("elsewhere").hash());
  EXPECT_EQ(parts.inputs.at(tool + "_repo_mapping").digest.Hex(), SampleDigest("map").hash());
}

TEST(CompactLog, RunfilesWithoutTheWorkspace) {
  for (const bool legacy : {false, true}) {
    Entries entries;
    entries.SetWorkspace("_main");
    entries.File(1, "external/dep/lib.py");
    entries.Set(2, {1}, {});
    auto* runfiles = entries.NewEntry(3).mutable_runfiles_tree();
    runfiles->set_path("t");
    runfiles->set_input_set_id(2);
    runfiles->set_legacy_external_runfiles(legacy);
    entries.Set(4, {3}, {});
    entries.Spawn(4);
    if (legacy) {
      EXPECT_THAT(Inputs(entries.Log()),
                  ElementsAre("t/_main/external/dep/lib.py", "t/dep/lib.py"));
    } else {
      EXPECT_THAT(Inputs(entries.Log()), ElementsAre("t/_main/.runfile", "t/dep/lib.py"));
    }
  }
}

TEST(CompactLog, SymlinkActions) {
  Entries entries;
  auto* action = entries.NewEntry(0).mutable_symlink_action();
  action->set_input_path("a");
  action->set_output_path("b");
  action->set_target_label("//:b");
  action->set_mnemonic("Symlink");
  const ExecutionLog log = entries.Log();
  ASSERT_EQ(log.symlink_actions.size(), 1u);
  EXPECT_EQ(log.tables->strings.Get(log.symlink_actions[0].output), "b");
  EXPECT_EQ(log.symlink_actions[0].entry, 1u);
}

TEST(CompactLog, TwoInvocations) {
  Entries entries;
  entries.NewEntry(0).mutable_invocation()->set_hash_function_name("BLAKE3");
  const ExecutionLog log = entries.Log();
  ASSERT_EQ(log.warning_count, 2u);
  EXPECT_THAT(log.warnings[0].message, HasSubstr("two logs in one file"));
  EXPECT_THAT(log.warnings[1].message, HasSubstr("digests are of BLAKE3, those before of SHA256"));
}

}  // namespace
}  // namespace lre_audit::cache
