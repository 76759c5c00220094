#include "audit/explain/content_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "audit/explain/archive_members.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit::explain {
namespace {

using Kind = ContentDifference::Kind;
using ::testing::HasSubstr;

Kind KindOf(const std::string& a, const std::string& b) { return CompareBlobs(a, b).kind; }

TEST(CompareBlobs, Timestamps) {
  EXPECT_EQ(KindOf("at 2026-11-25T23:41:15Z", "at 2026-11-26T00:41:15Z"), Kind::kTimestamp);
  EXPECT_EQ(KindOf(std::string("\0\1Nov 25 2026\0", 14), std::string("\0\1Nov 26 2026\0", 14)),
            Kind::kTimestamp);
  EXPECT_EQ(KindOf("Wed Nov 25 23:41:15 UTC 2026", "Thu Nov 26 00:41:15 UTC 2026"),
            Kind::kTimestamp);
  EXPECT_EQ(KindOf("t=1795650075", "t=1795650099"), Kind::kTimestamp);
  const ContentDifference difference = CompareBlobs("x 10:41:07 y", "x 10:41:09 y");
  EXPECT_EQ(difference.local, "10:41:07");
  EXPECT_EQ(difference.remote, "10:41:09");
  // Numbers are none, nor is a time beside what differs.
  EXPECT_EQ(KindOf("n=17", "n=42"), Kind::kOther);
  EXPECT_EQ(KindOf("10:41:07 n=17", "10:41:07 n=42"), Kind::kOther);
  EXPECT_EQ(KindOf("17956500751", "17956500752"), Kind::kOther);
}

TEST(CompareBlobs, Paths) {
  EXPECT_EQ(
      KindOf(std::string("\0/home/jane/src/a.cc\0", 21), std::string("\0/home/ci/src/a.cc\0", 19)),
      Kind::kBuildPath);
  EXPECT_EQ(KindOf("-I/home/jane/x", "-I/home/ci/x"), Kind::kBuildPath);
  EXPECT_EQ(KindOf("../lib/jane/x", "../lib/ci/x"), Kind::kOther);
  EXPECT_EQ(KindOf("http://jane.org/x", "http://ci.org/x"), Kind::kOther);
}

TEST(CompareBlobs, OrderOfLines) {
  EXPECT_EQ(KindOf("a\nb\nc\n", "c\na\nb\n"), Kind::kOrder);
  EXPECT_EQ(KindOf("a\nb\nc\n", "c\na\na\n"), Kind::kOther);
  EXPECT_EQ(KindOf("same", "same"), Kind::kNone);
}

TEST(CompareBlobs, WhatIsLeft) {
  EXPECT_THAT(CompareBlobs("abc", "abcd").text, HasSubstr("at offset 3: the end here"));
  EXPECT_THAT(CompareBlobs(std::string("\0\1", 2), std::string("\0\2", 2)).text,
              HasSubstr("byte 0x01 here, byte 0x02 there"));
  EXPECT_THAT(CompareBlobs("API_TOKEN=hunter2", "API_TOKEN=swordfish").text,
              testing::Not(HasSubstr("hunter2")));
}

// A build ID says that the rest differs, and not where.
TEST(CompareBlobs, BuildIdsAreNoReason) {
  const auto object = [](const std::string& id, const std::string& rest) {
    return std::string("ELF\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0", 19) + id + rest;
  };
  const std::string a(20, 'a'), b(20, 'b');
  EXPECT_EQ(KindOf(object(a, " 10:41:07"), object(b, " 10:41:09")), Kind::kTimestamp);
  EXPECT_EQ(KindOf(object(a, " same"), object(b, " same")), Kind::kOther);
}

// Real archives of files in a directory of the test's own.
class Archives : public testing::Test {
 protected:
  void SetUp() override {
    Write("one", "first file\n");
    Write("a-name-of-more-than-sixteen-bytes", "second file\n");
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }
  std::string Run(const std::string& command) {
    EXPECT_EQ(system(("cd " + directory_ + " && rm -f out && " + command).c_str()), 0) << command;
    std::stringstream bytes;
    bytes << std::ifstream(directory_ + "/out", std::ios::binary).rdbuf();
    return bytes.str();
  }
  const TemporaryDirectory temporary_;
  const std::string directory_ = temporary_.path();
  const std::string files_ = " one a-name-of-more-than-sixteen-bytes",
                    reversed_ = " a-name-of-more-than-sixteen-bytes one";
};

constexpr char kTouch[] = "touch -d @1700000000 * && ",
               kTouchLater[] = "touch -d @1700000100 * && ";

TEST_F(Archives, Ar) {
  const std::string ar = "ar qcU out";
  const std::string first = Run(kTouch + ar + files_);
  ASSERT_TRUE(ReadArchive(first).has_value());
  const ContentDifference later = CompareBlobs(first, Run(kTouchLater + ar + files_));
  EXPECT_EQ(later.kind, Kind::kMetadata);
  EXPECT_EQ(
      later.text,
      "the archive's member one has mtime 1700000000 here, 1700000100 there; and 1 member more");
  EXPECT_EQ(KindOf(first, Run(kTouch + ar + reversed_)), Kind::kOrder);
  // Deterministic ones have no time.
  EXPECT_EQ(
      KindOf(Run(kTouch + ("ar qcD out" + files_)), Run(kTouchLater + ("ar qcD out" + files_))),
      Kind::kNone);
  Write("a-name-of-more-than-sixteen-bytes", "built 10:41:07\n");
  const std::string before = Run(kTouch + ar + files_);
  Write("a-name-of-more-than-sixteen-bytes", "built 10:41:09\n");
  const ContentDifference inside = CompareBlobs(before, Run(kTouch + ar + files_));
  EXPECT_EQ(inside.kind, Kind::kTimestamp);
  EXPECT_THAT(inside.text,
              HasSubstr("in the archive's member a-name-of-more-than-sixteen-bytes: "));
  EXPECT_THAT(CompareBlobs(first, Run(kTouch + ar + " one")).text, HasSubstr("is in local alone"));
}

TEST_F(Archives, Tar) {
  const std::string tar = "tar --format=ustar -cf out";
  const std::string first = Run(kTouch + tar + files_);
  ASSERT_TRUE(ReadArchive(first).has_value());
  EXPECT_THAT(CompareBlobs(first, Run(kTouchLater + tar + files_)).text,
              HasSubstr("mtime 1700000000 here, 1700000100 there"));
  const ContentDifference owner =
      CompareBlobs(first, Run(kTouch + tar + " --owner=nobody:4711" + files_));
  EXPECT_EQ(owner.kind, Kind::kMetadata);
  EXPECT_THAT(owner.text, HasSubstr("4711 there"));
  EXPECT_EQ(KindOf(first, Run(kTouch + tar + reversed_)), Kind::kOrder);
}

TEST_F(Archives, Zip) {
  const auto zip = [&](const std::string& touch, const std::string& names) {
    return Run(touch +
               "python3 -c 'import sys, zipfile\nwith zipfile.ZipFile(\"out\", \"w\") as z:\n"
               " for name in sys.argv[1:]: z.write(name)'" +
               names);
  };
  const std::string first = zip(kTouch, files_);
  ASSERT_TRUE(ReadArchive(first).has_value());
  const ContentDifference later = CompareBlobs(first, zip(kTouchLater, files_));
  EXPECT_EQ(later.kind, Kind::kMetadata);
  EXPECT_THAT(later.text, HasSubstr("has mtime 2023-11-14 "));
  EXPECT_EQ(KindOf(first, zip(kTouch, reversed_)), Kind::kOrder);
}

TEST_F(Archives, Gzip) {
  EXPECT_EQ(KindOf(Run(kTouch + std::string("gzip -c one > out")),
                   Run(kTouchLater + std::string("gzip -c one > out"))),
            Kind::kTimestamp);
}

}  // namespace
}  // namespace lre_audit::explain
