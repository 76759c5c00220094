// Input roots with everything shared, against those of one spawn alone.
#include "audit/cache/input_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

using tools::protos::ExecLogEntry;

// A log of sets of files, trees and symlinks, some of which have one path twice.
std::vector<ExecLogEntry> RandomEntries(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<ExecLogEntry> entries(1);
  entries[0].mutable_invocation()->set_hash_function_name("SHA-256");
  entries[0].mutable_invocation()->set_workspace_runfiles_directory("_main");
  std::vector<uint32_t> artifacts, sets;
  const auto path = [&] {
    std::string text(1, static_cast<char>('a' + random() % 4));
    for (uint32_t depth = random() % 4; depth > 0; --depth) {
      text += random() % 8 == 0 ? "-" : "/";
      text += static_cast<char>('a' + random() % 4);
    }
    // Now and then the name of what is a directory elsewhere.
    return random() % 40 == 0 ? text : text + "/" + std::to_string(random() % 20);
  };
  const auto fill = [&](ExecLogEntry::File* file) {
    file->set_path(path());
    if (random() % 4 == 0) return;  // empty
    file->mutable_digest()->set_hash(SampleDigest(std::to_string(random() % 9)).hash());
    file->mutable_digest()->set_size_bytes(1);
  };
  for (uint32_t id = 1; id < 200; ++id) {
    ExecLogEntry entry;
    entry.set_id(id);
    const uint32_t kind = random() % 20;
    if (kind < 9 || artifacts.empty()) {
      fill(entry.mutable_file());
      artifacts.push_back(id);
    } else if (kind == 9) {
      entry.mutable_unresolved_symlink()->set_path(path());
      entry.mutable_unresolved_symlink()->set_target_path(path());
      artifacts.push_back(id);
    } else if (kind == 10) {
      entry.mutable_directory()->set_path("tree" + std::to_string(random() % 3));
      for (uint32_t files = random() % 4; files > 0; --files) {
        fill(entry.mutable_directory()->add_files());
      }
      artifacts.push_back(id);
    } else if (kind == 11 && !sets.empty()) {
      entry.mutable_runfiles_tree()->set_path("tool" + std::to_string(random() % 3) + ".runfiles");
      entry.mutable_runfiles_tree()->set_input_set_id(sets[random() % sets.size()]);
      entry.mutable_runfiles_tree()->add_empty_files(path());
      artifacts.push_back(id);
    } else {
      for (int i = 0; i < 3; ++i) {
        entry.mutable_input_set()->add_input_ids(artifacts[random() % artifacts.size()]);
        if (!sets.empty() && random() % 3 == 0) {
          entry.mutable_input_set()->add_transitive_set_ids(sets[random() % sets.size()]);
        }
      }
      sets.push_back(id);
    }
    entries.push_back(entry);
    if (!sets.empty() && random() % 3 == 0) {
      ExecLogEntry spawn;
      spawn.mutable_spawn()->add_args("true");
      spawn.mutable_spawn()->set_input_set_id(sets[random() % sets.size()]);
      entries.push_back(spawn);
    }
  }
  return entries;
}

TEST(InputRoots, AreThoseOfEachSpawnAlone) {
  size_t roots = 0, refused = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const ExecutionLog log = Read(CompactLog(RandomEntries(seed)));
    ASSERT_TRUE(log.complete());
    InputRoots shared(log);
    for (size_t i = 0; i < log.spawns.size(); ++i) {
      for (const std::vector<std::string>& directories :
           {std::vector<std::string>(), {"out/new", "a/b/c"}}) {
        const SpawnParts parts = ExpandSpawn(log, log.spawns[i]);
        const absl::StatusOr<BlobDigest> alone = MerkleRoot(parts.inputs, directories, {});
        const absl::StatusOr<BlobDigest> root = shared.Root(log.spawns[i], directories, {});
        ASSERT_EQ(root.status(), alone.status()) << seed;
        if (root.ok()) {
          ASSERT_EQ(*root, *alone) << seed << " " << i;
          ++roots;
        } else {
          ++refused;
        }
      }
    }
  }
  // Both happened.
  EXPECT_GT(roots, 500u);
  EXPECT_GT(refused, 10u);
}

// A thousand spawns of two hundred shared files and one of their own.
TEST(InputRoots, SharedDirectoriesAreHashedOnce) {
  std::vector<ExecLogEntry> entries(1);
  entries[0].mutable_invocation()->set_hash_function_name("SHA-256");
  uint32_t id = 0;
  const auto file = [&](const std::string& path) {
    ExecLogEntry& entry = entries.emplace_back();
    entry.set_id(++id);
    entry.mutable_file()->set_path(path);
    return id;
  };
  ExecLogEntry headers;
  for (int i = 0; i < 200; ++i) {
    headers.mutable_input_set()->add_input_ids(
        file("include/" + std::to_string(i % 20) + "/" + std::to_string(i)));
  }
  headers.set_id(++id);
  const uint32_t shared = id;
  entries.push_back(headers);
  for (int i = 0; i < 1000; ++i) {
    const uint32_t source = file("src/" + std::to_string(i));
    ExecLogEntry set, spawn;
    set.mutable_input_set()->add_input_ids(source);
    set.mutable_input_set()->add_transitive_set_ids(shared);
    set.set_id(++id);
    entries.push_back(set);
    spawn.mutable_spawn()->set_input_set_id(id);
    entries.push_back(spawn);
  }
  const ExecutionLog log = Read(CompactLog(entries));
  InputRoots roots(log);
  for (size_t i = 0; i < log.spawns.size(); ++i) {
    ASSERT_TRUE(roots.Root(log.spawns[i], {}, {}).ok());
  }
  // include and its 20 directories; of each spawn src and the root.
  EXPECT_EQ(roots.hashed(), 21u + 2 * 1000u);
}

TEST(InputRoots, DamageIsRefused) {
  std::vector<ExecLogEntry> entries = RandomEntries(1);
  for (ExecLogEntry& entry : entries) {
    if (entry.has_input_set()) entry.mutable_input_set()->add_input_ids(4711);
  }
  const ExecutionLog log = Read(CompactLog(entries));
  InputRoots roots(log);
  EXPECT_EQ(roots.Root(log.spawns[0], {}, {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace lre_audit::cache
