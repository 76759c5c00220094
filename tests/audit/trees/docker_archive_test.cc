// The two descriptions of an image that Docker 25 and later write into one archive: where they
// differ, which image runs depends on who loads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/trees/tree.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = Problem::Kind;

// Writes what `docker save` of Docker 25 and later does, from layouts of skopeo's: manifest.json,
// and an OCI layout with the same blobs, layers uncompressed. Variables of the script: `docker`
// (manifest.json), `index` (index.json), `oci` (the OCI manifests, by image), blob(bytes).
constexpr char kSave[] = R"(
import gzip, hashlib, io, json, os, sys, tarfile
files = {'oci-layout': b'{"imageLayoutVersion": "1.0.0"}'}
def blob(data):
    if isinstance(data, dict): data = json.dumps(data).encode()
    digest = hashlib.sha256(data).hexdigest()
    files['blobs/sha256/' + digest] = data
    return {'digest': 'sha256:' + digest, 'size': len(data)}
def read(layout, d): return open(layout + '/blobs/sha256/' + d['digest'][7:], 'rb').read()
docker, oci, index = [], [], {'schemaVersion': 2, 'manifests': []}
for layout, name in (('a', 'a:t'), ('b', 'b:t')):
    entry = json.load(open(layout + '/index.json'))['manifests'][0]
    manifest = json.loads(read(layout, entry))
    config = {'mediaType': 'application/vnd.oci.image.config.v1+json', **blob(read(layout, manifest['config']))}
    layers = [{'mediaType': 'application/vnd.oci.image.layer.v1.tar', **blob(gzip.decompress(read(layout, l)))}
              for l in manifest['layers']]
    docker.append({'Config': 'blobs/sha256/' + config['digest'][7:], 'RepoTags': [name],
                   'Layers': ['blobs/sha256/' + l['digest'][7:] for l in layers]})
    oci.append({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                'config': config, 'layers': layers})
    # The configuration of a layer as Docker before 1.10 had it: nothing refers to it.
    blob({'id': 'f' * 64, 'created': '1970-01-01T00:00:00Z'})
def entry(image, name):
    return {'mediaType': 'application/vnd.oci.image.manifest.v1+json', **blob(image),
            'annotations': {'io.containerd.image.name': 'docker.io/library/' + name,
                            'org.opencontainers.image.ref.name': name.split(':')[1]}}
EDIT
if not index['manifests']:
    index['manifests'] = [entry(image, d['RepoTags'][0]) for image, d in zip(oci, docker)]
files['index.json'] = json.dumps(index).encode()
files['manifest.json'] = json.dumps(docker).encode()
with tarfile.open('save.tar', 'w') as tar:
    for name, data in files.items():
        info = tarfile.TarInfo(name); info.size = len(data); tar.addfile(info, io.BytesIO(data))
)";

class DockerArchiveTest : public testing::Test {
 protected:
  DockerArchiveTest() {
    Shell("cd " + scratch_.path() + R"(
      for i in a b; do
        umoci init --layout $i && umoci new --image $i:t && mkdir l$i && echo $i > l$i/$i
        tar -cf 1.tar -C l$i $i && echo more > l$i/$i-more && tar -cf 2.tar -C l$i $i-more
        umoci raw add-layer --image $i:t 1.tar && umoci raw add-layer --image $i:t 2.tar
        umoci config --image $i:t --architecture amd64 --os linux --config.env NAME=$i
      done)");
  }
  // What is wrong with image `name` of the archive that the script, after `edit`, writes.
  std::vector<Problem> Problems(const std::string& edit, const std::string& name = "a:t") {
    std::string script = kSave;
    script.replace(script.find("EDIT"), 4, edit);
    PutFile(scratch_ / "save.py", script);
    Shell("cd " + scratch_.path() + " && python3 save.py");
    auto tree = OpenImage("docker-archive:" + scratch_ / "save.tar:" + name, {});
    EXPECT_TRUE(tree.ok()) << tree.status().ToString();
    if (!tree.ok()) return {};
    std::vector<Problem> problems = (*tree)->problems();
    files_.clear();
    for (size_t part = 0; part < (*tree)->parts().size(); ++part) {
      RecordingSink sink;
      (*tree)->Stream(part, true, sink, problems);
      for (const std::string& path : sink.Paths()) files_.push_back(path);
    }
    return problems;
  }
  // The one disagreement that there is.
  Problem Disagreement(const std::string& edit, const std::string& name = "a:t") {
    const std::vector<Problem> problems = Problems(edit, name);
    EXPECT_EQ(problems.size(), 1u) << Describe(problems);
    if (problems.size() != 1) return {};
    EXPECT_EQ(problems[0].kind, Kind::kViewsDisagree);
    EXPECT_EQ(problems[0].where, "index.json");
    return problems[0];
  }

  TemporaryDirectory scratch_;
  std::vector<std::string> files_;
};

TEST_F(DockerArchiveTest, WhatDockerWritesIsInnocent) {
  EXPECT_THAT(Problems(""), IsEmpty());
  EXPECT_THAT(files_, ElementsAre("/a", "/a-more"));
  EXPECT_THAT(Problems("", "b:t"), IsEmpty());
  EXPECT_THAT(files_, ElementsAre("/b", "/b-more"));
  // One image under two names, saved by one of them.
  EXPECT_THAT(Problems("docker[0]['RepoTags'] = ['a:other', 'a:t']\n"
                       "index['manifests'] = [entry(oci[0], 'a:t'), entry(oci[1], 'b:t')]"),
              IsEmpty());
  // Saved by its id, or from another registry: no names in common.
  EXPECT_THAT(Problems("index['manifests'] = [blob(oci[1]), blob(oci[0])]"), IsEmpty());
  EXPECT_THAT(Problems("docker[0]['RepoTags'] = None\ndel docker[1]\n"
                       "index['manifests'] = [blob(oci[0])]",
                       "@0"),
              IsEmpty());
}

TEST_F(DockerArchiveTest, OtherPlatformsMayBeAbsent) {
  // The containerd image store saves the index of all platforms with the blobs of one.
  EXPECT_THAT(Problems(R"(
absent = {'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'digest': 'sha256:' + 64 * '1',
          'size': 500, 'platform': {'os': 'linux', 'architecture': 'arm64'}}
present = {**entry(oci[0], 'a:t'), 'platform': {'os': 'linux', 'architecture': 'amd64'}}
del present['annotations']
list = blob({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json',
             'manifests': [absent, present]})
index['manifests'] = [{**entry(oci[0], 'a:t'), **list,
                       'mediaType': 'application/vnd.oci.image.index.v1+json'}]
)"),
              IsEmpty());
}

TEST_F(DockerArchiveTest, LayersDiffer) {
  // moby issue 47065.
  EXPECT_THAT(Disagreement("oci[0]['layers'] = []").message, HasSubstr("diff_ids"));
  // moby issue 47150.
  const Problem reversed = Disagreement("oci[0]['layers'].reverse()");
  EXPECT_THAT(reversed.message, HasSubstr("names 2 layers [sha256:"));
  EXPECT_THAT(reversed.message, HasSubstr("manifest.json 2 layers [sha256:"));
  // Of the other image nothing is wrong.
  EXPECT_THAT(Problems("oci[0]['layers'].reverse()", "b:t"), IsEmpty());
}

TEST_F(DockerArchiveTest, SizesDiffer) {
  // moby issue 47072.
  const Problem size = Disagreement("oci[1]['layers'][1]['size'] -= 512", "b:t");
  EXPECT_EQ(size.expected, "10240 bytes");
  EXPECT_EQ(size.actual, "9728 bytes");
}

TEST_F(DockerArchiveTest, ConfigurationsDiffer) {
  const Problem other = Disagreement(R"(
config = json.loads(files['blobs/sha256/' + oci[0]['config']['digest'][7:]])
config['config']['Env'] = ['NAME=evil']
oci[0]['config'].update(blob(config)))");
  EXPECT_THAT(other.message, HasSubstr("another configuration"));
  EXPECT_THAT(other.expected, HasSubstr("sha256:"));
  EXPECT_NE(other.expected, other.actual);
  // Two names exchanged.
  EXPECT_THAT(
      Disagreement("index['manifests'] = [entry(oci[0], 'b:t'), entry(oci[1], 'a:t')]").message,
      HasSubstr("another configuration"));
}

TEST_F(DockerArchiveTest, OneViewLacksTheImage) {
  EXPECT_THAT(Disagreement("index['manifests'] = [entry(oci[1], 'b:t')]").message,
              HasSubstr("describes no image"));
  EXPECT_THAT(Disagreement("index = {'manifests': 3}").message, HasSubstr("without an array"));
  EXPECT_THAT(Disagreement("m = entry(oci[0], 'a:t')\ndel files['blobs/sha256/' + "
                           "m['digest'][7:]]\nindex['manifests'] = [m, entry(oci[1], 'b:t')]")
                  .message,
              HasSubstr("cannot be read"));
}

TEST_F(DockerArchiveTest, ComparedWhicheverViewIsRead) {
  const std::string one = "docker = docker[:1]\nindex['manifests'] = [entry(oci[0], 'a:t')]\n";
  const auto problems = [&](const std::string& edit, const std::string& name = "a:t") {
    Problems(edit, name);  // writes the archive
    auto tree = OpenImage("oci-archive:" + scratch_ / "save.tar:t", {});
    EXPECT_TRUE(tree.ok()) << tree.status().ToString();
    return tree.ok() ? (*tree)->problems() : std::vector<Problem>();
  };
  EXPECT_THAT(problems(one), IsEmpty());
  // An image beside it, which index.json has not, is no business of this one.
  EXPECT_THAT(problems("index['manifests'] = [entry(oci[0], 'a:t')]"), IsEmpty());
  const std::vector<Problem> reversed = problems(one + "docker[0]['Layers'].reverse()");
  ASSERT_EQ(reversed.size(), 1u) << Describe(reversed);
  EXPECT_EQ(reversed[0].kind, Kind::kViewsDisagree);
  EXPECT_THAT(reversed[0].message, HasSubstr("manifest.json 2 layers [sha256:"));
  const std::vector<Problem> absent = problems(
      "index['manifests'] = [entry(oci[0], 'a:t')]\ndocker = [docker[1], "
      "{**docker[1], 'RepoTags': ['c:t']}]",
      "b:t");
  ASSERT_EQ(absent.size(), 1u) << Describe(absent);
  EXPECT_EQ(absent[0].where, "manifest.json");
}

TEST_F(DockerArchiveTest, DamageIsToldOnce) {
  const std::vector<Problem> problems =
      Problems("files['blobs/sha256/' + oci[0]['config']['digest'][7:]] += b' '");
  EXPECT_EQ(problems.size(), 2u) << Describe(problems);
  for (const Problem& problem : problems) EXPECT_EQ(problem.kind, Kind::kDigestMismatch);
}

}  // namespace
}  // namespace lre_audit
