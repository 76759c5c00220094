// Layers laid over each other: what a process would see, its NAR hashes (with Nix as oracle), and
// what upper layers change. Reads are counted.
#include "audit/link/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/audit/nix/nix_fixture.h"
#include "tests/audit/scan/fake_tree.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

const std::string kPath = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-package-1.0";
const std::string kOther = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-other-2.0";

MergedTree Merge(const FakeTree& tree, bool nar_hashes = true) {
  ScanOptions options;
  options.jobs = 2;
  options.nar_hashes = nar_hashes;
  return MergeParts(tree, ScanTree(tree, options), options);
}

// What `nix-store --dump` of the package below gives.
std::string RealHash() {
  const TemporaryDirectory directory;
  nix::RunShell("cd " + directory.path() +
                " && mkdir -p p/bin && printf hello > p/bin/program && chmod 555 p/bin/program && "
                "printf data > p/data && ln -s bin/program p/link");
  return "sha256:" +
         nix::RunShell("nix-store --dump " + directory.path() + "/p | sha256sum").substr(0, 64);
}

struct Way {
  const char* name;
  std::function<void(FakeTree&)> fill;  // the same package at kPath, one way or another
  std::vector<int> streams;             // of each layer
};

const Way kWays[] = {
    {"InOrder",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).Directory(kPath + "/bin");
       t.Executable(kPath + "/bin/program", "hello").File(kPath + "/data", "data");
       t.Symlink(kPath + "/link", "bin/program").Layer().File("/etc/passwd", "root");
     },
     {1, 1}},
    {"OutOfOrder",
     [](FakeTree& t) {
       t.Layer().File("/etc/passwd", "root").Layer().Symlink(kPath + "/link", "bin/program");
       t.File(kPath + "/data", "data").Executable(kPath + "/bin/program", "hello");
       t.Directory(kPath + "/bin").Directory(kPath);
     },
     {1, 2}},
    {"ImpliedDirectories",
     [](FakeTree& t) {
       t.Layer().Executable(kPath + "/bin/program", "hello").File(kPath + "/data", "data");
       t.Symlink(kPath + "/link", "bin/program");
     },
     {2}},
    {"HardlinkInside",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).Executable(kPath + "/z", "hello").Directory(kPath + "/bin");
       t.Hardlink(kPath + "/bin/program", kPath + "/z").File(kPath + "/data", "data");
       t.Symlink(kPath + "/link", "bin/program").Layer().Whiteout(kPath + "/z");
     },
     {2, 1}},
    {"HardlinkToAnotherPath",
     [](FakeTree& t) {
       t.Layer().File(kOther, "data").Directory(kPath).Directory(kPath + "/bin");
       t.Executable(kPath + "/bin/program", "hello").Hardlink(kPath + "/data", kOther);
       t.Symlink(kPath + "/link", "bin/program");
     },
     {2}},
    {"HardlinkIntoALowerLayer",
     [](FakeTree& t) {
       t.Layer().Executable("/nix/store/.links/x", "hello").Layer().File("/unrelated", "");
       t.Layer().Directory(kPath).Directory(kPath + "/bin");
       t.Hardlink(kPath + "/bin/program", "/nix/store/.links/x").File(kPath + "/data", "data");
       t.Symlink(kPath + "/link", "bin/program");
     },
     {2, 1, 2}},
    {"SpreadOverLayers",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).Directory(kPath + "/bin").File(kPath + "/data", "data");
       t.Layer().File("/unrelated", "").Layer().Executable(kPath + "/bin/program", "hello");
       t.Layer().Symlink(kPath + "/link", "bin/program");
     },
     {2, 1, 2, 1}},
    {"RemovedAndBroughtAgain",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).File(kPath + "/old", "old").File(kPath + "/zzz", "");
       t.Layer().Whiteout(kPath).Layer().Directory(kPath).Directory(kPath + "/bin");
       t.Executable(kPath + "/bin/program", "hello").File(kPath + "/data", "data");
       t.Symlink(kPath + "/link", "bin/program");
     },
     {1, 1, 1}},
    {"EntriesHiddenByAnOpaqueDirectory",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).File(kPath + "/old", "old").Layer().Directory(kPath);
       t.Opaque(kPath).Directory(kPath + "/bin").Executable(kPath + "/bin/program", "hello");
       t.File(kPath + "/data", "data").Symlink(kPath + "/link", "bin/program");
     },
     {1, 2}},
    {"SentTwice",
     [](FakeTree& t) {
       for (int i = 0; i < 2; ++i) {
         t.Layer().Directory(kPath).Directory(kPath + "/bin");
         t.Executable(kPath + "/bin/program", "hello").File(kPath + "/data", "data");
         t.Symlink(kPath + "/link", "bin/program");
       }
     },
     {2, 2}},  // the second time to compare contents
    {"ReplacedInAnUpperLayer",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).Directory(kPath + "/bin");
       t.Executable(kPath + "/bin/program", "hello").File(kPath + "/data", "DATA");
       t.Symlink(kPath + "/link", "elsewhere");
       t.Layer().File(kPath + "/data", "data").Symlink(kPath + "/link", "bin/program");
     },
     {3, 3}},  // once for the NAR, once to compare contents
    {"RemovedInPartByAnUpperLayer",
     [](FakeTree& t) {
       t.Layer().Directory(kPath).Directory(kPath + "/bin");
       t.Executable(kPath + "/bin/program", "hello").File(kPath + "/data", "data");
       t.Symlink(kPath + "/link", "bin/program").File(kPath + "/old", "old");
       t.Layer().Whiteout(kPath + "/old");
     },
     {2, 1}},
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class NarHashTest : public testing::TestWithParam<Way> {};

TEST_P(NarHashTest, IsNix) {
  FakeTree tree;
  GetParam().fill(tree);
  tree.set_piece_size(2);
  const MergedTree merged = Merge(tree);
  ASSERT_THAT(merged.nars, ::testing::Contains(Key(kPath)));
  EXPECT_EQ(merged.nars.at(kPath).hash, RealHash());
  std::vector<int> streams;
  for (size_t i = 0; i < tree.parts().size(); ++i) streams.push_back(tree.streams(i));
  EXPECT_EQ(streams, GetParam().streams);
}

TEST_P(NarHashTest, NotWhereNobodyAsks) {
  FakeTree tree;
  GetParam().fill(tree);
  const MergedTree merged = Merge(tree, /*nar_hashes=*/false);
  EXPECT_THAT(merged.nars, IsEmpty());
  EXPECT_THAT(merged.files, Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Ways, NarHashTest, testing::ValuesIn(kWays),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Merge, OneReadingIsEnoughWithoutNarHashes) {
  FakeTree tree;
  tree.Layer().File(kPath + "/b", "b").File(kPath + "/a", "a");
  tree.Layer().Hardlink(kOther, kPath + "/a");
  Merge(tree, /*nar_hashes=*/false);
  EXPECT_EQ(tree.streams(0), 1);
  EXPECT_EQ(tree.streams(1), 1);
}

TEST(Merge, NoHashOfWhatNoNarHolds) {
  FakeTree tree;
  tree.Layer().Directory(kPath).Other(kPath + "/fifo", Entry::Type::kFifo).File(kOther, "x");
  tree.Layer().Truncated("/nix/store/2m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-cut", "x", 2);
  EXPECT_THAT(Merge(tree).nars, ElementsAre(Key(kOther)));
}

std::vector<std::string> Alterations(FakeTree& tree) {
  std::vector<std::string> lines;
  for (const Alteration& alteration : Merge(tree).alterations) {
    lines.push_back(alteration.upper + " " + alteration.how + " " + alteration.path + " of " +
                    alteration.lower);
  }
  return lines;
}

TEST(Merge, AlterationsAreWhatReallyDiffers) {
  FakeTree tree;
  tree.Layer().Directory(kPath);
  for (const char* name : {"/gone", "/other", "/same", "/size"}) tree.File(kPath + name, "12");
  tree.Layer().Directory(kPath).File(kPath + "/same", "12").File(kPath + "/other", "21");
  tree.File(kPath + "/size", "123").File(kPath + "/added", "").Whiteout(kPath + "/gone");
  tree.File("/etc/passwd", "a").Layer().File("/etc/passwd", "b").Directory(kPath);
  tree.last().mode = 0755;
  EXPECT_THAT(Alterations(tree), ::testing::UnorderedElementsAre(
                                     "layer 2 replaces " + kPath + "/other of layer 1",
                                     "layer 2 replaces " + kPath + "/size of layer 1",
                                     "layer 2 removes " + kPath + "/gone of layer 1",
                                     "layer 2 adds " + kPath + "/added of ",
                                     "layer 3 changes metadata of " + kPath + " of layer 2"));
  EXPECT_EQ(tree.streams(2), 1);  // holds nothing that needs comparing
}

TEST(Merge, WhatCannotBeComparedIsAnAlteration) {
  FakeTree tree;
  tree.Layer().File(kPath, "12").Layer().Truncated(kPath, "1", 2);
  EXPECT_THAT(Alterations(tree), ElementsAre("layer 2 replaces " + kPath + " of layer 1"));
}

// The same name twice in one layer: who takes the last one and who the first see two images, unless
// both are the same.
TEST(Merge, DuplicatesThatDiffer) {
  FakeTree tree;
  tree.Layer().Directory(kPath).Directory(kPath);
  for (const char* contents : {"12", "21"}) tree.File(kPath + "/other", contents);
  for (const char* contents : {"12", "123"}) tree.File(kPath + "/longer", contents);
  for (const char* contents : {"12", "12"}) tree.File(kPath + "/same", contents);
  for (const char* target : {"/a", "/b"}) tree.Symlink("/link", target);
  for (const char* target : {"/a", "/a"}) tree.Symlink("/same-link", target);
  tree.File("/file", "x").Directory("/file");
  tree.Layer().File(kPath + "/other", "33");  // another layer replaces; that is LRE403's
  std::vector<std::string> lines;
  for (const Problem& problem : Merge(tree).problems) {
    EXPECT_EQ(problem.kind, Problem::Kind::kViewsDisagree);
    lines.push_back(problem.where + " " + problem.message);
  }
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre(
                         "layer 1 holds " + kPath + "/other twice, with other contents",
                         "layer 1 holds " + kPath + "/longer twice, with other contents",
                         "layer 1 holds /link twice, with another target",
                         "layer 1 holds /file twice, with another type"));
}

const FileFacts* Find(const MergedTree& merged, const std::string& path) {
  for (const FileFacts& file : merged.files) {
    if (file.path() == path) return &file;
  }
  ADD_FAILURE() << path;
  static const FileFacts& none = *new FileFacts;
  return &none;
}

TEST(Merge, FilesAreSortedAndOfTheUppermostLayer) {
  FakeTree tree;
  tree.Layer().File("/b", "lower").Directory("/a").File("/a/x", "").File("/a-b", "").File("/c", "");
  tree.Layer().File("/b", "upper").Whiteout("/c").File("/d/e/f", "");
  const MergedTree merged = Merge(tree);
  std::vector<std::string> paths;
  for (const FileFacts& file : merged.files) paths.push_back(file.path());
  EXPECT_THAT(paths, ElementsAre("/a", "/a-b", "/a/x", "/b", "/d/e/f"));
  EXPECT_EQ(Find(merged, "/b")->layer(), 1);
  EXPECT_THAT(merged.layer_names, ElementsAre("layer 1", "layer 2"));
  EXPECT_EQ(merged.entries, 8u);
  EXPECT_EQ(merged.bytes, 10u);
}

TEST(Merge, HardlinksAreFilesOfTheirOwn) {
  FakeTree tree;
  const std::string contents = "#!/bin/sh\n";
  tree.Layer().Executable("/m", contents).Hardlink("/a", "/m");
  tree.Layer().Hardlink("/z", "/m");
  const MergedTree merged = Merge(tree);
  ASSERT_EQ(merged.files.size(), 3u);
  for (const FileFacts& file : merged.files) {
    EXPECT_EQ(file.type(), FileFacts::REGULAR);
    EXPECT_EQ(file.size(), contents.size());
    ASSERT_EQ(file.claims_size(), 1) << file.path();
    EXPECT_EQ(file.claims(0).text(), "/bin/sh");
  }
  EXPECT_EQ(Find(merged, "/m")->hardlink_to(), "");
  EXPECT_EQ(Find(merged, "/a")->hardlink_to(), "/m");
  EXPECT_EQ(Find(merged, "/z")->hardlink_to(), "/m");
  EXPECT_EQ(Find(merged, "/a")->layer(), 0);
  EXPECT_EQ(Find(merged, "/z")->layer(), 1);  // which brought this name
}

// The contents live on under their other names, and a new file of the old name is another inode.
TEST(Merge, HardlinksOfWhatIsHidden) {
  FakeTree tree;
  tree.Layer().Executable("/m", "#!/old\n").Hardlink("/x", "/m").Hardlink("/y", "/m");
  tree.Layer().Executable("/m", "#!/new\n");
  const MergedTree merged = Merge(tree);
  ASSERT_EQ(merged.files.size(), 3u);
  EXPECT_EQ(Find(merged, "/m")->claims(0).text(), "/new");
  EXPECT_EQ(Find(merged, "/x")->claims(0).text(), "/old");
  EXPECT_EQ(Find(merged, "/y")->claims(0).text(), "/old");
  EXPECT_EQ(Find(merged, "/m")->hardlink_to(), "");
  EXPECT_EQ(Find(merged, "/x")->hardlink_to(), "");
  EXPECT_EQ(Find(merged, "/y")->hardlink_to(), "/x");
}

TEST(Merge, ProblemsOfTheTreeAndItsParts) {
  FakeTree tree;
  tree.Layer().File("/file", "").Layer().Hardlink("/h", "/nowhere").File("/file/below", "");
  Problem problem;
  problem.kind = Problem::Kind::kDiffIdMismatch;
  problem.message = "another diff_id";
  tree.AddProblem(1, problem);
  const MergedTree merged = Merge(tree);
  std::vector<std::string> messages;
  for (const Problem& p : merged.problems) messages.push_back(p.where + ": " + p.message);
  ASSERT_GE(messages.size(), 2u);
  EXPECT_EQ(messages[0], ": another diff_id");
  EXPECT_THAT(messages[1], ::testing::StartsWith("layer 2: /h: "));
  EXPECT_EQ(merged.problems[1].kind, Problem::Kind::kMalformed);
}

TEST(Merge, DirectoriesHaveNoLayers) {
  FakeTree tree;
  tree.Plain("files").File("/a", "");
  EXPECT_THAT(Merge(tree).layer_names, ElementsAre(""));
}

}  // namespace
}  // namespace lre_audit
