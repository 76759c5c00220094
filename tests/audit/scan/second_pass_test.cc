// NARs and contents hashed in a second pass, with Nix as oracle and reads counted.
#include "audit/scan/second_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/audit/nix/nix_fixture.h"
#include "tests/audit/scan/fake_tree.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;

const std::string kPath = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-package-1.0";
const std::string kOther = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-other-2.0";

// What Nix says of a directory with these files.
std::string RealHash(const std::map<std::string, std::string>& files) {
  const TemporaryDirectory directory;
  const std::string root = directory / "p";
  for (const auto& [name, contents] : files) {
    const std::string path = root + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    nix::WriteFileOrFail(path, contents);
  }
  return "sha256:" + nix::RunShell("nix-hash --type sha256 " + root).substr(0, 64);
}

NarNode Node(const std::string& path, Entry::Type type = Entry::Type::kDirectory) {
  NarNode node;
  node.path = path;
  node.type = type;
  return node;
}

NarNode FileNode(const std::string& path, uint64_t size, size_t part, uint64_t index) {
  NarNode node = Node(path, Entry::Type::kRegular);
  node.size = size;
  node.content = {part, index};
  return node;
}

std::map<std::string, std::string> Hashes(
    const std::map<std::string, nix::NarHasher::Result>& results) {
  std::map<std::string, std::string> hashes;
  for (const auto& [path, result] : results) hashes[path] = result.hash;
  return hashes;
}

ScanOptions OneJob() {
  ScanOptions options;
  options.jobs = 1;
  return options;
}

// `count` files of `size` bytes in one layer, in the order of `order`, as one store path.
struct Scrambled {
  FakeTree tree;
  std::vector<NarRequest> requests;
  std::map<std::string, std::string> files;

  Scrambled(const std::vector<int>& order, size_t size) {
    NarRequest& request = requests.emplace_back();
    request.store_path = kPath;
    request.nodes.push_back(Node(""));
    tree.Layer();
    uint64_t index = 0;
    for (int i : order) {
      const std::string name = "f" + std::to_string(10'000 + i);
      files[name] = std::string(size, static_cast<char>('a' + i % 26));
      tree.File(kPath + "/" + name, files[name]);
      request.nodes.push_back(FileNode(name, size, 0, index++));
    }
    tree.set_piece_size(3);
  }
};

std::vector<int> Reversed(int count) {
  std::vector<int> order;
  for (int i = count; i-- > 0;) order.push_back(i);
  return order;
}

TEST(HashNars, AnyOrderInOnePassWhereItFits) {
  Scrambled scrambled(Reversed(30), 100);
  EXPECT_THAT(Hashes(HashNars(scrambled.tree, scrambled.requests, OneJob())),
              ElementsAre(Pair(kPath, RealHash(scrambled.files))));
  EXPECT_EQ(scrambled.tree.total_streams(), 1);
  EXPECT_EQ(scrambled.tree.verified_streams(), 0);  // the first pass has verified
}

// The worst case, with room for no contents at all: right, and one pass per file at most.
TEST(HashNars, WithoutRoomToHoldAnything) {
  Scrambled scrambled(Reversed(12), 100);
  EXPECT_THAT(Hashes(HashNars(scrambled.tree, scrambled.requests, OneJob(), 1)),
              ElementsAre(Pair(kPath, RealHash(scrambled.files))));
  EXPECT_LE(scrambled.tree.total_streams(), 12);
}

// Each pass gets as far as its room allows: what is held must be what is needed next, not what
// happened to come first.
TEST(HashNars, PassesAreBoundedByTheRoomThereIs) {
  constexpr int kFiles = 200, kSize = 100, kRoom = 20;  // files that fit
  std::vector<int> shuffled = Reversed(kFiles);
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
  std::vector<int> far_first;  // the last half first, in order: it fills the room, and stays
  for (int i = 0; i < kFiles; ++i) far_first.push_back((i + kFiles / 2) % kFiles);
  for (const std::vector<int>& order : {Reversed(kFiles), shuffled, far_first}) {
    Scrambled scrambled(order, kSize);
    EXPECT_THAT(Hashes(HashNars(scrambled.tree, scrambled.requests, OneJob(), kRoom * kSize)),
                ElementsAre(Pair(kPath, RealHash(scrambled.files))));
    EXPECT_LE(scrambled.tree.total_streams(), kFiles / kRoom + 1);
  }
}

TEST(HashNars, ManyStorePathsShareTheRoom) {
  constexpr int kPaths = 8, kFiles = 25, kSize = 50;
  FakeTree tree;
  tree.Layer();
  std::vector<NarRequest> requests(kPaths);
  std::map<std::string, std::string> expected;
  for (int p = 0; p < kPaths; ++p) {
    requests[p].store_path = "/nix/store/" + std::to_string(p) + "-x";
    requests[p].nodes.push_back(Node(""));
  }
  uint64_t index = 0;
  for (int i = kFiles; i-- > 0;) {
    for (NarRequest& request : requests) {
      const std::string name = "f" + std::to_string(100 + i);
      const std::string contents(kSize, static_cast<char>('a' + i % 26));
      tree.File(request.store_path + "/" + name, contents);
      request.nodes.push_back(FileNode(name, kSize, 0, index++));
    }
  }
  std::map<std::string, std::string> files;
  for (int i = 0; i < kFiles; ++i) {
    files["f" + std::to_string(100 + i)] = std::string(kSize, static_cast<char>('a' + i % 26));
  }
  const std::string hash = RealHash(files);
  for (const NarRequest& request : requests) expected[request.store_path] = hash;
  constexpr int kRoom = 40;
  EXPECT_EQ(Hashes(HashNars(tree, requests, OneJob(), kRoom * kSize)), expected);
  EXPECT_LE(tree.total_streams(), kPaths * kFiles / kRoom + 1);
}

TEST(HashNars, ContentsSharedWithinAndAcrossPaths) {
  FakeTree tree;
  tree.Layer().File("/x/shared", "shared").File("/x/own", "own");
  NarRequest a{kPath,
               {Node(""), FileNode("a", 6, 0, 0), FileNode("b", 3, 0, 1), FileNode("c", 6, 0, 0)}};
  NarRequest b{kOther, {Node(""), FileNode("z", 6, 0, 0)}};
  const std::map<std::string, std::string> expected = {
      {kPath, RealHash({{"a", "shared"}, {"b", "own"}, {"c", "shared"}})},
      {kOther, RealHash({{"z", "shared"}})}};
  for (uint64_t room : {uint64_t{1}, uint64_t{6}, uint64_t{1000}}) {
    EXPECT_EQ(Hashes(HashNars(tree, {a, b}, OneJob(), room)), expected) << room;
  }
}

TEST(HashNars, OnlyPartsThatAreNeeded) {
  FakeTree tree;
  tree.Layer().File("/a", "a").Layer().File("/b", "b").Layer().File("/c", "c").Layer().File("/d",
                                                                                            "d");
  // Spread over two layers; the upper one's comes first.
  NarRequest spread{kPath, {Node(""), FileNode("1", 1, 3, 0), FileNode("2", 1, 1, 0)}};
  NarRequest alone{kOther, {Node(""), FileNode("1", 1, 1, 0)}};
  EXPECT_EQ(Hashes(HashNars(tree, {spread, alone}, OneJob())),
            (std::map<std::string, std::string>{{kPath, RealHash({{"1", "d"}, {"2", "b"}})},
                                                {kOther, RealHash({{"1", "b"}})}}));
  EXPECT_EQ(tree.streams(0), 0);
  EXPECT_EQ(tree.streams(1), 2);  // once for each group
  EXPECT_EQ(tree.streams(2), 0);
  EXPECT_EQ(tree.streams(3), 1);
}

TEST(HashNars, NothingToReadIsNotRead) {
  FakeTree tree;
  tree.Layer().File("/a", "a");
  NarRequest request{kPath, {Node("empty"), Node("")}};
  NarNode link = Node("link", Entry::Type::kSymlink);
  link.target = "empty";
  request.nodes.push_back(link);
  const TemporaryDirectory directory;
  nix::RunShell("cd " + directory.path() + " && mkdir -p p/empty && ln -s empty p/link");
  const std::string real = nix::RunShell("nix-hash --type sha256 " + directory.path() + "/p");
  EXPECT_THAT(Hashes(HashNars(tree, {request}, OneJob())),
              ElementsAre(Pair(kPath, "sha256:" + real.substr(0, 64))));
  EXPECT_EQ(tree.total_streams(), 0);
  EXPECT_THAT(HashNars(tree, {}, OneJob()), IsEmpty());
}

// No hash of what cannot be read whole; the others go on, and the reading ends.
TEST(HashNars, ContentsThatCannotBeRead) {
  FakeTree tree;
  tree.Layer().Truncated("/cut", "ab", 3).File("/whole", "abc");
  NarRequest cut{kPath, {Node(""), FileNode("x", 3, 0, 0)}};
  NarRequest cut_later{kPath + "-later",
                       {Node(""), FileNode("a", 3, 0, 1), FileNode("x", 3, 0, 0)}};
  NarRequest absent{kPath + "-absent", {Node(""), FileNode("x", 3, 0, 77)}};
  NarRequest other_size{kPath + "-size", {Node(""), FileNode("x", 2, 0, 1)}};
  NarRequest good{kOther, {Node(""), FileNode("y", 3, 0, 1)}};
  EXPECT_THAT(HashNars(tree, {cut, cut_later, absent, other_size, good}, OneJob()),
              ElementsAre(Key(kOther)));
  EXPECT_LE(tree.total_streams(), 4);
}

TEST(HashNars, TheSameForAnyNumberOfThreads) {
  FakeTree tree;
  std::vector<NarRequest> requests;
  for (size_t part = 0; part < 9; ++part) {
    tree.Layer().File("/b", std::to_string(part)).File("/a", "a");
    requests.push_back({"/nix/store/" + std::to_string(part),
                        {Node(""), FileNode("a", 1, part, 1), FileNode("b", 1, part, 0)}});
  }
  const auto expected = Hashes(HashNars(tree, requests, OneJob()));
  EXPECT_EQ(expected.size(), 9u);
  EXPECT_EQ(expected.at("/nix/store/7"), RealHash({{"a", "a"}, {"b", "7"}}));
  for (int jobs : {2, 8}) {
    ScanOptions options;
    options.jobs = jobs;
    EXPECT_EQ(Hashes(HashNars(tree, requests, options)), expected);
  }
}

TEST(HashContents, OnlyWhatIsAskedForFromTheLayersThatHaveIt) {
  FakeTree tree;
  tree.Layer().File("/a", "1").Layer().File("/b", "").File("/c", "abc").Truncated("/d", "x", 2);
  tree.Layer().File("/e", "e");
  tree.set_piece_size(2);
  EXPECT_THAT(HashContents(tree, {{1, 1}, {1, 0}, {1, 1}, {1, 2}, {2, 9}}),
              ElementsAre(
                  // sha256sum(1) of nothing and of "abc" (FIPS 180-4)
                  Pair(ContentRef{1, 0},
                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                  Pair(ContentRef{1, 1},
                       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
  EXPECT_EQ(tree.streams(0), 0);
  EXPECT_EQ(tree.streams(1), 1);
  EXPECT_THAT(HashContents(tree, {}), IsEmpty());
  EXPECT_EQ(tree.total_streams(), 2);
}

}  // namespace
}  // namespace lre_audit
