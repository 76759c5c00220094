// Indexes, manifests and configurations that mean different things to different readers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/trees/json.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = Problem::Kind;
using Strings = std::vector<std::string>;

class DocumentsTest : public testing::Test {
 protected:
  DocumentsTest() {
    Shell("cd " + scratch_.path() + R"( && umoci init --layout good && umoci new --image good:t
      mkdir l && echo hello > l/a && tar -cf 1.tar -C l . && umoci raw add-layer --image good:t 1.tar
      umoci config --image good:t --config.env A=b --config.entrypoint /a --architecture amd64)");
  }
  // The good image after Python statements about `config`, `manifest` and `index`; the first may
  // set `text` instead, which is what no dictionary can hold. Digests and sizes fit again.
  std::unique_ptr<Tree> Edit(const std::string& config, const std::string& manifest = "",
                             const std::string& index = "") {
    PutFile(scratch_ / "edit.py", R"(import hashlib, json
def put(text):
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    open('blobs/sha256/' + digest, 'wb').write(data)
    return {'digest': 'sha256:' + digest, 'size': len(data)}
def load(descriptor):
    return json.load(open('blobs/sha256/' + descriptor['digest'][7:]))
index = json.load(open('index.json'))
manifest = load(index['manifests'][0])
config = load(manifest['config'])
text = None
)" + config + R"(
manifest['config'].update(put(text or json.dumps(config)))
)" + manifest + R"(
index['manifests'][0].update(put(json.dumps(manifest)))
)" + index + R"(
json.dump(index, open('index.json', 'w'))
)");
    Shell("cd " + scratch_.path() +
          " && rm -rf oci && cp -r good oci && cd oci && python3 ../edit.py");
    absl::StatusOr<std::unique_ptr<Tree>> tree = OpenImage("oci:" + scratch_ / "oci", {});
    EXPECT_TRUE(tree.ok()) << tree.status().ToString();
    return tree.ok() ? *std::move(tree) : nullptr;
  }
  // The environment that skopeo, and Go with it, reads.
  Strings SkopeoEnv() {
    const std::string output =
        Shell("skopeo inspect oci:" + scratch_ / "oci:t" +
              " | python3 -c 'import json, sys\n"
              "for line in json.load(sys.stdin)[\"Env\"] or []: print(line)'");
    Strings lines;
    for (size_t at = 0; at < output.size(); at = output.find('\n', at) + 1) {
      lines.push_back(output.substr(at, output.find('\n', at) - at));
    }
    return lines;
  }
  TemporaryDirectory scratch_;
};

TEST_F(DocumentsTest, KeysAreReadAsGoDoes) {
  const std::string evil = "[\"LD_PRELOAD=/tmp/evil.so\"]";
  struct Case {
    std::string python, message;
    size_t problems = 1;
  };
  const std::vector<Case> cases = {
      {"config['config']['env'] = config['config'].pop('Env')", "key \"env\" of config is \"Env\""},
      {"config['Config'] = {'Env': " + evil + "}", "key \"Config\" is \"config\""},
      {"config['config']['ENV'] = " + evil, "key \"ENV\" of config is \"Env\""},
      {"config['config'] = {'env': " + evil + ", **config['config']}", "key \"env\" of config is"},
      // Two objects are merged, of two arrays the last one counts.
      {"text = '{\"config\": {\"Env\": " + evil +
           "}, ' + json.dumps(config)[1:].replace('Env', 'X')",
       "key \"config\" stands there twice"},
      {"text = '{\"config\": {\"Env\": " + evil + "}, ' + json.dumps(config)[1:]",
       "key \"config\" stands there twice"},
      {"text = json.dumps(config)[:-1] + ', \"config\": {\"Env\": " + evil + "}}'",
       "key \"config\" stands there twice"},
      {"text = json.dumps(config)[:-1] + ', \"config\": null}'", "stands there twice"},
      {"text = json.dumps(config).replace('\"Env\":', '\"Env\": null, \"Env\":')",
       "key \"Env\" of config stands there twice"},
      {"text = json.dumps(config).replace('\"Env\":', '\"Env\": [\"X=y\", \"Z=y\"], \"eNv\":')",
       "key \"eNv\" of config is \"Env\""},
      {"text = json.dumps(config).replace('\"Entrypoint\":', '\"Env\": null, \"Entrypoint\":')",
       "key \"Env\" of config stands there twice"},
      // Kelvin signs and long s are letters, too.
      {"config['config']['WorkingDir'] = config['config'].pop('WorkingDir', '/'); "
       "config['config']['Wor\\u212aingDir'] = '/'",
       "of config is \"WorkingDir\""},
      // A label's name is the user's.
      {"config['config']['Labels'] = {'Env': 'a', 'env': 'b', 'ENV': 'c'}", "", 0},
      {"text = json.dumps(config).replace('\"Env\":', '\"Labels\": {\"a\": \"\", \"a\": \"\"}, "
       "\"Env\":')",
       "key \"a\" of config.Labels stands there twice"},
  };
  for (const Case& test : cases) {
    const auto tree = Edit(test.python);
    EXPECT_EQ(tree->config().env, SkopeoEnv()) << test.python;
    EXPECT_THAT(tree->problems(), SizeIs(test.problems)) << test.python << "\n"
                                                         << Describe(tree->problems());
    if (test.problems == 0) continue;
    EXPECT_TRUE(HasProblem(tree->problems(), Kind::kMalformed, test.message))
        << test.python << "\n"
        << Describe(tree->problems());
    EXPECT_THAT(tree->problems()[0].where, testing::StartsWith("blobs/sha256/"));
  }
}

TEST_F(DocumentsTest, KeysOfManifestsAndIndexes) {
  const auto manifest = Edit("", "manifest['Layers'] = manifest.pop('layers')");
  EXPECT_EQ(manifest->parts().size(), 1u);
  EXPECT_TRUE(HasProblem(manifest->problems(), Kind::kMalformed, "key \"Layers\" is \"layers\""));
  const auto index = Edit("", "", "index['manifests'][0]['Size'] = index['manifests'][0]['size']");
  ASSERT_THAT(index->problems(), SizeIs(1));
  EXPECT_EQ(index->problems()[0].where, "index.json");
  EXPECT_EQ(index->problems()[0].message,
            "key \"Size\" of manifests[0] is \"size\" for readers that take no heed of case, and "
            "stands there twice");
}

TEST_F(DocumentsTest, DockerManifest) {
  Shell("cd " + scratch_.path() + " && skopeo copy -q oci:good:t docker-archive:d.tar:name:t" +
        " && mkdir d && tar -xf d.tar -C d && sed -i 's/\"Config\"/\"config\"/; " +
        "s/\"RepoTags\"/\"repotags\":[\"a:b\"],\"RepoTags\"/' d/manifest.json && " +
        "tar -cf e.tar -C d .");
  const auto tree = OpenImage("docker-archive:" + scratch_ / "e.tar:name:t", {});
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  EXPECT_THAT((*tree)->config().env, ElementsAre("A=b"));
  EXPECT_TRUE(HasProblem((*tree)->problems(), Kind::kMalformed, "key \"config\" of [0] is"));
  EXPECT_TRUE(HasProblem((*tree)->problems(), Kind::kMalformed, "key \"repotags\" of [0] is"));
}

TEST_F(DocumentsTest, WrongTypes) {
  const std::vector<std::pair<std::string, Strings>> cases = {
      {"config['config']['Env'] = {'LD_PRELOAD': '/x'}",
       {"config.Env is an object, expected an array of strings"}},
      {"config['config']['Env'] = 'LD_PRELOAD=/x'",
       {"config.Env is the string \"LD_PRELOAD=/x\", expected an array of strings"}},
      {"config['config']['Env'] = [['LD_PRELOAD=/x'], 'A=b', 1, None]",
       {"config.Env[0] is an array, expected a string",
        "config.Env[2] is the number 1, expected a string",
        "config.Env[3] is null, expected a string"}},
      {"config['config']['Entrypoint'] = '/a'",
       {"config.Entrypoint is the string \"/a\", expected an array of strings"}},
      {"config['config']['Cmd'] = True", {"config.Cmd is true, expected an array of strings"}},
      {"config['config'] = 'x'", {"config is the string \"x\", expected an object"}},
      {"config['config']['User'] = 0", {"config.User is the number 0, expected a string"}},
      {"config['history'] = ['x']", {"history[0] is the string \"x\", expected an object"}},
      {"config['architecture'] = []", {"architecture is an array, expected a string"}},
      {"config['config'] = None", {}},
      {"config['config'].update(Env=None, Entrypoint=None, Cmd=None, Labels=None, Volumes=None)",
       {}},
  };
  for (const auto& [python, expected] : cases) {
    const auto tree = Edit(python);
    Strings messages;
    for (const Problem& problem : tree->problems()) {
      EXPECT_EQ(problem.kind, Kind::kMalformed);
      messages.push_back(problem.message);
    }
    EXPECT_EQ(messages, expected) << python;
    EXPECT_THAT(tree->config().diff_ids, SizeIs(1)) << python;  // the rest is read all the same
  }
  EXPECT_THAT(Edit("config['config']['Env'] = [1, 'A=b']")->config().env, ElementsAre("A=b"));
  EXPECT_TRUE(HasProblem(Edit("text = '[]'")->problems(), Kind::kMalformed,
                         "the configuration is an array, expected an object"));
}

TEST_F(DocumentsTest, SizesOfDescriptors) {
  const std::vector<std::pair<std::string, std::string>> values = {
      {"-1", "the number -1"},
      {"'abc'", "the string \"abc\""},
      {"1.5", "the number 1.5"},
      {"1.5e300", "the number 1.5e+300"},
      {"2**63", "the number 9223372036854775808"},
      {"None", "missing"},
      {"[]", "an array"}};
  for (const auto& [value, found] : values) {
    const std::string expected = " is " + found + ", expected a number of bytes (0 to 2^63 - 1)";
    for (const std::string name : {"config", "layers[0]"}) {
      const std::string python =
          name == "config" ? "manifest['config']['size']=" : "manifest['layers'][0]['size']=";
      const auto tree = Edit("", python + value);
      ASSERT_THAT(tree->problems(), SizeIs(1)) << Describe(tree->problems());
      EXPECT_EQ(tree->problems()[0].kind, Kind::kMalformed);
      EXPECT_EQ(tree->problems()[0].message, name + ".size" + expected);
    }
    const auto tree = Edit("", "", "index['manifests'][0]['size']=" + value);
    ASSERT_THAT(tree->problems(), SizeIs(1)) << Describe(tree->problems());
    EXPECT_EQ(tree->problems()[0].message, "manifests[0].size" + expected);
    EXPECT_EQ(tree->problems()[0].where, "index.json");
    EXPECT_THAT(tree->parts(), SizeIs(1));
  }
}

TEST_F(DocumentsTest, MediaTypesThatContradictTheContents) {
  const std::string set = "index['manifests'][0]['mediaType'] = ";
  const auto manifest = Edit("", "", set + "'application/vnd.oci.image.index.v1+json'");
  ASSERT_THAT(manifest->problems(), SizeIs(1)) << Describe(manifest->problems());
  EXPECT_EQ(manifest->problems()[0].kind, Kind::kMalformed);
  EXPECT_THAT(manifest->parts(), SizeIs(1));

  const std::string nest =
      "inner = {'schemaVersion': 2, 'manifests': [dict(index['manifests'][0])]}\n"
      "index['manifests'][0].update(put(json.dumps(inner)))\n";
  const auto index =
      Edit("", "", nest + set + "'application/vnd.docker.distribution.manifest.v2+json'");
  ASSERT_THAT(index->problems(), SizeIs(1)) << Describe(index->problems());
  EXPECT_THAT(index->problems()[0].message, testing::HasSubstr("is an index, its descriptor's"));
  EXPECT_THAT(Edit("", "", nest + set + "'application/vnd.oci.image.index.v1+json'")->problems(),
              IsEmpty());
  EXPECT_THAT(Edit("", "", "index['manifests'][0].pop('mediaType')")->problems(), IsEmpty());

  const auto own = Edit("", "manifest['mediaType'] = 'application/vnd.oci.image.index.v1+json'",
                        "index['manifests'][0].pop('mediaType')");
  ASSERT_THAT(own->problems(), SizeIs(1)) << Describe(own->problems());
  EXPECT_THAT(own->problems()[0].message, testing::HasSubstr("is a manifest, its mediaType"));
}

TEST_F(DocumentsTest, VersionsOfSchemaAndLayout) {
  const std::string three = "schemaVersion is the number 3, expected 2; read as if it were";
  const auto manifest = Edit("", "manifest['schemaVersion'] = 3");
  ASSERT_THAT(manifest->problems(), SizeIs(1)) << Describe(manifest->problems());
  EXPECT_EQ(manifest->problems()[0].kind, Kind::kMalformed);
  EXPECT_EQ(manifest->problems()[0].message, three);
  EXPECT_THAT(manifest->parts(), SizeIs(1));
  const auto index = Edit("", "", "index['schemaVersion'] = 3");
  ASSERT_THAT(index->problems(), SizeIs(1)) << Describe(index->problems());
  EXPECT_EQ(index->problems()[0].where, "index.json");
  EXPECT_EQ(index->problems()[0].message, three);
  EXPECT_THAT(Edit("", "manifest['schemaVersion'] = '2'")->problems(), SizeIs(1));

  const auto layout = [&](const std::string& python) {
    return Edit("", "", "open('oci-layout', 'w').write(" + python + ")")->problems();
  };
  EXPECT_THAT(layout(R"('{"imageLayoutVersion":"1.1.0"}')"), IsEmpty());
  for (const std::string text :
       {R"({"imageLayoutVersion":"2.0.0"})", R"({"imageLayoutVersion":1})", "{}", "[]"}) {
    const std::vector<Problem> problems = layout("'" + text + "'");
    ASSERT_THAT(problems, SizeIs(1)) << text << Describe(problems);
    EXPECT_EQ(problems[0].where, "oci-layout");
    EXPECT_THAT(problems[0].message, testing::HasSubstr("expected \"1.0.0\""));
  }
  EXPECT_TRUE(HasProblem(layout("'1.0'[:0]"), Kind::kUnreadable, "empty"));
}

TEST_F(DocumentsTest, MediaTypesOfLayers) {
  const auto problems = [&](const std::string& media_type) {
    return Edit("", "manifest['layers'][0]['mediaType'] = '" + media_type + "'")->problems();
  };
  // Whichever of them it is, the bytes say how they are packed.
  for (const char* known : {"application/vnd.oci.image.layer.v1.tar+zstd",
                            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                            "application/vnd.docker.image.rootfs.diff.tar",
                            "application/vnd.docker.image.rootfs.diff.tar.gzip", ""}) {
    EXPECT_THAT(problems(known), IsEmpty()) << known;
  }
  for (const char* other : {"application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                            "application/vnd.oci.image.layer.v1.tar+lzip",
                            "application/vnd.oci.image.config.v1+json"}) {
    const std::vector<Problem> found = problems(other);
    ASSERT_THAT(found, SizeIs(1)) << other;
    EXPECT_EQ(found[0].kind, Kind::kMalformed);
    EXPECT_THAT(found[0].message,
                testing::HasSubstr(std::string("layers[0].mediaType is \"") + other));
  }
  EXPECT_TRUE(HasProblem(problems("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
                         Kind::kMalformed, "--decryption-key"));
}

TEST_F(DocumentsTest, ConfigurationsThatAreNone) {
  const auto type = [&](const std::string& media_type) {
    return Edit("", "manifest['config']['mediaType'] = '" + media_type + "'")->problems();
  };
  EXPECT_THAT(type("application/vnd.docker.container.image.v1+json"), IsEmpty());
  EXPECT_THAT(type(""), IsEmpty());
  EXPECT_TRUE(HasProblem(type("application/vnd.cncf.helm.config.v1+json"), Kind::kMalformed,
                         "config.mediaType is \"application/vnd.cncf.helm.config.v1+json\""));
  EXPECT_TRUE(HasProblem(Edit("config['rootfs']['type'] = 'layered'", "")->problems(),
                         Kind::kMalformed, "rootfs.type is \"layered\", expected \"layers\""));
}

TEST_F(DocumentsTest, EmbeddedDataAreTheBlobs) {
  // The layer of another image, embedded.
  const auto other = Edit("", "manifest['layers'][0]['data'] = 'aGVsbG8='");
  ASSERT_THAT(other->problems(), SizeIs(1)) << Describe(other->problems());
  EXPECT_EQ(other->problems()[0].kind, Kind::kDigestMismatch);
  EXPECT_THAT(Edit("",
                   "import base64\nlayer = manifest['layers'][0]\nlayer['data'] = "
                   "base64.b64encode(open('blobs/sha256/' + layer['digest'][7:], 'rb').read())"
                   ".decode()")
                  ->problems(),
              IsEmpty());
}

TEST_F(DocumentsTest, ByteOrderMark) {
  const auto marked = Edit("text = '\\ufeff' + json.dumps(config)");
  EXPECT_TRUE(HasProblem(marked->problems(), Kind::kUnreadable, "byte order mark"))
      << Describe(marked->problems());
}

// Who chooses by the index gets another image than who looks at the configuration.
TEST_F(DocumentsTest, IndexAndConfigurationNamePlatforms) {
  const auto offered = [](const std::string& platform) {
    return "index['manifests'][0]['platform'] = " + platform;
  };
  const auto other = Edit("", "", offered("{'os': 'linux', 'architecture': 'arm64'}"));
  ASSERT_THAT(other->problems(), SizeIs(1)) << Describe(other->problems());
  EXPECT_EQ(other->problems()[0].kind, Kind::kViewsDisagree);
  EXPECT_THAT(other->problems()[0].message, testing::HasSubstr("for linux/arm64, its"));
  // What one of them does not say is no contradiction.
  for (const char* platform : {"{'os': 'linux', 'architecture': 'amd64'}",
                               "{'os': 'linux', 'architecture': 'amd64', 'variant': 'v2'}"}) {
    EXPECT_THAT(Edit("", "", offered(platform))->problems(), IsEmpty()) << platform;
  }
  EXPECT_THAT(
      Edit("config.pop('architecture')", "", offered("{'os': 'linux', 'architecture': 'arm64'}"))
          ->problems(),
      IsEmpty());
}

// An image that stands alone is not for whatever platform is asked for.
TEST_F(DocumentsTest, LoneImageOfAnotherPlatform) {
  Edit("");
  OpenOptions options;
  options.platform = "linux/arm64";
  const absl::Status status = OpenImage("oci:" + scratch_ / "oci", options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("it is for linux/amd64"));
  for (const char* platform : {"linux/amd64", "linux/amd64/v3"}) {
    options.platform = platform;
    EXPECT_TRUE(OpenImage("oci:" + scratch_ / "oci", options).ok()) << platform;
  }
}

TEST_F(DocumentsTest, LayersWithoutADigest) {
  for (const char* layer : {"None", "{'size': 5}", "{'size': 5, 'digest': 7}"}) {
    const auto tree = Edit("", std::string("manifest['layers'][0] = ") + layer);
    EXPECT_THAT(tree->problems(), IsEmpty()) << Describe(tree->problems());
    RecordingSink sink;
    std::vector<Problem> problems;
    tree->Stream(0, true, sink, problems);
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_EQ(problems[0].where, "layer 0");
    EXPECT_THAT(problems[0].message, testing::StartsWith("layers[0]"));
  }
}

// As many problems as a document holds would fill the memory.
TEST(ParseJson, BoundedProblems) {
  std::string text = "{\"a\":0";
  for (int i = 0; i < 5000; ++i) text += ",\"a\":0";
  std::vector<Problem> problems;
  ProblemLog log("x.json", problems);
  EXPECT_TRUE(ParseJson(text + "}", JsonSchema::kOci, log).ok());
  EXPECT_EQ(problems.size(), 1001u);
  EXPECT_TRUE(HasProblem(problems, Kind::kLimit, "more problems"));
}

}  // namespace
}  // namespace lre_audit
