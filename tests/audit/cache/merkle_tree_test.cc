// Input roots, with protobuf's own serialisation as the oracle.
#include "audit/cache/merkle_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/cache/proto/remote_execution.pb.h"

namespace lre_audit::cache {
namespace {

using build::bazel::remote::execution::v2::Directory;
using ::testing::HasSubstr;

BlobDigest OfText(std::string_view text) { return DigestOf(DigestFunction::kSha256, text); }

void SetDigest(const BlobDigest& digest, build::bazel::remote::execution::v2::Digest* to) {
  to->set_hash(digest.Hex());
  to->set_size_bytes(static_cast<int64_t>(digest.size));
}

void AddFile(const char* name, const char* contents, bool is_tool, Directory* directory) {
  auto* file = directory->add_files();
  file->set_name(name);
  SetDigest(OfText(contents), file->mutable_digest());
  file->set_is_executable(true);
  if (is_tool) file->mutable_node_properties()->add_properties()->set_name("bazel_tool_input");
}

void AddDirectory(const char* name, const Directory& child, Directory* directory) {
  auto* node = directory->add_directories();
  node->set_name(name);
  SetDigest(OfText(child.SerializeAsString()), node->mutable_digest());
}

BlobDigest Root(const Inputs& inputs, const std::vector<std::string>& directories = {},
                const MerkleOptions& options = {}) {
  const absl::StatusOr<BlobDigest> root = MerkleRoot(inputs, directories, options);
  EXPECT_TRUE(root.ok()) << root.status();
  return root.value_or(BlobDigest());
}

InputNode File(const char* contents) { return {InputNode::kFile, OfText(contents), "", false}; }

TEST(MerkleTree, Empty) { EXPECT_EQ(Root({}), OfText("")); }

// Names are in the order of bytes within a directory, which is not that of whole paths: "a-b" comes
// before "a/b" there.
TEST(MerkleTree, IsThatOfProtobuf) {
  const Inputs inputs = {{"a-b", File("1")},
                         {"a/b", File("2")},
                         {"a/c/d", File("")},
                         {"a.b/x", File("4")},
                         {"z", File("5")},
                         {"link", {InputNode::kSymlink, {}, "../target", false}},
                         {"empty/dir", {InputNode::kEmptyDirectory, {}, "", false}}};
  Directory c, a, ab, dir, empty, root;
  AddFile("d", "", false, &c);
  AddFile("b", "2", false, &a);
  AddDirectory("c", c, &a);
  AddFile("x", "4", false, &ab);
  AddDirectory("dir", dir, &empty);
  AddFile("a-b", "1", false, &root);
  AddFile("z", "5", false, &root);
  AddDirectory("a", a, &root);
  AddDirectory("a.b", ab, &root);
  AddDirectory("empty", empty, &root);
  auto* link = root.add_symlinks();
  link->set_name("link");
  link->set_target("../target");
  EXPECT_EQ(Root(inputs), OfText(root.SerializeAsString()));

  std::map<std::string, std::string> messages;
  ASSERT_TRUE(MerkleRoot(inputs, {}, {}, &messages).ok());
  EXPECT_EQ(messages.at(OfText(c.SerializeAsString()).Hex()), c.SerializeAsString());
  EXPECT_EQ(messages.size(), 6u);
}

TEST(MerkleTree, ToolsAreMarkedWhereAskedFor) {
  Inputs inputs = {{"plain", File("1")}, {"tool", File("2")}};
  inputs["tool"].is_tool = true;
  for (const bool marked : {false, true}) {
    Directory root;
    AddFile("plain", "1", false, &root);
    AddFile("tool", "2", marked, &root);
    MerkleOptions options;
    options.mark_tools = marked;
    EXPECT_EQ(Root(inputs, {}, options), OfText(root.SerializeAsString()));
  }
}

TEST(MerkleTree, OutputDirectories) {
  const Inputs inputs = {{"out/full/file", File("1")}};
  Directory full, none, out, root;
  AddFile("file", "1", false, &full);
  AddDirectory("full", full, &out);
  AddDirectory("new", none, &out);
  AddDirectory("out", out, &root);
  EXPECT_EQ(Root(inputs, {"out/new", "out/full"}), OfText(root.SerializeAsString()));
}

TEST(MerkleTree, BelowADirectory) {
  const Inputs inputs = {{"a", File("1")}, {"../other/b", File("2")}};
  Directory main, other, root;
  AddFile("a", "1", false, &main);
  AddFile("b", "2", false, &other);
  AddDirectory("_main", main, &root);
  AddDirectory("other", other, &root);
  MerkleOptions options;
  options.prefix = "_main";
  EXPECT_EQ(Root(inputs, {}, options), OfText(root.SerializeAsString()));
}

TEST(MerkleTree, RefusesWhatIsNoTree) {
  const std::pair<Inputs, const char*> cases[] = {
      {{{"a", File("1")}, {"a/b", File("2")}}, "\"a/b\" lies below another input"},
      {{{"/etc/passwd", File("1")}}, "is no relative path"},
      {{{"../x", File("1")}}, "lies outside the input root"},
      {{{"a/..", File("1")}}, "is the input root itself"},
      {{{"", File("1")}}, "is no relative path"},
      {{{"x", {InputNode::kFile, {}, "", false}}}, "\"x\" has no digest"},
  };
  for (const auto& [inputs, what] : cases) {
    const absl::Status status = MerkleRoot(inputs, {}, {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr(what));
  }
}

}  // namespace
}  // namespace lre_audit::cache
