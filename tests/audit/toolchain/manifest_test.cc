#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/shell_values.h"
#include "audit/toolchain/yaml.h"
#include "tests/audit/toolchain/config_text.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ParseYaml, KnowsWhereScalarsBegin) {
  const std::string text =
      "\uFEFF# \u00e9\r\n"
      "a: &x \"quoted\"\r\n"
      "b: !!str  tagged\r\n"
      "c: ['\u00e9', *x, ~]\r\n"
      "d: |\r\n"
      "  literal\r\n"
      "e: >-\r\n"
      "  folded\r\n"
      "<<: {z: merged}\r\n";
  const YamlFile file = ParseYaml(text);
  ASSERT_TRUE(file.errors.empty());
  ASSERT_EQ(file.roots.size(), 1U);
  const YamlNode& root = *file.roots[0];
  for (const char* name : {"a", "b", "d", "e", "z"}) {
    const YamlNode* member = root.Member(name);
    ASSERT_NE(member, nullptr) << name;
    const std::string first_line = member->text.substr(0, member->text.find('\n'));
    EXPECT_EQ(text.substr(member->offset, first_line.size()), first_line) << name;
  }
  EXPECT_EQ(root.Member("d")->style, YamlNode::Style::kLiteral);
  EXPECT_EQ(root.Member("e")->style, YamlNode::Style::kFolded);
  EXPECT_EQ(root.Member("c")->items[1], root.Member("a"));  // an alias
  EXPECT_EQ(root.Member("c")->items[2]->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root.Member("missing"), nullptr);
}

TEST(ParseYaml, OneBadDocumentDoesNotHideTheOthers) {
  const YamlFile file = ParseYaml("%YAML 1.2\n--- # first\na: 1\n...\n---\nb: [\n---\nc: 3\n");
  ASSERT_EQ(file.roots.size(), 2U);
  EXPECT_EQ(file.roots[0]->Text("a"), "1");
  EXPECT_EQ(file.roots[1]->Text("c"), "3");
  ASSERT_EQ(file.errors.size(), 1U);
}

TEST(ParseYaml, IsBounded) {
  EXPECT_THAT(ParseYaml(std::string(100'000, '[')).errors.size(), 1U);
  EXPECT_THAT(ParseYaml(std::string((16 << 20) + 1, ' ')).errors[0].message, HasSubstr("at most"));
  EXPECT_THAT(ParseYaml(std::string("a: \0b", 5)).errors[0].message, HasSubstr("a NUL byte"));
  // Ten to the tenth in a few lines: as a tree with two ways to a node it takes ten nodes.
  std::string bomb = "a0: &a0 x\n";
  for (int i = 1; i <= 10; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, "*a", i - 1, ", ");
    absl::StrAppend(&bomb, "]\n");
  }
  const YamlFile file = ParseYaml(bomb);
  EXPECT_TRUE(file.errors.empty());
  EXPECT_LT(file.nodes.size(), 50U);
  // What merges itself, or merges without end, has no member.
  const YamlFile merges = ParseYaml("a: &a\n  <<: [*a, *a, *a, *a]\n  <<: *a\n");
  ASSERT_EQ(merges.roots.size(), 1U);
  EXPECT_EQ(merges.roots[0]->Member("a")->Member("x"), nullptr);
}

TEST(ShellValuesOf, FindsAssignmentsInCommandLines) {
  const auto values = [](std::string_view code) {
    std::vector<std::string> result;
    for (const ShellValue& value : ShellValuesOf(code, "P")) {
      result.push_back(value.is_known ? value.text : "-");
    }
    return result;
  };
  EXPECT_THAT(values("P=docker://a:b && export P"), ElementsAre("docker://a:b"));
  EXPECT_THAT(values("export P=\"docker://a:$(nix eval \"x y\" | (cat))\"; exec w"),
              ElementsAre("docker://a:$(nix eval \"x y\" | (cat))"));
  EXPECT_THAT(values("P='docker://a:b'\nP=`id`"), ElementsAre("docker://a:b", "$(id)"));
  EXPECT_THAT(values("printf 'export P=%s\\n' \"$P\"; NP=1; P=$P P=${P} P="),
              ElementsAre("-", "-", "-", "-", "-"));
  EXPECT_THAT(values("P=$(open"), ElementsAre("$(open"));
  EXPECT_THAT(values("P=\"open\\"), ElementsAre("open\\"));
}

ConfigFacts Read(std::string_view text) {
  ConfigFacts facts = ReadManifest("manifest.yaml", text);
  ExpectPlacesIn(text, facts);
  return facts;
}

constexpr std::string_view kDeployment = R"(---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: worker
spec:
  template:
    spec:
      initContainers:
        - name: setup
          image: nixpkgs/nix-flakes:latest
          command: ["/bin/sh", "-c"]
          args:
            - |
              git config x
              NATIVELINK_WORKER_PLATFORM=docker://lre-cc:$(nix eval /mnt#x --raw) &&
              printf 'export NATIVELINK_WORKER_PLATFORM=%s\n' "$NATIVELINK_WORKER_PLATFORM"
      containers:
        - name: worker
          image: "registry:5000/worker:abc"
          env:
            - name: TAG
              value: xyz
            - name: NATIVELINK_WORKER_PLATFORM
              value: docker://lre-cc:$(TAG)
            - name: SECRET
              valueFrom: {secretKeyRef: {name: a, key: b}}
---
apiVersion: v1
kind: Service
metadata: {name: worker}
)";

TEST(ReadManifest, ReadsTheContainersOfADeployment) {
  const ConfigFacts facts = Read(kDeployment);
  EXPECT_THAT(Lines(facts),
              ElementsAre("11:18 DEPLOYED_IMAGE image=nixpkgs/nix-flakes:latest",
                          "16:42 ADVERTISED_IMAGE "
                          "NATIVELINK_WORKER_PLATFORM=docker://lre-cc:$(nix eval /mnt#x --raw)",
                          "20:19 DEPLOYED_IMAGE image=registry:5000/worker:abc",
                          "23:22 ENVIRONMENT TAG=xyz",
                          "25:22 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:xyz"));
  EXPECT_EQ(facts.settings(1).context(), "Deployment worker, container setup, shell command");
  EXPECT_EQ(facts.settings(2).context(), "Deployment worker, container worker");
  EXPECT_EQ(facts.settings(2).excerpt(), "image: \"registry:5000/worker:abc\"");
}

TEST(ReadManifest, ReadsEveryKindWithAPodSpec) {
  const std::string spec = "containers: [{name: c, image: i:t}]";
  const auto image_of = [](const std::string& text) {
    const ConfigFacts facts = Read(text);
    return facts.settings_size() == 1 ? facts.settings(0).context() : "none";
  };
  EXPECT_EQ(image_of("{kind: Pod, metadata: {name: p}, spec: {" + spec + "}}"),
            "Pod p, container c");
  for (const char* kind : {"StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Rollout"}) {
    EXPECT_EQ(image_of(absl::StrCat("{kind: ", kind, ", spec: {template: {spec: {", spec, "}}}}")),
              absl::StrCat(kind, ", container c"));
  }
  EXPECT_EQ(
      image_of("{kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {" + spec + "}}}}}}"),
      "CronJob, container c");
  EXPECT_EQ(image_of("{kind: List, items: [{kind: Pod, spec: {" + spec + "}}]}"),
            "Pod, container c");
}

TEST(ReadManifest, MergedMappingsCount) {
  EXPECT_THAT(Lines(Read("kind: Pod\n"
                         "spec:\n"
                         "  containers:\n"
                         "  - &base {name: a, image: i:t}\n"
                         "  - {<<: *base, name: b}\n")),
              ElementsAre("4:28 DEPLOYED_IMAGE image=i:t", "4:28 DEPLOYED_IMAGE image=i:t"));
}

TEST(ReadManifest, ReadsKustomizations) {
  const ConfigFacts facts = Read(R"(apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
- name: worker
- name: worker
  newName: ghcr.io/x/worker-lre-cc
  newTag: abc
- name: init
  digest: sha256:0123
configMapGenerator:
- name: platform
  literals:
  - NATIVELINK_WORKER_PLATFORM=docker://lre-cc:abc
  - OTHER=x
  files: [worker.json5]
patches:
- path: worker.yaml
- patch: |-
    kind: Deployment
    metadata:
      name: worker
    spec:
      template:
        spec:
          containers:
          - name: w
            env:
            - name: NATIVELINK_WORKER_PLATFORM
              value: docker://lre-cc:patched
- patch: |

    - op: replace
      path: /spec/template/spec/containers/0/image
      value: worker:json
    - op: add
      path: /spec/template/spec/containers/0/env/-
      value: {name: A, value: b}
    - op: replace
      path: /spec/template/spec/containers/0/env/0/value
      value: docker://lre-cc:op
)");
  EXPECT_THAT(
      Lines(facts),
      ElementsAre("7:11 DEPLOYED_IMAGE worker=ghcr.io/x/worker-lre-cc:abc",
                  "9:11 DEPLOYED_IMAGE init=init@sha256:0123",
                  "13:32 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:abc",
                  "14:11 ENVIRONMENT OTHER=x",
                  "29:22 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:patched",
                  "34:14 DEPLOYED_IMAGE image=worker:json", "37:31 ENVIRONMENT A=b",
                  "40:14 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:op"));
}

TEST(ReadManifest, ReadsFluxKustomizations) {
  EXPECT_THAT(Lines(Read("apiVersion: kustomize.toolkit.fluxcd.io/v1\n"
                         "kind: Kustomization\n"
                         "metadata: {name: nativelink}\n"
                         "spec:\n"
                         "  images: [{name: w, newTag: \"1\"}]\n"
                         "  postBuild:\n"
                         "    substitute:\n"
                         "      NATIVELINK_WORKER_PLATFORM: docker://lre-cc:abc\n"
                         "      OTHER: x\n")),
              ElementsAre("5:31 DEPLOYED_IMAGE w=w:1",
                          "8:35 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:abc"));
}

TEST(ReadManifest, ReadsWorkerConfigurationsInConfigMaps) {
  EXPECT_THAT(
      Lines(Read("apiVersion: v1\n"
                 "kind: ConfigMap\n"
                 "metadata: {name: worker}\n"
                 "data:\n"
                 "  NATIVELINK_WORKER_PLATFORM: docker://lre-cc:abc\n"
                 "  worker.json5: |\n"
                 "    {workers: [{local: {platform_properties: {\n"
                 "      'container-image': {values: ['docker://lre-cc:xyz']},\n"
                 "      broken: {},\n"
                 "    }}}]}\n"
                 "  folded.json: \"{\\\"workers\\\": [{\\\"platform_properties\\\": {\\\"a\\\": "
                 "{\\\"values\\\": [\\\"b\\\"]}}}]}\"\n"
                 "  notes: nothing\n")),
      ElementsAre("5:31 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:abc",
                  "8:37 ADVERTISED_IMAGE container-image=docker://lre-cc:xyz",
                  "11:17 EXEC_PROPERTY a=b",
                  "9:15 defect: the property broken has neither \"values\" nor a string "
                  "\"query_cmd\""));
}

TEST(ReadManifest, ReadsComposeFiles) {
  EXPECT_THAT(Lines(Read("services:\n"
                         "  worker:\n"
                         "    image: w:t\n"
                         "    environment:\n"
                         "      NATIVELINK_WORKER_PLATFORM: docker://lre-cc:abc\n"
                         "      EMPTY:\n"
                         "  other:\n"
                         "    image: o:t\n"
                         "    environment: [A=b, PASSED]\n"
                         "    command: sh -c 'NATIVELINK_WORKER_PLATFORM=docker://x:y exec w'\n")),
              ElementsAre("3:12 DEPLOYED_IMAGE image=w:t",
                          "5:35 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://lre-cc:abc",
                          "8:12 DEPLOYED_IMAGE image=o:t",
                          "10:48 ADVERTISED_IMAGE NATIVELINK_WORKER_PLATFORM=docker://x:y",
                          "9:21 ENVIRONMENT A=b"));
}

TEST(ReadManifest, SaysWhatCannotBeReadAndReadsTheRest) {
  EXPECT_THAT(Lines(Read("kind: Pod\nspec: {containers: [{name: c, image: i:t}]}\n---\na: [\n")),
              ElementsAre("2:38 DEPLOYED_IMAGE image=i:t", HasSubstr("5:1 defect: ")));
  EXPECT_THAT(Lines(Read("kind: {{ .Values.kind }}\n  x: }}\n")),
              ElementsAre(HasSubstr("; a Helm template has to be rendered first")));
  EXPECT_THAT(Lines(Read("name: workflow\non: push\n")),
              ElementsAre("0:0 defect: no Kubernetes object, kustomization or compose file"));
  EXPECT_THAT(Lines(Read("apiVersion: v1\nkind: Service\n")), IsEmpty());
}

TEST(ReadManifest, AliasesThatRepeatWithoutEndAreBounded) {
  std::string text =
      "kind: List\nitems:\n- &l0 {kind: Pod, spec: {containers: [{name: c, image: i}]}}\n";
  for (int i = 1; i < 5; ++i) {
    absl::StrAppend(&text, "- &l", i, " {kind: List, items: [");
    for (int j = 0; j < 100; ++j) absl::StrAppend(&text, "*l", i - 1, ", ");
    absl::StrAppend(&text, "]}\n");
  }
  const ConfigFacts facts = Read(text);
  EXPECT_EQ(facts.settings_size(), 20'000);
  EXPECT_EQ(facts.defects_size(), 2);  // of settings and of objects
}

TEST(ReadManifest, SurvivesWhateverStandsThere) {
  for (const std::string& text : Mutations(kDeployment)) ReadManifest("x.yaml", text);
}

}  // namespace
}  // namespace lre_audit
