#include "audit/nix/nar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "audit/bytes/sha256.h"
#include "audit/nix/hash.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// What is below `root`, relative to it, "" for itself, in NAR order.
std::vector<std::string> Entries(const std::string& root) {
  std::vector<std::string> entries = {""};
  if (fs::is_directory(fs::symlink_status(root))) {
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      entries.push_back(entry.path().string().substr(root.size() + 1));
    }
  }
  std::sort(entries.begin(), entries.end(), NarLess);
  return entries;
}

absl::StatusOr<NarHasher::Result> HashTree(const std::string& root, size_t piece_size) {
  NarHasher hasher;
  for (const std::string& entry : Entries(root)) {
    const std::string path = entry.empty() ? root : root + "/" + entry;
    const fs::file_status status = fs::symlink_status(path);
    if (fs::is_directory(status)) {
      EXPECT_TRUE(hasher.Directory(entry).ok());
    } else if (fs::is_symlink(status)) {
      EXPECT_TRUE(hasher.Symlink(entry, fs::read_symlink(path).string()).ok());
    } else {
      const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
      const std::string contents = ReadFileOrFail(path);
      EXPECT_TRUE(hasher.Regular(entry, executable, contents.size()).ok()) << entry;
      for (size_t i = 0; i < contents.size(); i += piece_size) {
        EXPECT_TRUE(hasher.Data(std::string_view(contents).substr(i, piece_size)).ok());
      }
    }
  }
  return hasher.Finish();
}

void ExpectAgreesWithNix(const std::string& root) {
  const std::string hash = Lines(RunShell("nix-hash --type sha256 '" + root + "'")).at(0);
  const std::string size = RunShell("nix-store --dump '" + root + "' | wc -c");
  for (size_t piece_size : {size_t{1}, size_t{7}, size_t{4096}, size_t{1} << 20}) {
    const auto result = HashTree(root, piece_size);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->hash, "sha256:" + hash) << root << ", pieces of " << piece_size;
    EXPECT_EQ(result->size, std::stoull(size)) << root;
  }
}

TEST(NarHasher, TreeOfOddNamesAndSizes) {
  const TemporaryDirectory directory;
  const std::string root = directory / "tree";
  for (const char* name : {"a", "a/b", "a.b", "a-b", "ab", "a/empty", "A", "a/b/c/d/e/f"}) {
    fs::create_directories(root + "/" + name);
  }
  std::mt19937 random(3);
  for (size_t size : {0, 1, 7, 8, 9, 15, 16, 17, 8191, 8192, 8193, 100000}) {
    std::string contents(size, '\0');
    for (char& c : contents) c = static_cast<char>(random());
    const std::string path = root + "/a/b/size " + std::to_string(size);
    WriteFileOrFail(path, contents);
    if (size % 2 == 1) fs::permissions(path, fs::perms::owner_exec, fs::perm_options::add);
  }
  for (const char* name :
       {"a b", "a\x01", "a!", "a\xff", "a\xc3\xa9", "-", "...", "~", "a0", "\n"}) {
    WriteFileOrFail(root + "/" + name, name);
  }
  fs::create_symlink("/nix/store/nowhere", root + "/a/link");
  fs::create_symlink("12345678", root + "/a/link8");
  fs::create_directory_symlink("b", root + "/a/to-directory");
  ExpectAgreesWithNix(root);
}

TEST(NarHasher, RootsThatAreNoDirectory) {
  const TemporaryDirectory directory;
  WriteFileOrFail(directory / "file", "contents");
  WriteFileOrFail(directory / "run", "#!/bin/sh\n");
  WriteFileOrFail(directory / "empty", "");
  fs::permissions(directory / "run", fs::perms::owner_exec, fs::perm_options::add);
  fs::create_symlink("target", directory / "link");
  fs::create_directory(directory / "directory");
  for (const char* name : {"file", "run", "empty", "link", "directory"}) {
    ExpectAgreesWithNix(directory / name);
  }
}

// What Nix records for the paths that it built.
TEST(NarHasher, PathsOfARealStore) {
  const NixStore store(NixStore::Layout::kOwnDirectory);
  store.Fill();
  const std::vector<std::string> paths = store.ValidPaths();
  ASSERT_GE(paths.size(), 6u);
  for (const std::string& path : paths) {
    const auto result = HashTree(path, 64);
    ASSERT_TRUE(result.ok()) << result.status();
    const std::vector<std::string> said =
        Lines(store.Run("nix-store -q --hash " + path + "; nix-store -q --size " + path));
    ASSERT_EQ(said.size(), 2u);
    EXPECT_EQ(result->hash, *NormaliseHash(said[0])) << path;
    EXPECT_EQ(std::to_string(result->size), said[1]) << path;
  }
}

TEST(NarLess, ComponentByComponent) {
  EXPECT_TRUE(NarLess("", "a"));
  EXPECT_TRUE(NarLess("a", "a/b"));
  EXPECT_TRUE(NarLess("a/b", "a-b"));
  EXPECT_TRUE(NarLess("a/b", "a\x01"));
  EXPECT_TRUE(NarLess("a", "a\xff"));
  EXPECT_TRUE(NarLess("a/z", "b"));
  EXPECT_TRUE(NarLess("a~", "a\xc3"));
  EXPECT_FALSE(NarLess("a", "a"));
}

TEST(NarHasher, OutOfOrder) {
  struct Case {
    std::vector<std::string> directories;
    const char* error;
  };
  for (const Case& c :
       std::vector<Case>{{{"a"}, "\"a\" comes before the store path itself"},
                         {{"", ""}, "\"\" appears twice"},
                         {{"", "a", "a"}, "\"a\" appears twice"},
                         {{"", "b", "a"}, "\"a\" comes after \"b\""},
                         {{"", "a", "b", "a/x"}, "\"a/x\" does not follow its directory"},
                         {{"", "a", "a/x", "b", "a"}, "\"a\" comes after \"b\""},
                         {{"", "a/b"}, "\"a/b\" does not follow its directory"},
                         {{"", "a", "ab/c"}, "does not follow its directory"},
                         {{"", "\xff", "a"}, "comes after \"\\xff\""}}) {
    NarHasher hasher;
    absl::Status status;
    for (size_t i = 0; i < c.directories.size(); ++i) {
      ASSERT_TRUE(status.ok()) << status;
      status = hasher.Directory(c.directories[i]);
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << c.error;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error));
    // Of no further use.
    EXPECT_EQ(hasher.Directory("zzz"), status);
    EXPECT_EQ(hasher.Data("x"), status);
    EXPECT_EQ(hasher.Finish().status(), status);
  }
}

TEST(NarHasher, NothingGoesBelowAFileOrASymlink) {
  NarHasher file;
  ASSERT_TRUE(file.Regular("", false, 0).ok());
  EXPECT_EQ(file.Directory("a").code(), absl::StatusCode::kFailedPrecondition);
  NarHasher link;
  ASSERT_TRUE(link.Directory("").ok());
  ASSERT_TRUE(link.Symlink("a", "b").ok());
  EXPECT_EQ(link.Symlink("a/b", "c").code(), absl::StatusCode::kFailedPrecondition);
}

TEST(NarHasher, ContentsOfAnotherSize) {
  NarHasher more;
  ASSERT_TRUE(more.Regular("", false, 3).ok());
  EXPECT_EQ(more.Data("four").code(), absl::StatusCode::kDataLoss);
  NarHasher after;
  ASSERT_TRUE(after.Regular("", false, 3).ok());
  ASSERT_TRUE(after.Data("abc").ok());
  EXPECT_TRUE(after.Data("").ok());
  EXPECT_EQ(after.Data("d").code(), absl::StatusCode::kDataLoss);
  NarHasher less;
  ASSERT_TRUE(less.Directory("").ok());
  ASSERT_TRUE(less.Regular("a", false, 3).ok());
  ASSERT_TRUE(less.Data("ab").ok());
  const absl::Status status = less.Directory("b");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"a\": 2 bytes of contents, 3 announced"));
  NarHasher cut;
  ASSERT_TRUE(cut.Regular("", false, 1).ok());
  EXPECT_EQ(cut.Finish().status().code(), absl::StatusCode::kDataLoss);
  NarHasher none;
  ASSERT_TRUE(none.Directory("").ok());
  EXPECT_EQ(none.Data("x").code(), absl::StatusCode::kDataLoss);
}

TEST(NarHasher, NamesThatANarCannotHold) {
  for (const std::string& name :
       {std::string("."), std::string(".."), std::string("a/../b"), std::string("/a"),
        std::string("a/"), std::string("a//b"), std::string("a\0b", 3)}) {
    NarHasher hasher;
    ASSERT_TRUE(hasher.Directory("").ok());
    EXPECT_EQ(hasher.Directory(name).code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(NarHasher().Finish().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(NarHasher, DepthIsBoundedByThePathAlone) {
  NarHasher hasher;
  std::string path;
  ASSERT_TRUE(hasher.Directory("").ok());
  for (int depth = 0; depth < 2000; ++depth) {
    path += path.empty() ? "d" : "/d";
    ASSERT_TRUE(hasher.Directory(path).ok());
  }
  EXPECT_TRUE(hasher.Finish().ok());
}

TEST(Sha256, AgreesWithCoreutils) {
  const std::string text(100000, 'x');
  Sha256 sha256;
  for (size_t i = 0; i < text.size(); i += 999) {
    sha256.Update(std::string_view(text).substr(i, 999));
  }
  EXPECT_EQ(sha256.FinishHex(),
            RunShell("head -c 100000 /dev/zero | tr '\\0' x | sha256sum").substr(0, 64));
}

}  // namespace
}  // namespace lre_audit::nix
