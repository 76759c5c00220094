// A layer's bytes held against their digest, without decoding them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = Problem::Kind;

std::unique_ptr<Tree> Opened(const std::string& reference, const TreeLimits& limits = {}) {
  absl::StatusOr<std::unique_ptr<Tree>> tree = OpenImage(reference, {"", limits});
  EXPECT_TRUE(tree.ok()) << reference << ": " << tree.status();
  return tree.ok() ? *std::move(tree) : nullptr;
}

class ImageVerifyTest : public ::testing::Test {
 protected:
  ImageVerifyTest() {
    Shell("cd " + scratch_.path() + R"( && umoci init --layout oci && umoci new --image oci:t
      mkdir l && echo hello > l/a && seq 1 20000 > l/b && tar -cf 1.tar -C l . && echo more > l/c
      tar -cf 2.tar -C l c && umoci raw add-layer --image oci:t 1.tar
      umoci raw add-layer --image oci:t 2.tar
      skopeo copy -q oci:oci:t oci-archive:o.tar:t && skopeo copy -q oci:oci:t docker-archive:d.tar:t:t
      skopeo copy -q --dest-compress-format zstd oci:oci:t oci:z:t && gzip -k d.tar)");
  }
  // The blob of the layer, in the layout.
  std::string Blob(const Tree& tree, size_t part) {
    return scratch_ / ("oci/blobs/sha256/" + tree.parts()[part].digest.substr(7));
  }

  TemporaryDirectory scratch_;
};

TEST_F(ImageVerifyTest, WhatIsPromisedIsThere) {
  for (const std::string name :
       {"oci:t", "oci-archive:o.tar", "docker-archive:d.tar", "docker-archive:d.tar.gz", "z:t"}) {
    const size_t colon = name.find("archive:");
    const std::string reference =
        colon == std::string::npos
            ? "oci:" + scratch_.path() + "/" + name
            : name.substr(0, colon + 8) + scratch_.path() + "/" + name.substr(colon + 8);
    const auto tree = Opened(reference);
    ASSERT_NE(tree, nullptr);
    ASSERT_THAT(tree->parts(), SizeIs(2));
    for (size_t part = 0; part < 2; ++part) {
      const Tree::Part& promised = tree->parts()[part];
      EXPECT_EQ(tree->content(part).digest,
                promised.digest.empty() ? promised.diff_id : promised.digest);
      std::vector<Problem> problems;
      EXPECT_TRUE(tree->Verify(part, promised.diff_id, problems)) << reference;
      EXPECT_THAT(problems, IsEmpty()) << Describe(problems);
    }
    EXPECT_NE(tree->content(0).digest, tree->content(1).digest);
  }
}

TEST_F(ImageVerifyTest, AnotherDiffIdIsToldAsStreamTellsIt) {
  // The configuration's two diff_ids exchanged.
  const std::string layout = scratch_.path() + "/oci";
  Shell("cd " + layout + R"py( && python3 - <<'END'
import hashlib, json, os
def load(name): return json.load(open(name))
def blob(d): return 'blobs/sha256/' + d['digest'][7:]
def save(value, descriptor):
    data = json.dumps(value).encode()
    descriptor['digest'] = 'sha256:' + hashlib.sha256(data).hexdigest()
    descriptor['size'] = len(data)
    open(blob(descriptor), 'wb').write(data)
index = load('index.json')
manifest = load(blob(index['manifests'][0]))
config = load(blob(manifest['config']))
config['rootfs']['diff_ids'].reverse()
save(config, manifest['config'])
save(manifest, index['manifests'][0])
json.dump(index, open('index.json', 'w'))
END
)py");
  const auto tree = Opened("oci:" + layout + ":t");
  ASSERT_NE(tree, nullptr);
  RecordingSink sink;
  std::vector<Problem> streamed, verified;
  tree->Stream(0, /*verify=*/true, sink, streamed);
  ASSERT_THAT(streamed, SizeIs(1)) << Describe(streamed);
  EXPECT_EQ(streamed[0].kind, Kind::kDiffIdMismatch);
  EXPECT_TRUE(tree->Verify(0, streamed[0].actual, verified));
  ASSERT_THAT(verified, SizeIs(1)) << Describe(verified);
  EXPECT_EQ(verified[0].kind, streamed[0].kind);
  EXPECT_EQ(verified[0].where, streamed[0].where);
  EXPECT_EQ(verified[0].message, streamed[0].message);
  EXPECT_EQ(verified[0].expected, streamed[0].expected);
  EXPECT_EQ(verified[0].actual, streamed[0].actual);
  // Without knowing it nothing can be said.
  EXPECT_FALSE(tree->Verify(0, "", verified));
  EXPECT_THAT(verified, SizeIs(1));
}

TEST_F(ImageVerifyTest, OtherBytesAreLeftToStream) {
  const auto tree = Opened("oci:" + scratch_.path() + "/oci:t");
  ASSERT_NE(tree, nullptr);
  const std::string blob = Blob(*tree, 0), bytes = ReadFile(blob);
  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 1;
  for (const std::string& other :
       {flipped, bytes + "x", bytes.substr(0, bytes.size() - 1), std::string()}) {
    PutFile(blob, other);
    std::vector<Problem> problems;
    EXPECT_FALSE(tree->Verify(0, tree->parts()[0].diff_id, problems)) << other.size();
    EXPECT_THAT(problems, IsEmpty());
  }
  std::filesystem::remove(blob);
  std::vector<Problem> problems;
  EXPECT_FALSE(tree->Verify(0, tree->parts()[0].diff_id, problems));
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_TRUE(tree->Verify(1, tree->parts()[1].diff_id, problems));
}

TEST_F(ImageVerifyTest, ACompressedLayerOfADockerArchiveIsNotItsDiffId) {
  Shell("cd " + scratch_.path() +
        R"py( && mkdir d && tar -xf d.tar -C d && cd d && python3 - <<'END'
import gzip, json, os
for layer in {os.path.realpath(name) for name in json.load(open('manifest.json'))[0]['Layers']}:
    data = open(layer, 'rb').read()
    os.chmod(layer, 0o644)
    open(layer, 'wb').write(gzip.compress(data))
END
    tar -cf ../c.tar *)py");
  const auto tree = Opened("docker-archive:" + scratch_.path() + "/c.tar");
  ASSERT_NE(tree, nullptr);
  RecordingSink sink;
  std::vector<Problem> problems;
  tree->Stream(0, /*verify=*/true, sink, problems);
  EXPECT_THAT(problems, IsEmpty()) << Describe(problems);
  EXPECT_FALSE(tree->Verify(0, tree->parts()[0].diff_id, problems));
}

TEST_F(ImageVerifyTest, LimitsBelongToTheReading) {
  const std::string reference = "oci:" + scratch_.path() + "/oci:t";
  TreeLimits limits;
  const std::string usual = Opened(reference)->content(0).reading;
  limits.layer_entries = 3;
  EXPECT_NE(Opened(reference, limits)->content(0).reading, usual);
  limits = {};
  limits.decode.ratio = 10;
  EXPECT_NE(Opened(reference, limits)->content(0).reading, usual);
}

TEST_F(ImageVerifyTest, WhatIsPromisedOfATableBelongsToTheReading) {
  const std::string reference = "oci:" + scratch_.path() + "/oci:t";
  const auto plain = Opened(reference);
  Shell("cd " + scratch_.path() + R"py(/oci && python3 - <<'END'
import hashlib, json
index = json.load(open('index.json'))
old = index['manifests'][0]
manifest = json.load(open('blobs/sha256/' + old['digest'][7:]))
manifest['layers'][0]['annotations'] = {
    'containerd.io/snapshot/stargz/toc.digest': 'sha256:' + 64 * '0'}
data = json.dumps(manifest).encode()
old['digest'], old['size'] = 'sha256:' + hashlib.sha256(data).hexdigest(), len(data)
open('blobs/sha256/' + old['digest'][7:], 'wb').write(data)
json.dump(index, open('index.json', 'w'))
END
)py");
  const auto promised = Opened(reference);
  EXPECT_EQ(promised->content(0).digest, plain->content(0).digest);
  EXPECT_NE(promised->content(0).reading, plain->content(0).reading);
  EXPECT_EQ(promised->content(1).reading, plain->content(1).reading);
}

TEST_F(ImageVerifyTest, ADirectoryHasNoDigest) {
  const auto tree = Opened("rootfs:" + scratch_.path() + "/l");
  ASSERT_NE(tree, nullptr);
  std::vector<Problem> problems;
  EXPECT_EQ(tree->content(0).digest, "");
  EXPECT_FALSE(tree->Verify(0, "", problems));
}

}  // namespace
}  // namespace lre_audit
