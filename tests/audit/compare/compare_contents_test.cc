// Store paths of an image against a store on disk.
#include "audit/compare/compare_contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audit/nix/nix_fixture.h"
#include "tests/audit/scan/fake_tree.h"

namespace lre_audit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kFirst = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-first-1.0";
const std::string kSecond = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-second-2.0";
const std::string kSame = "/nix/store/2m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-same";

LinkedStorePath Path(const std::string& path, const std::string& hash,
                     const std::string& recorded) {
  LinkedStorePath linked;
  linked.path = path;
  linked.nar_hash = hash;
  linked.recorded_hash = recorded;
  return linked;
}

class CompareContentsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    nix::RunShell("mkdir -p '" + (root_ / kFirst) + "/share' '" + (root_ / kSecond) + "'");
    nix::WriteFileOrFail(root_ / kFirst + "/share/note", "one\ntwo\n");
    nix::RunShell("ln -s target '" + (root_ / kSecond) + "/link'");
    nix::RunShell("chmod -R a-w '" + root_.path() + "/nix/store/'*");
    image_.Layer().Directory(kFirst).Directory(kFirst + "/share");
  }

  std::vector<ContentDifference> Compare(const std::vector<LinkedStorePath>& paths) const {
    const auto differences = CompareContents(image_, paths, "store:" + root_.path(), 2);
    EXPECT_TRUE(differences.ok()) << differences.status();
    return differences.ok() ? *differences : std::vector<ContentDifference>();
  }

  TemporaryDirectory root_;
  FakeTree image_;
};

TEST_F(CompareContentsTest, OnlyThePathsWhoseHashesDiffer) {
  EXPECT_THAT(Compare({Path(kSame, "sha256:a", "sha256:a"), Path(kFirst, "sha256:a", ""),
                       Path(kSecond, "", "sha256:a")}),
              IsEmpty());
  EXPECT_EQ(image_.total_streams(), 0);
}

TEST_F(CompareContentsTest, TheFirstFileOfEachPath) {
  image_.File(kFirst + "/share/note", "one\n2\n");
  image_.Layer().Directory(kSecond).Symlink(kSecond + "/link", "elsewhere");
  image_.File(kSecond + "/zzz", "").File(kSame, "x");
  const auto differences =
      Compare({Path(kFirst, "sha256:a", "sha256:b"), Path(kSecond, "sha256:c", "sha256:d"),
               Path(kSame, "sha256:e", "sha256:e")});
  ASSERT_THAT(differences, SizeIs(2));
  EXPECT_EQ(differences[0].path, kFirst);
  EXPECT_EQ(differences[0].first_file, kFirst + "/share/note");
  EXPECT_EQ(differences[0].how, "contents at line 2: local \"two\", image \"2\"");
  EXPECT_EQ(differences[0].local, "store:" + root_.path());
  EXPECT_EQ(differences[0].image, "fake:tree");
  EXPECT_EQ(differences[0].local_hash, "sha256:b");
  EXPECT_EQ(differences[0].image_hash, "sha256:a");
  EXPECT_EQ(differences[1].first_file, kSecond + "/link");
  EXPECT_EQ(differences[1].how, "symlink target: local \"target\", image \"elsewhere\"");
}

TEST_F(CompareContentsTest, FilesOnOneSide) {
  auto differences = Compare({Path(kFirst, "sha256:a", "sha256:b")});
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].first_file, kFirst + "/share/note");
  EXPECT_EQ(differences[0].how, "only local");

  image_.File(kFirst + "/share/note", "one\ntwo\n").File(kFirst + "/z", "");
  differences = Compare({Path(kFirst, "sha256:a", "sha256:b")});
  EXPECT_EQ(differences[0].first_file, kFirst + "/z");
  EXPECT_EQ(differences[0].how, "only in the image");
}

// A writable bit is no part of a NAR, so it is not why the hashes differ.
TEST_F(CompareContentsTest, WhereTheDatabaseIsWrong) {
  image_.File(kFirst + "/share/note", "one\ntwo\n", 0644);
  const auto differences = Compare({Path(kFirst, "sha256:a", "sha256:b")});
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].first_file, "");
  EXPECT_THAT(differences[0].how, HasSubstr("what the store records is wrong"));
}

TEST_F(CompareContentsTest, AStoreThatIsNotThere) {
  EXPECT_FALSE(CompareContents(image_, {Path(kFirst, "sha256:a", "sha256:b")},
                               "store:" + (root_ / "nowhere"), 1)
                   .ok());
}

}  // namespace
}  // namespace lre_audit
