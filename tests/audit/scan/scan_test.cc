// The first pass over a whole tree.
#include "audit/scan/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "audit/nix/references.h"
#include "tests/audit/nix/nix_fixture.h"
#include "tests/audit/scan/fake_tree.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kHash = "0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai";
const std::string kPackage = "/nix/store/" + kHash + "-package-1.0";
const std::string kOther = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-other-2.0";
const std::string kOtherHash = kOther.substr(11, 32);

ScanOptions Jobs(int jobs) {
  ScanOptions options;
  options.jobs = jobs;
  return options;
}

// Everything that a scan says, for comparison.
std::string Dump(const std::vector<ScannedPart>& parts) {
  std::string text;
  for (const ScannedPart& part : parts) {
    for (const Entry& entry : part.entries) {
      text += entry.path + " " + std::to_string(entry.index) + "\n";
    }
    for (const FileFacts& facts : part.facts) text += facts.ShortDebugString() + "\n";
    for (const auto& [path, nar] : part.nars) {
      text += path + " " + nar.nar.hash + " " + std::to_string(nar.entries) + "\n";
    }
    for (const Problem& problem : part.problems) text += problem.message + "\n";
  }
  return text;
}

void AddPackage(FakeTree& tree, const std::string& root) {
  elf::ElfSpec spec;
  spec.runpath = kOther + "/lib";
  spec.needed = {"libx.so.1"};
  tree.Directory(root);
  tree.Directory(root + "/bin").Executable(root + "/bin/program", elf::BuildElf(spec).bytes);
  tree.Executable(root + "/bin/script", "#!" + kOther + "/bin/sh\n");
  tree.Directory(root + "/empty").File(root + "/file", "").Symlink(root + "/link", "bin/program");
}

TEST(ScanTree, MetadataBecomesFacts) {
  FakeTree tree;
  tree.Layer().File(kPackage, "hello", 04755);
  tree.last().uid = 7;
  tree.last().gid = 8;
  tree.last().mtime = -5;
  tree.last().xattrs = {{"security.capability", "\1\2"}, {"user.x", ""}};
  tree.Layer().Symlink("/a", "b").Other("/fifo", Entry::Type::kFifo).Directory("/d");
  tree.Hardlink("/h", "/a")
      .Whiteout("/w")
      .Opaque("/o")
      .Other("/null", Entry::Type::kCharacterDevice);
  tree.Other("/block", Entry::Type::kBlockDevice).Other("/socket", Entry::Type::kSocket);
  const std::vector<ScannedPart> parts = ScanTree(tree, Jobs(1));
  ASSERT_EQ(parts.size(), 2u);
  const FileFacts& file = parts[0].facts.at(0);
  EXPECT_EQ(file.path(), kPackage);
  EXPECT_EQ(file.type(), FileFacts::REGULAR);
  EXPECT_EQ(file.mode(), 04755u);
  EXPECT_EQ(file.uid(), 7u);
  EXPECT_EQ(file.gid(), 8u);
  EXPECT_EQ(file.mtime(), -5);
  EXPECT_EQ(file.size(), 5u);
  EXPECT_EQ(file.layer(), 0);
  EXPECT_THAT(file.xattrs(), ElementsAre("security.capability", "user.x"));
  std::vector<std::string> types;
  for (const FileFacts& facts : parts[1].facts) {
    types.push_back(FileFacts::Type_Name(facts.type()));
    EXPECT_EQ(facts.path().empty(), facts.type() == FileFacts::TYPE_UNSPECIFIED);
    EXPECT_EQ(facts.layer(), facts.path().empty() ? 0 : 1);
  }
  EXPECT_THAT(types,
              ElementsAre("SYMLINK", "FIFO", "DIRECTORY", "TYPE_UNSPECIFIED", "TYPE_UNSPECIFIED",
                          "TYPE_UNSPECIFIED", "CHARACTER_DEVICE", "BLOCK_DEVICE", "SOCKET"));
  EXPECT_EQ(parts[1].facts[0].target(), "b");
  for (size_t i = 0; i < parts[1].entries.size(); ++i) EXPECT_EQ(parts[1].entries[i].index, i);
}

TEST(ScanTree, TheSameForAnyNumberOfThreads) {
  FakeTree tree;
  for (int i = 0; i < 12; ++i) {
    tree.Layer();
    for (char c : {'a', 'b', 'c'}) {
      const std::string name = std::string(1, c) + std::to_string(i % 10);
      AddPackage(tree, "/nix/store/" + name + kHash.substr(2) + "-x");
    }
    Problem problem;
    problem.message = "problem " + std::to_string(i);
    tree.AddProblem(i, problem);
  }
  const std::string expected = Dump(ScanTree(tree, Jobs(1)));
  EXPECT_THAT(expected, ::testing::HasSubstr("problem 11"));
  tree.set_piece_size(5);
  EXPECT_EQ(Dump(ScanTree(tree, Jobs(2))), expected);
  EXPECT_EQ(Dump(ScanTree(tree, Jobs(8))), expected);
  EXPECT_EQ(Dump(ScanTree(tree, Jobs(0))), expected);
  // Each part once a scan, each verified.
  for (size_t part = 0; part < 12; ++part) EXPECT_EQ(tree.streams(part), 4);
  EXPECT_EQ(tree.verified_streams(), 48);
}

// Nix scans the NAR, in which names and symlink targets stand as well.
TEST(ScanTree, NamesAndTargetsAreReferences) {
  FakeTree tree;
  tree.Layer().Directory(kPackage);
  tree.Symlink(kPackage + "/link", kOther + "/bin/x");
  tree.Directory(kPackage + "/" + kOtherHash + "-named");
  tree.File(kPackage + "/" + kOtherHash, "");
  tree.Symlink(kPackage + "/relative", "../" + kOtherHash + "-other-2.0");
  tree.Directory(kOther).File(kOther + "/plain", "");
  const std::vector<ScannedPart> parts = ScanTree(tree, Jobs(1));
  const std::vector<FileFacts>& facts = parts[0].facts;
  const uint64_t other = nix::HashFingerprint(kOtherHash);
  for (int i : {1, 2, 3, 4}) EXPECT_THAT(facts[i].windows(), Contains(other)) << facts[i].path();
  // A store path's own name is no part of its NAR; nor is what stands above a file.
  EXPECT_THAT(facts[0].windows(), IsEmpty());
  EXPECT_THAT(facts[5].windows(), IsEmpty());
  EXPECT_THAT(facts[6].windows(), IsEmpty());
}

TEST(ScanTree, WindowsAreSortedAndDistinct) {
  FakeTree tree;
  const std::string name = kPackage + "/" + kOtherHash + kHash;
  tree.Layer().Directory(kPackage).File(name, kOtherHash + " " + kOtherHash + kHash);
  const FileFacts facts = ScanTree(tree, Jobs(1))[0].facts[1];
  EXPECT_THAT(facts.windows(), Contains(nix::HashFingerprint(kHash)));
  std::vector<uint64_t> windows(facts.windows().begin(), facts.windows().end());
  EXPECT_TRUE(std::is_sorted(windows.begin(), windows.end()));
  EXPECT_EQ(std::adjacent_find(windows.begin(), windows.end()), windows.end());
}

TEST(ScanTree, NarHashOfWhatComesInOrder) {
  const TemporaryDirectory directory;
  nix::RunShell("cd " + directory.path() +
                " && mkdir -p p/bin p/empty && printf hello > p/bin/program && chmod 555 "
                "p/bin/program && : > p/file && ln -s bin/program p/link");
  FakeTree tree;
  tree.Layer().File("/etc/passwd", "root").Directory(kPackage).Directory(kPackage + "/bin");
  tree.Executable(kPackage + "/bin/program", "hello").Directory(kPackage + "/empty");
  tree.File(kPackage + "/file", "").Symlink(kPackage + "/link", "bin/program");
  tree.File(kOther, "other");
  tree.set_piece_size(2);
  const std::vector<ScannedPart> parts = ScanTree(tree, Jobs(1));
  ASSERT_EQ(parts[0].nars.size(), 2u);
  const StreamedNar& nar = parts[0].nars.at(kPackage);
  const std::string real =
      nix::RunShell("nix-store --dump " + directory.path() + "/p | sha256sum").substr(0, 64);
  EXPECT_EQ(nar.nar.hash, "sha256:" + real);
  EXPECT_EQ(nar.entries, 6u);
  EXPECT_EQ(std::to_string(nar.nar.size) + "\n",
            nix::RunShell("nix-store --dump " + directory.path() + "/p | wc -c"));

  ScanOptions without;
  without.nar_hashes = false;
  EXPECT_THAT(ScanTree(tree, without)[0].nars, IsEmpty());
}

// A hash that is not the merged path's must not look as if it were.
TEST(ScanTree, NoNarHashOfWhatDoesNot) {
  const auto hashes = [](FakeTree& tree) {
    tree.File("/z", "");
    return ScanTree(tree, Jobs(1))[0].nars;
  };
  FakeTree unordered, no_top, split, hardlink, fifo, cut, again;
  unordered.Layer().Directory(kPackage).File(kPackage + "/b", "").File(kPackage + "/a", "");
  no_top.Layer().File(kPackage + "/a", "");
  split.Layer().Directory(kPackage).File(kOther, "x").File(kPackage + "/a", "");
  hardlink.Layer()
      .Directory(kPackage)
      .File(kPackage + "/a", "")
      .Hardlink(kPackage + "/b", kPackage + "/a");
  fifo.Layer().Directory(kPackage).Other(kPackage + "/a", Entry::Type::kFifo);
  cut.Layer().Directory(kPackage).Truncated(kPackage + "/a", "x", 2);
  again.Layer().Directory(kPackage).File(kPackage + "/a", "1").File(kPackage + "/a", "2");
  for (FakeTree* tree : {&unordered, &no_top, &split, &hardlink, &fifo, &cut, &again}) {
    EXPECT_THAT(hashes(*tree), Not(Contains(::testing::Key(kPackage))));
  }
}

TEST(ScanTree, BytesAreCounted) {
  FakeTree tree;
  tree.Layer().File("/a", std::string(1000, 'x')).Layer().File("/b", std::string(500, 'y'));
  tree.set_piece_size(7);
  std::atomic<uint64_t> bytes = 0;
  ScanOptions options;
  options.jobs = 2;
  options.on_bytes = [&](uint64_t more) { bytes += more; };
  ScanTree(tree, options);
  EXPECT_EQ(bytes, 1500u);
}

TEST(RunParallel, EachOnceAndLargestFirst) {
  const std::vector<uint64_t> sizes = {1, 30, 2, 30, 4};
  std::vector<size_t> order;
  RunParallel(sizes, 1, [&](size_t i) { order.push_back(i); });
  EXPECT_THAT(order, ElementsAre(1, 3, 4, 2, 0));
  for (int jobs : {2, 3, 100}) {
    std::vector<std::atomic<int>> runs(sizes.size());
    RunParallel(sizes, jobs, [&](size_t i) { ++runs[i]; });
    for (const std::atomic<int>& count : runs) EXPECT_EQ(count, 1);
  }
  RunParallel({}, 4, [](size_t) { ADD_FAILURE(); });
}

}  // namespace
}  // namespace lre_audit
