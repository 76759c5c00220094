// Trees in digests, and the excerpts of a second reading, against the contents themselves.
#include "audit/compare/content_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audit/scan/fake_tree.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Numbers(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += std::to_string(i) + "\n";
  text.resize(bytes);
  return text;
}

const ContentIndex::File* Find(const ContentIndex& index, const std::string& path) {
  for (const ContentIndex::File& file : index.files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

TEST(ContentIndex, TheMergedViewInNarOrder) {
  FakeTree tree;
  tree.Layer().Directory("/a").File("/a/x", "one").Symlink("/a/link", "x").File("/a.b", "two");
  tree.Layer().Whiteout("/a/x").File("/d/implied/y", "three").Hardlink("/z", "/d/implied/y");
  const ContentIndex index = ReadContentIndex(tree, {});
  std::vector<std::string> paths;
  for (const ContentIndex::File& file : index.files) paths.push_back(file.path);
  EXPECT_THAT(paths,
              ElementsAre("/a", "/a/link", "/a.b", "/d", "/d/implied", "/d/implied/y", "/z"));
  EXPECT_THAT(index.problems, IsEmpty());
  EXPECT_EQ(Find(index, "/a/link")->target, "x");
  EXPECT_TRUE(Find(index, "/a")->described);
  EXPECT_FALSE(Find(index, "/d")->described);
  const ContentIndex::File& link = *Find(index, "/z");
  EXPECT_EQ(link.type, Entry::Type::kRegular);
  EXPECT_EQ(link.size, 5);
  EXPECT_EQ(link.digests, Find(index, "/d/implied/y")->digests);
  EXPECT_NE(link.digests, Find(index, "/a.b")->digests);
}

TEST(ContentIndex, OnlyWhatIsWanted) {
  FakeTree tree;
  tree.Layer().File("/a", "one").File("/b", "two");
  IndexOptions options;
  options.wanted = [](std::string_view path) { return path == "/b"; };
  EXPECT_THAT(ReadContentIndex(tree, options).files, SizeIs(1));
}

// However the contents come in pieces, and whatever the size is to the blocks.
TEST(ContentIndex, DigestsDependOnContentsAlone) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{kContentBlock - 1}, size_t{kContentBlock},
                            size_t{kContentBlock + 1}, size_t{3 * kContentBlock}}) {
    std::string digests;
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{kContentBlock}, size_t{1} << 20}) {
      FakeTree tree;
      tree.Layer().File("/before", "x").File("/f", Numbers(size));
      tree.set_piece_size(piece);
      const ContentIndex index = ReadContentIndex(tree, {});
      const std::string& found = Find(index, "/f")->digests;
      EXPECT_EQ(found.size(),
                (size + kContentBlock - 1) / kContentBlock * ContentIndex::kDigestSize);
      if (digests.empty()) digests = found;
      EXPECT_EQ(found, digests) << size << " in pieces of " << piece;
    }
  }
}

TEST(ContentIndex, ContentsThatEndEarlyAreNotComplete) {
  FakeTree tree;
  tree.Layer().Truncated("/cut", "abc", 10).File("/whole", "abc");
  const ContentIndex index = ReadContentIndex(tree, {});
  EXPECT_FALSE(Find(index, "/cut")->complete);
  EXPECT_TRUE(Find(index, "/whole")->complete);
}

TEST(ReadExcerpts, ABlockWithItsMarginsAndTheLinesBefore) {
  const std::string text = Numbers(5 * kContentBlock + 17);
  for (const size_t piece : {size_t{1}, size_t{1000}, size_t{1} << 20}) {
    FakeTree tree;
    tree.Layer().File("/other", "x");
    tree.Layer().File("/f", text);
    tree.set_piece_size(piece);
    const ContentIndex index = ReadContentIndex(tree, {});
    const ContentRef content = Find(index, "/f")->content;
    std::vector<ExcerptRequest> requests;
    for (uint64_t block = 0; block <= 6; ++block) requests.push_back({content, block});
    const auto excerpts = ReadExcerpts(tree, requests, 1);
    ASSERT_THAT(excerpts, SizeIs(7));
    for (const auto& [request, excerpt] : excerpts) {
      const uint64_t begin =
          request.block == 0 ? 0 : request.block * kContentBlock - Excerpt::kMargin;
      const uint64_t end = (request.block + 1) * kContentBlock + Excerpt::kMargin;
      EXPECT_EQ(excerpt.offset, begin);
      EXPECT_EQ(excerpt.bytes, begin < text.size() ? text.substr(begin, end - begin) : "");
      const std::string before = text.substr(0, begin);
      EXPECT_EQ(excerpt.newlines_before, std::count(before.begin(), before.end(), '\n'));
    }
    // The part that holds nothing asked for is not read again.
    EXPECT_EQ(tree.streams(0), 1);
    EXPECT_EQ(tree.streams(1), 2);
  }
}

}  // namespace
}  // namespace lre_audit
