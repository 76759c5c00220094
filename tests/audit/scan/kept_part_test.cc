// What an earlier audit found in a layer is what a scan would find, or it is not used.
#include "audit/scan/kept_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "audit/facts/facts_cache.h"
#include "audit/facts/upkeep.h"
#include "audit/link/merge.h"
#include "audit/scan/kept_hashes.h"
#include "tests/audit/scan/fake_tree.h"
#include "tests/audit/trees/support.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kPackage = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-package-1.0";
const std::string kOther = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-other-2.0";

// A tree whose layers have digests.
class DigestTree : public FakeTree {
 public:
  std::map<size_t, std::string> digests, readings;
  std::map<size_t, bool> altered;  // the bytes are not those of the digest
  std::map<size_t, std::string> promised_diff_ids;
  mutable int verified = 0;

  Content content(size_t part) const override {
    const auto digest = digests.find(part);
    if (digest == digests.end()) return {};
    const auto reading = readings.find(part);
    return {digest->second, reading == readings.end() ? "plain" : reading->second};
  }
  bool Verify(size_t part, const std::string& diff_id,
              std::vector<Problem>& problems) const override {
    ++verified;
    const auto other = altered.find(part);
    if (other != altered.end() && other->second) return false;
    const auto promised = promised_diff_ids.find(part);
    if (promised != promised_diff_ids.end() && promised->second != diff_id) {
      Problem& problem = problems.emplace_back();
      problem.kind = Problem::Kind::kDiffIdMismatch;
      problem.message = "diff_id is " + diff_id;
    }
    return true;
  }
};

std::string Dump(const ScannedPart& part) {
  std::string text;
  for (const Entry& e : part.entries) {
    text += e.path + " " + std::to_string(static_cast<int>(e.type)) + " " + std::to_string(e.mode) +
            " " + std::to_string(e.uid) + " " + std::to_string(e.gid) + " " +
            std::to_string(e.mtime) + " " + std::to_string(e.size) + " " + e.target + " " +
            std::to_string(e.index) + " " + std::to_string(e.xattrs.size()) + "\n";
  }
  for (const FileFacts& facts : part.facts) text += facts.ShortDebugString() + "\n";
  for (const auto& [path, nar] : part.nars) {
    text += path + " " + nar.nar.hash + " " + std::to_string(nar.nar.size) + " " +
            std::to_string(nar.entries) + "\n";
  }
  for (const Problem& problem : part.problems) text += problem.message + "\n";
  return text;
}

std::string Dump(const std::vector<ScannedPart>& parts) {
  std::string text;
  for (const ScannedPart& part : parts) text += Dump(part) + "--\n";
  return text;
}

class KeptPartTest : public ::testing::Test {
 protected:
  KeptPartTest() {
    elf::ElfSpec spec;
    spec.runpath = kOther + "/lib";
    spec.needed = {"libx.so.1"};
    tree_.Layer().Directory(kPackage).Executable(kPackage + "/a", elf::BuildElf(spec).bytes);
    tree_.File(kPackage + "/b", "#!" + kOther + "/bin/sh\n").Symlink(kPackage + "/c", "b");
    tree_.last().xattrs = {{"user.x", "1"}};
    tree_.Layer().Hardlink("/etc/hard", kPackage + "/b").Whiteout("/etc/gone").Opaque("/var");
    tree_.Other("/dev/null", Entry::Type::kCharacterDevice).File("/etc/f", "contents");
    tree_.last().mtime = -5;
    tree_.last().index = 0;
    tree_.digests = {{0, "sha256:0"}, {1, "sha256:1"}};
  }

  std::vector<ScannedPart> Scan(const Tree& tree, bool nar_hashes = true,
                                const std::string& version = "1") {
    FactsCacheOptions options;
    options.directory = scratch_ / "cache";
    options.version = version;
    options.on_note = [&](const std::string& note) { notes_.push_back(note); };
    FactsCache cache(options);
    ScanOptions scan;
    scan.jobs = 1;
    scan.nar_hashes = nar_hashes;
    scan.cache = &cache;
    return ScanTree(tree, scan);
  }
  std::string Uncached(const Tree& tree, bool nar_hashes = true) {
    ScanOptions scan;
    scan.jobs = 1;
    scan.nar_hashes = nar_hashes;
    return Dump(ScanTree(tree, scan));
  }

  TemporaryDirectory scratch_;
  DigestTree tree_;
  std::vector<std::string> notes_;
};

TEST_F(KeptPartTest, TheSecondScanReadsNothingAndFindsTheSame) {
  const std::string expected = Uncached(tree_);
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  const int streams = tree_.total_streams();
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  EXPECT_EQ(tree_.total_streams(), streams);
  EXPECT_EQ(tree_.verified, 2);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(KeptPartTest, ALayerIsKnownWhereverItStands) {
  Scan(tree_);
  DigestTree turned;
  turned.Layer().Layer();
  turned.items(0) = tree_.items(1);
  turned.items(1) = tree_.items(0);
  turned.digests = {{0, "sha256:1"}, {1, "sha256:0"}};
  const std::string expected = Uncached(turned);
  const int streams = turned.total_streams();
  EXPECT_EQ(Dump(Scan(turned)), expected);
  EXPECT_EQ(turned.total_streams(), streams);
}

TEST_F(KeptPartTest, AlteredBytesAreScanned) {
  Scan(tree_);
  tree_.altered[0] = true;
  tree_.items(0).pop_back();
  const std::string expected = Uncached(tree_);
  const int streams = tree_.streams(0);
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  EXPECT_EQ(tree_.streams(0), streams + 1);
}

TEST_F(KeptPartTest, WhatElseDecidesIsPartOfTheKey) {
  Scan(tree_);
  const int streams = tree_.streams(0);
  Scan(tree_, true, "2");
  EXPECT_EQ(tree_.streams(0), streams + 1);
  tree_.readings[0] = "other limits";
  Scan(tree_);
  EXPECT_EQ(tree_.streams(0), streams + 2);
  tree_.digests[0] = "sha256:2";
  Scan(tree_);
  EXPECT_EQ(tree_.streams(0), streams + 3);
  Scan(tree_);
  EXPECT_EQ(tree_.streams(0), streams + 3);
}

TEST_F(KeptPartTest, NarHashesServeThoseWhoNeedNone) {
  Scan(tree_, /*nar_hashes=*/false);
  const int streams = tree_.streams(0);
  Scan(tree_, /*nar_hashes=*/false);
  EXPECT_EQ(tree_.streams(0), streams);
  const std::vector<ScannedPart> with = Scan(tree_, /*nar_hashes=*/true);
  EXPECT_EQ(tree_.streams(0), streams + 1);
  EXPECT_TRUE(with[0].nars.contains(kPackage));
  std::filesystem::remove_all(scratch_ / "cache");
  Scan(tree_, /*nar_hashes=*/true);
  const int again = tree_.streams(0);
  Scan(tree_, /*nar_hashes=*/false);
  EXPECT_EQ(tree_.streams(0), again);
}

TEST_F(KeptPartTest, WhatIsWrongIsLookedAtEachTime) {
  Problem problem;
  problem.kind = Problem::Kind::kUnreadable;
  problem.message = "cannot be read";
  tree_.AddProblem(0, problem);
  const std::string expected = Uncached(tree_);
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  const int streams = tree_.streams(0);
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  EXPECT_EQ(tree_.streams(0), streams + 1);
}

TEST_F(KeptPartTest, APartWithoutADigestIsNotKept) {
  tree_.digests.clear();
  Scan(tree_);
  const int streams = tree_.total_streams();
  Scan(tree_);
  EXPECT_EQ(tree_.total_streams(), streams + 2);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "cache"));
}

TEST_F(KeptPartTest, FactsThatAreNoneAreDropped) {
  Scan(tree_);
  const std::string expected = Uncached(tree_);
  FactsCacheOptions options;
  options.directory = scratch_ / "cache";
  options.version = "1";
  // Sound as a file, senseless as facts: only a programmer's mistake makes these.
  for (const auto& file : std::filesystem::directory_iterator(scratch_ / "cache")) {
    FactsCache(options).Keep(file.path().filename().string().substr(0, 64), "\xff\xff\xff");
  }
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("dropped"), HasSubstr("dropped")));
  notes_.clear();
  EXPECT_EQ(Dump(Scan(tree_)), expected);
  EXPECT_THAT(notes_, IsEmpty());
}

// Store paths out of order, and a file that two layers hold: second passes.
TEST_F(KeptPartTest, SecondPassesAreKeptToo) {
  DigestTree tree;
  tree.Layer().File(kPackage + "/z", "z").File(kPackage + "/a", "a").Directory(kPackage);
  tree.Directory(kOther).File(kOther + "/x", "x");
  tree.Layer().File(kOther + "/x", "x").File(kOther + "/y", "y");
  tree.digests = {{0, "sha256:0"}, {1, "sha256:1"}};
  const auto merged = [&](FactsCache* cache) {
    ScanOptions scan;
    scan.jobs = 1;
    scan.cache = cache;
    const MergedTree tree_as_seen = MergeParts(tree, ScanTree(tree, scan), scan);
    std::string text;
    for (const auto& [path, nar] : tree_as_seen.nars) text += path + " " + nar.hash + "\n";
    for (const Alteration& a : tree_as_seen.alterations) text += a.how + " " + a.path + "\n";
    return text;
  };
  FactsCacheOptions options;
  options.directory = scratch_ / "cache";
  const std::string expected = merged(nullptr);
  EXPECT_THAT(expected, HasSubstr(kPackage + " sha256:"));
  EXPECT_THAT(expected, HasSubstr("adds " + kOther + "/y"));
  FactsCache cache(options);
  EXPECT_EQ(merged(&cache), expected);
  const int streams = tree.total_streams();
  EXPECT_EQ(merged(&cache), expected);
  EXPECT_EQ(tree.total_streams(), streams);
  // Another layer of the same shape is another question.
  tree.items(1)[0].contents = "X";
  tree.digests[1] = "sha256:2";
  const std::string changed = merged(nullptr);
  EXPECT_NE(changed, expected);
  EXPECT_EQ(merged(&cache), changed);
  EXPECT_EQ(merged(&cache), changed);
}

TEST_F(KeptPartTest, ADiffIdIsHeldAgainstItsPromiseEachTime) {
  Scan(tree_);
  tree_.promised_diff_ids[0] = "sha256:promised";
  const std::vector<ScannedPart> parts = Scan(tree_);
  ASSERT_EQ(parts[0].problems.size(), 1);
  EXPECT_EQ(parts[0].problems[0].kind, Problem::Kind::kDiffIdMismatch);
}

}  // namespace
}  // namespace lre_audit
