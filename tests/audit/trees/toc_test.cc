// Tables of contents and footers, whole and damaged. Real ones: tests/cli/lazy_layers_test.sh.
#include "audit/trees/toc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

TEST(ParseToc, FilesChunksAndAttributes) {
  const absl::StatusOr<Toc> toc = ParseToc(R"({"version": 1, "tarSplitDigest": "x", "entries": [
    {"type": "dir", "name": "bin/", "mode": 16877},
    {"type": "reg", "name": "./bin//sh", "mode": 33261, "size": 10, "uid": 1, "gid": 2,
     "digest": "sha256:a", "chunkSize": 4, "chunkDigest": "sha256:b",
     "xattrs": {"user.size": "QQ==", "b": null}, "modtime": "1970-01-01T00:00:01Z"},
    {"type": "chunk", "name": "bin/sh", "chunkOffset": 4, "chunkDigest": "sha256:c"},
    {"type": "symlink", "name": "l", "linkName": "bin/sh"},
    {"type": "symlink", "name": "l", "linkname": "other", "extra": [{"size": 7, "name": "no"}]}
  ]})");
  ASSERT_TRUE(toc.ok()) << toc.status();
  EXPECT_EQ(toc->entries.size(), 3u);
  const TocEntry& sh = toc->entries.at("/bin/sh");
  EXPECT_EQ(sh.type, "reg");
  EXPECT_EQ(sh.size, 10u);
  EXPECT_EQ(sh.mode, 33261u);
  EXPECT_EQ(sh.uid, 1u);
  EXPECT_EQ(sh.gid, 2u);
  EXPECT_EQ(sh.digest, "sha256:a");
  EXPECT_THAT(sh.xattrs, ElementsAre(std::pair("user.size"s, "QQ=="s)));
  ASSERT_EQ(sh.chunks.size(), 2u);
  EXPECT_EQ(sh.chunks[0].size, 4u);
  EXPECT_EQ(sh.chunks[0].digest, "sha256:b");
  EXPECT_EQ(sh.chunks[1].offset, 4u);
  EXPECT_EQ(sh.chunks[1].digest, "sha256:c");
  EXPECT_EQ(toc->entries.at("/l").link, "other");
  EXPECT_THAT(toc->duplicates, ElementsAre("/l"));
}

TEST(ParseToc, WhatIsNoTable) {
  for (const std::string& text :
       {""s, "[]"s, "{}"s, "7"s, "{\"entries\": {}}"s, "{\"entries\": ["s,
        "{\"entries\": [{\"type\": \"reg\"}]}"s, "{\"entries\": [{\"name\": \"a/../b\"}]}"s,
        "{\"entries\": [{\"name\": \"a\", \"type\": \"chunk\"}]}"s,
        "{\"entries\": [{\"name\": \"a\", \"size\": -1}]}"s,
        "{\"entries\": [{\"name\": \"a\", \"size\": 1.5}]}"s,
        "{\"entries\": [{\"name\": \"a\", \"size\": 99999999999999999999}]}"s,
        "{\"entries\":" + std::string(1'000'000, '[')}) {
    const absl::StatusOr<Toc> toc = ParseToc(text);
    ASSERT_FALSE(toc.ok()) << text;
    EXPECT_THAT(std::string(toc.status().message()), HasSubstr("the table of contents "));
  }
}

TEST(TocPath, IsAbsoluteAndNormalised) {
  EXPECT_EQ(TocPath("bin/sh"), "/bin/sh");
  EXPECT_EQ(TocPath("./bin//sh/"), "/bin/sh");
  EXPECT_EQ(TocPath("/"), "/");
  EXPECT_EQ(TocPath("a/.."), std::nullopt);
}

TEST(ParseTocFooter, OfEachKindAndOfNone) {
  const std::string head = "\x1f\x8b\x08\x04\0\0\0\0\0\xff"s;
  const std::string end = "\1\0\0\xff\xff\0\0\0\0\0\0\0\0"s;
  const std::string digits = "00000000000012abSTARGZ";
  const std::string stargz = head + "\x1a\0SG\x16\0"s + digits + end;
  const std::string legacy = head + "\x16\0"s + digits + end;
  const std::string external = head + "\x15\0SG\x11\0STARGZEXTERNALTOC"s + end;
  ASSERT_EQ(stargz.size(), 51u);
  ASSERT_EQ(legacy.size(), 47u);
  ASSERT_EQ(external.size(), 46u);
  const std::string before(72, 'x');
  for (const std::string& footer : {stargz, legacy, external}) {
    const std::optional<TocFooter> parsed = ParseTocFooter(before + footer);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->bytes, footer.size());
    if (footer == external) {
      EXPECT_EQ(parsed->kind, TocFooter::Kind::kStargzExternal);
    } else {
      EXPECT_EQ(parsed->kind, TocFooter::Kind::kStargz);
      EXPECT_EQ(parsed->offset, 0x12abu);
    }
    for (size_t i = 1; i < footer.size(); ++i) {
      EXPECT_FALSE(ParseTocFooter(footer.substr(i))) << i;
      EXPECT_FALSE(ParseTocFooter(footer.substr(0, i))) << i;
    }
  }
  EXPECT_FALSE(ParseTocFooter(head + "\x1a\0SG\x16\0"s + "00000000000012xySTARGZ" + end));

  const std::string numbers = "\x10\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0"s + std::string(16, '\0');
  const std::string old_frame = "\x50\x2a\x4d\x18\x28\0\0\0"s + numbers + "GnUlInUx";
  const std::string frame =
      "\x50\x2a\x4d\x18\x40\0\0\0"s + numbers + std::string(24, '\0') + "GNUlInUx";
  for (const std::string& footer : {old_frame, frame}) {
    const std::optional<TocFooter> parsed = ParseTocFooter(before + footer);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->kind, TocFooter::Kind::kZstdChunked);
    EXPECT_EQ(parsed->offset, 16u);
    EXPECT_EQ(parsed->size, 32u);
    EXPECT_EQ(parsed->bytes, footer.size());
    for (size_t i = 1; i < footer.size(); ++i) {
      EXPECT_FALSE(ParseTocFooter(footer.substr(i))) << i;
      EXPECT_FALSE(ParseTocFooter(footer.substr(0, i))) << i;
    }
  }
}

}  // namespace
}  // namespace lre_audit
