// Images as `skopeo copy ... dir:` writes them, whole, damaged and hostile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/trees/tree.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Kind = Problem::Kind;

class DirectoryTransportTest : public testing::Test {
 protected:
  DirectoryTransportTest() {
    Shell("cd " + scratch_.path() + R"( && umoci init --layout oci && umoci new --image oci:t
      mkdir l && echo hello > l/a && tar -cf 1.tar -C l a && umoci raw add-layer --image oci:t 1.tar
      umoci config --image oci:t --architecture amd64 --os linux && skopeo copy -q oci:oci:t dir:d)");
  }
  std::string Path(std::string_view name) { return scratch_ / name; }
  // The name of the blob that the Python expression over `manifest` describes.
  std::string Blob(const std::string& python) {
    return Shell("cd " + Path("d") + " && python3 -c \"import json; manifest = json.load(open(" +
                 "'manifest.json')); print(" + python + "['digest'][7:], end='')\"");
  }
  std::vector<Problem> Problems() {
    const auto tree = OpenImage("dir:" + Path("d"), {});
    EXPECT_TRUE(tree.ok()) << tree.status().ToString();
    if (!tree.ok()) return {};
    std::vector<Problem> problems = (*tree)->problems();
    for (size_t part = 0; part < (*tree)->parts().size(); ++part) {
      RecordingSink sink;
      (*tree)->Stream(part, true, sink, problems);
      bytes_ += sink.files().size();
    }
    return problems;
  }
  TemporaryDirectory scratch_;
  size_t bytes_ = 0;
};

TEST_F(DirectoryTransportTest, ItsManifestHasADigest) {
  for (const std::string& reference : {"dir:" + Path("d"), Path("d")}) {
    const auto tree = OpenImage(reference, {});
    ASSERT_TRUE(tree.ok()) << tree.status().ToString();
    EXPECT_THAT((*tree)->problems(), IsEmpty());
    EXPECT_EQ((*tree)->digest(), "sha256:" + Sha256Of(ReadFile(Path("d/manifest.json"))));
    EXPECT_EQ((*tree)->digest(),
              Shell("skopeo inspect --format '{{.Digest}}' dir:" + Path("d") + " | tr -d '\\n'"));
    EXPECT_EQ((*tree)->parts().size(), 1u);
  }
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(DirectoryTransportTest, WhatIsNoImage) {
  Shell("cd " + scratch_.path() + " && rm d/manifest.json");
  const auto tree = OpenImage("dir:" + Path("d"), {});
  EXPECT_EQ(tree.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(tree.status().message()), HasSubstr("no manifest.json"));
  EXPECT_EQ(OpenImage("dir:" + Path("none"), {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(DirectoryTransportTest, Damage) {
  const std::string layer = Path("d/" + Blob("manifest['layers'][0]"));
  const std::string whole = ReadFile(layer);
  PutFile(layer, whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(HasProblem(Problems(), Kind::kDigestMismatch));
  EXPECT_TRUE(HasProblem(Problems(), Kind::kUnreadable));
  Shell("rm " + layer);
  EXPECT_TRUE(HasProblem(Problems(), Kind::kUnreadable, "No such file"));
  PutFile(layer, whole);
  PutFile(Path("d/version"), "Directory Transport Version: 2.0\n");
  EXPECT_TRUE(
      HasProblem(Problems(), Kind::kMalformed, "expected \"Directory Transport Version: 1"));
  Shell("rm " + Path("d/version"));
  EXPECT_THAT(Problems(), IsEmpty());
  const std::string config = Path("d/" + Blob("manifest['config']"));
  PutFile(config, ReadFile(config) + " ");
  EXPECT_TRUE(HasProblem(Problems(), Kind::kDigestMismatch));
  PutFile(Path("d/manifest.json"), "{");
  EXPECT_TRUE(HasProblem(Problems(), Kind::kUnreadable));
}

TEST_F(DirectoryTransportTest, NoSymlinkLeadsOut) {
  // A file of the host with the very contents that the manifest asks for.
  const std::string name = Blob("manifest['layers'][0]");
  Shell("cd " + scratch_.path() + " && mv d/" + name + " host && ln -s ../host d/" + name);
  EXPECT_TRUE(HasProblem(Problems(), Kind::kUnreadable, "symlink"));
  EXPECT_EQ(bytes_, 0u);
  Shell("cd " + scratch_.path() + " && mv d/manifest.json m && ln -s ../m d/manifest.json");
  EXPECT_TRUE(HasProblem(Problems(), Kind::kUnreadable, "symlink"));
  // A name that is a path is no digest.
  Shell("cd " + scratch_.path() + " && rm d/manifest.json && sed 's|sha256:" + name +
        "|sha256:../host|' m > d/manifest.json");
  EXPECT_TRUE(HasProblem(Problems(), Kind::kUnreadable, "digest"));
  EXPECT_EQ(bytes_, 0u);
}

TEST_F(DirectoryTransportTest, EveryInstanceOfAList) {
  // Two platforms and what BuildKit puts beside them.
  Shell("cd " + scratch_.path() + R"( && rm -rf d && umoci tag --image oci:t arm
    umoci config --image oci:arm --architecture arm64 --os linux && cd oci && python3 -c "
import hashlib, json
i = json.load(open('index.json'))
t, arm = (next(m for m in i['manifests'] if m['annotations']['org.opencontainers.image.ref.name'] == n)
          for n in ('t', 'arm'))
def platform(d, arch, os='linux'):
    return {'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'digest': d['digest'],
            'size': d['size'], 'platform': {'os': os, 'architecture': arch}}
note = platform(t, 'unknown', 'unknown')
text = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json',
                   'manifests': [platform(t, 'amd64'), platform(arm, 'arm64'), note]}).encode()
h = hashlib.sha256(text).hexdigest(); open('blobs/sha256/' + h, 'wb').write(text)
i['manifests'].append({'mediaType': 'application/vnd.oci.image.index.v1+json', 'digest': 'sha256:' + h,
                       'size': len(text), 'annotations': {'org.opencontainers.image.ref.name': 'all'}})
json.dump(i, open('index.json', 'w'))
" && cd .. && skopeo copy -q --all oci:oci:all dir:d)");
  OpenOptions options;
  options.all_platforms = true;
  for (const std::string& reference : {"dir:" + Path("d"), "oci:" + Path("oci") + ":all"}) {
    const auto trees = OpenImages(reference, options);
    ASSERT_TRUE(trees.ok()) << trees.status().ToString();
    ASSERT_EQ(trees->size(), 2u);
    EXPECT_EQ((*trees)[0]->reference(), reference + " (linux/amd64)");
    EXPECT_EQ((*trees)[1]->reference(), reference + " (linux/arm64)");
    for (const auto& tree : *trees) {
      EXPECT_THAT(tree->problems(), IsEmpty());
      EXPECT_EQ(tree->parts().size(), 1u);
    }
    EXPECT_EQ((*trees)[1]->config().architecture, "arm64");
    EXPECT_NE((*trees)[0]->digest(), (*trees)[1]->digest());
    const auto one = OpenImage(reference, {"linux/arm64", {}});
    ASSERT_TRUE(one.ok()) << one.status().ToString();
    EXPECT_EQ((*one)->digest(), (*trees)[1]->digest());
    EXPECT_EQ((*one)->reference(), reference);
  }
  // One instance is gone: that of the other platform can be audited all the same.
  Shell("cd " + Path("d") +
        " && rm $(python3 -c \"import json; print(json.load(open("
        "'manifest.json'))['manifests'][1]['digest'][7:])\").manifest.json");
  EXPECT_THAT(Problems(), IsEmpty());
  const auto trees = OpenImages("dir:" + Path("d"), options);
  ASSERT_TRUE(trees.ok()) << trees.status().ToString();
  ASSERT_EQ(trees->size(), 2u);
  EXPECT_THAT((*trees)[0]->problems(), IsEmpty());
  EXPECT_TRUE(HasProblem((*trees)[1]->problems(), Kind::kUnreadable, "No such file"));
}

}  // namespace
}  // namespace lre_audit
