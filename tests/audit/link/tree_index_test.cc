// Paths followed inside a tree, as the kernel follows them below a chroot.
#include "audit/link/tree_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "tests/audit/link/facts_builder.h"

namespace lre_audit {
namespace {

using Place = Target::Place;

std::vector<FileFacts> Tree() {
  FactsBuilder tree;
  tree.Directory("/bin");
  tree.Symlink("/bin/sh", kMake + "/bin/make");
  tree.File(kMake + "/bin/make", 0555);  // its directories are only implied
  tree.File(kMake + "/share/doc");
  tree.Symlink(kMake + "/lib64", "lib");
  tree.Directory(kMake + "/lib");
  tree.File(kMake + "/lib/libx.so.1");
  tree.Symlink(kMake + "/lib/libx.so", "libx.so.1");
  tree.Symlink(kMake + "/up", "../../../etc");
  tree.Symlink(kMake + "/far", "../../../../../../../bin");
  tree.Symlink(kMake + "/dangling", kGone + "/lib");
  tree.Symlink(kMake + "/absolute", "/etc/passwd");
  tree.Symlink(kMake + "/loop", "loop");
  tree.Symlink(kMake + "/ping", "pong");
  tree.Symlink(kMake + "/pong", "./ping");
  tree.Symlink(kMake + "/into-loop", "loop/x");
  tree.Symlink(kMake + "/top", "/");
  tree.Symlink(kMake + "/slash", "lib/");
  tree.File("/etc/passwd");
  return tree.Build();
}

struct Row {
  const char* name;
  std::string path, resolved;
  bool exists, is_directory;
};

const Row kRows[] = {
    {"File", "/etc/passwd", "/etc/passwd", true, false},
    {"Root", "/", "/", true, true},
    {"AboveTheRoot", "/../..", "/", true, true},
    {"RootTwice", "//", "/", true, true},
    {"ImpliedDirectory", kMake + "/bin", kMake + "/bin", true, true},
    {"Store", "/nix/store", "/nix/store", true, true},
    {"Dots", "/./etc/../etc/./passwd", "/etc/passwd", true, false},
    {"DotLast", "/etc/.", "/etc", true, true},
    {"DotDotLast", kMake + "/bin/..", kMake, true, true},
    {"Slashes", "//etc///passwd", "/etc/passwd", true, false},
    {"SlashAfterDirectory", "/etc/", "/etc", true, true},
    {"SlashAfterFile", "/etc/passwd/", "/etc/passwd", false, false},
    {"BelowAFile", "/etc/passwd/x", "/etc/passwd/x", false, false},
    {"DotAfterFile", "/etc/passwd/.", "/etc/passwd", false, false},
    {"ParentOfAFile", "/etc/passwd/../passwd", "/etc/passwd", false, false},
    {"ParentOfTheMissing", "/missing/../etc/passwd", "/etc/passwd", false, false},
    {"Missing", "/etc/shadow", "/etc/shadow", false, false},
    {"MissingDirectory", "/opt/x/y", "/opt/x/y", false, false},
    {"PrefixOfAName", "/et", "/et", false, false},
    {"Symlink", "/bin/sh", kMake + "/bin/make", true, false},
    {"SymlinkedDirectory", kMake + "/lib64/libx.so", kMake + "/lib/libx.so.1", true, false},
    {"SymlinkWithSlash", kMake + "/slash/libx.so.1", kMake + "/lib/libx.so.1", true, false},
    {"SymlinkLast", kMake + "/slash", kMake + "/lib", true, true},
    {"ParentOfASymlinkIsItsTargets", kMake + "/up/..", "/", true, true},
    {"AboveTheRootBySymlink", kMake + "/far", "/bin", true, true},
    {"AbsoluteInsideTheRoot", kMake + "/absolute", "/etc/passwd", true, false},
    {"ThroughTheRoot", kMake + "/top" + kMake + "/top/etc", "/etc", true, true},
    {"Dangling", kMake + "/dangling", kGone + "/lib", false, false},
    {"BelowDangling", kMake + "/dangling/x", kGone + "/lib/x", false, false},
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class ResolveTest : public testing::TestWithParam<Row> {};

TEST_P(ResolveTest, Leads) {
  const std::vector<FileFacts> files = Tree();
  const TreeIndex index(files, kStore);
  for (int again = 0; again < 2; ++again) {  // directories are remembered
    const TreeIndex::Resolved resolved = index.Resolve(GetParam().path);
    EXPECT_EQ(resolved.path, GetParam().resolved);
    EXPECT_EQ(resolved.exists, GetParam().exists);
    EXPECT_EQ(resolved.is_directory, GetParam().is_directory);
    if (resolved.file != nullptr) {
      EXPECT_TRUE(resolved.exists);
      EXPECT_EQ(resolved.file->path(), resolved.path);
      EXPECT_NE(resolved.file->type(), FileFacts::SYMLINK);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, ResolveTest, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(TreeIndex, LoopsDoNotExist) {
  const std::vector<FileFacts> files = Tree();
  const TreeIndex index(files, kStore);
  for (const char* name : {"/loop", "/ping", "/loop/x", "/ping/..", "/into-loop", "/pong/x/y"}) {
    EXPECT_FALSE(index.Resolve(kMake + name).exists) << name;
    EXPECT_FALSE(index.Lookup(kMake + name, {}).exists) << name;
  }
}

// 40 symlinks are followed, 41 are a loop (path_resolution(7)), whatever was asked before.
TEST(TreeIndex, AsManySymlinksAsTheKernelFollows) {
  FactsBuilder tree;
  tree.Directory("/d");
  tree.File("/d/file");
  tree.Symlink("/d/link", "file");
  for (int i = 0; i < 45; ++i) {
    tree.Symlink("/l" + std::to_string(i), i == 0 ? "d" : "l" + std::to_string(i - 1));
  }
  const std::vector<FileFacts> files = tree.Build();
  for (bool warm : {false, true}) {
    const TreeIndex index(files, kStore);
    if (warm) {
      EXPECT_TRUE(index.Resolve("/l38/file").exists);
      EXPECT_TRUE(index.Resolve("/l39/file").exists);
    }
    EXPECT_TRUE(index.Resolve("/l39").exists);                // 40
    EXPECT_FALSE(index.Resolve("/l40").exists);               // 41
    EXPECT_TRUE(index.Resolve("/l38/link").exists);           // 40
    EXPECT_FALSE(index.Resolve("/l39/link").exists) << warm;  // 41
    EXPECT_TRUE(index.Resolve("/l39/file").exists);
    EXPECT_FALSE(index.Resolve("/l40/file").exists);
  }
}

// Each symlink doubles the path: bounded, and no file.
TEST(TreeIndex, GrowingTargets) {
  FactsBuilder tree;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "l" + std::to_string(i + 1);
    tree.Symlink("/l" + std::to_string(i), next + "/" + std::string(4000, '/') + next);
  }
  const std::vector<FileFacts> files = tree.Build();
  const TreeIndex index(files, kStore);
  EXPECT_FALSE(index.Resolve("/l0").exists);
}

TEST(TreeIndex, InStore) {
  const std::vector<FileFacts> files = Tree();
  const TreeIndex index(files, kStore);
  EXPECT_TRUE(index.InStore("/nix/store"));
  EXPECT_TRUE(index.InStore("/nix/store/x"));
  EXPECT_FALSE(index.InStore("/nix/store2/x"));
  EXPECT_FALSE(index.InStore("/nix"));
  EXPECT_TRUE(index.HasStorePath(kMake));
  EXPECT_FALSE(index.HasStorePath(kGone));
}

Target Look(const std::string& text, const std::string& base = "") {
  static const auto& files = *new std::vector<FileFacts>(Tree());
  static const auto& index = *new TreeIndex(files, kStore);
  return index.Lookup(text, base);
}

TEST(Lookup, StorePlaces) {
  const Target program = Look("/bin/sh");
  EXPECT_EQ(program.place, Place::kStore);
  EXPECT_EQ(program.path, kMake + "/bin/make");
  EXPECT_EQ(program.store_path, kMake);
  EXPECT_TRUE(program.exists);
  EXPECT_TRUE(program.store_path_exists);
  EXPECT_TRUE(program.is_executable);
  EXPECT_FALSE(program.is_directory);
  EXPECT_FALSE(program.escapes);
  EXPECT_FALSE(Look(kMake + "/share/doc").is_executable);
  EXPECT_FALSE(Look(kMake + "/bin").is_executable);
  EXPECT_TRUE(Look(kMake + "/bin").is_directory);

  const Target file_missing = Look(kMake + "/bin/other");
  EXPECT_EQ(file_missing.store_path, kMake);
  EXPECT_TRUE(file_missing.store_path_exists);
  EXPECT_FALSE(file_missing.exists);
  const Target missing = Look(kGone + "/bin");
  EXPECT_EQ(missing.place, Place::kStore);
  EXPECT_EQ(missing.store_path, kGone);
  EXPECT_FALSE(missing.store_path_exists);
  const Target store = Look("/nix/store");
  EXPECT_EQ(store.place, Place::kStore);
  EXPECT_EQ(store.store_path, "");
}

TEST(Lookup, WhatLeadsOutOfTheStoreEscapes) {
  for (const char* text : {"/up", "/up/passwd", "/absolute", "/../../../etc", "/lib/../up/x"}) {
    const Target target = Look(kMake + text);
    EXPECT_EQ(target.place, Place::kOutside) << text;
    EXPECT_TRUE(target.escapes) << text;
    EXPECT_EQ(target.path.substr(0, 4), "/etc") << text;
  }
  const Target relative = Look("../../../../tmp/x", kMake + "/lib");
  EXPECT_EQ(relative.place, Place::kBuildDirectory);
  EXPECT_TRUE(relative.escapes);
  // Written as what they are, or back in the store: no escape.
  EXPECT_FALSE(Look("/etc/passwd").escapes);
  EXPECT_FALSE(Look("/etc/passwd", kMake + "/lib").escapes);
  EXPECT_FALSE(Look(kMake + "/../" + kMake.substr(11) + "/bin").escapes);
  EXPECT_FALSE(Look("../bin/make", kMake + "/lib").escapes);
  EXPECT_EQ(Look("../bin/make", kMake + "/lib").path, kMake + "/bin/make");
}

TEST(Lookup, RelativeWithoutABase) {
  for (const char* text : {"", "lib", "./lib", "../x", "$ORIGIN"}) {
    EXPECT_EQ(Look(text).place, Place::kRelative) << text;
    EXPECT_EQ(Look(text).path, text);
    EXPECT_FALSE(Look(text).exists);
  }
  EXPECT_EQ(Look("", "/etc").place, Place::kRelative);
  EXPECT_EQ(Look("passwd", "/etc").path, "/etc/passwd");
}

TEST(Lookup, BuildDirectories) {
  for (const char* text : {"/build", "/build/x-1.0", "/tmp/nix-build-x", "/var/tmp", "/home/me/lib",
                           "/root/.cache", "/homeless-shelter", "/private/tmp/x", "/Users/Shared",
                           "/nix/../tmp/x", "/var/folders/zz"}) {
    EXPECT_EQ(Look(text).place, Place::kBuildDirectory) << text;
  }
  for (const char* text :
       {"/builder", "/tmpfs", "/usr/tmp", "/rootfs", "/var", "/private", "/tmp/../etc"}) {
    EXPECT_EQ(Look(text).place, Place::kOutside) << text;
  }
}

}  // namespace
}  // namespace lre_audit
