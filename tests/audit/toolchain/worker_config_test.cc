#include "audit/toolchain/worker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/toolchain/read_config.h"
#include "tests/audit/toolchain/config_text.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The examples of the crate's own documentation, and what its source says beyond them.
TEST(ExpandVariables, GoesByTheRulesOfShellexpand) {
  const std::map<std::string, std::string> environment = {
      {"A", "a value"}, {"B", "b value"}, {"EMPTY", ""}};
  const auto expand = [&](std::string_view text) {
    return ExpandVariables(text, environment).value;
  };
  EXPECT_EQ(expand("begin/$A/${B}s/end"), "begin/a value/b values/end");
  EXPECT_EQ(expand("begin/${UNSET_ENV:-42}/end"), "begin/42/end");
  EXPECT_EQ(expand("begin/$UNKNOWN/${UNKNOWN}/end"), "begin/$UNKNOWN/${UNKNOWN}/end");
  EXPECT_EQ(expand("$$A $${A} a$ $- ${"), "$A ${A} a$ $- ${");
  EXPECT_EQ(expand("${A:-x}${EMPTY:-y}${EMPTY}"), "a value");
  EXPECT_EQ(expand("${U:-docker://x:y}"), "docker://x:y");
  EXPECT_EQ(expand("${:-x}"), "${:-x}");  // a default of no name
  EXPECT_EQ(expand("${U:-$A}"), "$A");    // defaults are taken as they are
  EXPECT_EQ(expand(""), "");
  EXPECT_THAT(ExpandVariables("$A $U ${V:-x}", environment).unset, ElementsAre("U", "V"));
}

ConfigFacts Read(std::string_view text,
                 const std::map<std::string, std::string>& environment = {}) {
  ConfigFacts facts = ReadWorkerConfig("worker.json5", text, environment);
  ExpectPlacesIn(text, facts);
  return facts;
}

constexpr std::string_view kWorker = R"({
  stores: [],
  workers: [
    {
      local: {
        platform_properties: {
          cpu_count: { query_cmd: "nproc" },
          OSFamily: { values: ["Linux"] },
          "container-image": {
            values: [
              // A raw string.
              "${NATIVELINK_WORKER_PLATFORM:-undefined_platform}",
              "docker://lre-cc:abc",
            ],
          },
        },
      },
    },
  ],
  schedulers: [
    { name: "MAIN", simple: { supported_platform_properties: { "container-image": "priority" } } },
  ],
})";

TEST(ReadWorkerConfig, ReadsPropertiesOfWorkersAndSchedulers) {
  const ConfigFacts facts = Read(kWorker);
  EXPECT_THAT(
      Lines(facts),
      ElementsAre("7:36 EXEC_PROPERTY cpu_count=$(nproc)", "8:33 EXEC_PROPERTY OSFamily=Linux",
                  "12:16 ADVERTISED_IMAGE container-image=undefined_platform",
                  "13:16 ADVERTISED_IMAGE container-image=docker://lre-cc:abc",
                  "21:84 EXEC_PROPERTY container-image=priority"));
  EXPECT_EQ(facts.settings(1).context(), "workers[0].local");
  EXPECT_EQ(facts.settings(2).context(),
            "workers[0].local, from \"${NATIVELINK_WORKER_PLATFORM:-undefined_platform}\" with "
            "NATIVELINK_WORKER_PLATFORM not set");
  EXPECT_EQ(facts.settings(2).excerpt(), "\"${NATIVELINK_WORKER_PLATFORM:-undefined_platform}\",");
  EXPECT_EQ(facts.settings(4).context(), "scheduler");
}

TEST(ReadWorkerConfig, TheEnvironmentCounts) {
  const ConfigFacts facts = Read(kWorker, {{"NATIVELINK_WORKER_PLATFORM", "docker://lre-cc:xyz"}});
  EXPECT_EQ(facts.settings(2).value(), "docker://lre-cc:xyz");
  EXPECT_EQ(facts.settings(2).context(),
            "workers[0].local, from \"${NATIVELINK_WORKER_PLATFORM:-undefined_platform}\"");
}

TEST(ReadWorkerConfig, ReadsOlderShapes) {
  EXPECT_THAT(Lines(Read(R"({"schedulers": {"MAIN": {"cache_lookup": {"scheduler": {"simple":)"
                         R"({"supported_platform_properties": {"cpu_arch": "exact"}}}}}}})")),
              ElementsAre("1:114 EXEC_PROPERTY cpu_arch=exact"));
}

TEST(ReadWorkerConfig, AnImageThatACommandPrintsIsNotKnownHere) {
  EXPECT_THAT(Lines(Read("{workers: [{local: {platform_properties: {'container-image': {\n"
                         "query_cmd: 'cat /image'}}}}]}")),
              ElementsAre("2:13 ADVERTISED_IMAGE container-image=$(cat /image)"));
}

TEST(ReadWorkerConfig, SaysWhatIsWrongAndReadsTheRest) {
  EXPECT_THAT(
      Lines(Read("{workers: [{local: {platform_properties: {\n"
                 "a: {values: 'x'}, b: {}, c: {values: [1, 'y']}, d: 'z',\n"
                 "'container-image': {values: ['docker://i:t']}}}},\n"
                 "{local: {platform_properties: []}}]}")),
      ElementsAre("2:43 EXEC_PROPERTY c=y", "3:31 ADVERTISED_IMAGE container-image=docker://i:t",
                  "2:14 defect: a.values is a string, expected an array of strings",
                  "2:22 defect: the property b has neither \"values\" nor a string \"query_cmd\"",
                  "2:39 defect: an element of c.values is a number, expected a string",
                  "2:53 defect: the property d has neither \"values\" nor a string \"query_cmd\"",
                  "4:31 defect: platform_properties is an array, expected an object"));
}

TEST(ReadWorkerConfig, AnotherJsonFileIsNone) {
  EXPECT_THAT(Lines(Read("{name: 'x'}")),
              ElementsAre("1:1 defect: no NativeLink configuration: it is an object without "
                          "\"workers\", \"schedulers\" or \"stores\""));
  EXPECT_THAT(Lines(Read("{stores: [], servers: []}")), IsEmpty());
}

TEST(ReadWorkerConfig, WhatStandsBeforeAnErrorIsKept) {
  EXPECT_THAT(Lines(Read("{workers: [{local: {platform_properties: {a: {values: ['x']}}\nnext")),
              ElementsAre("1:57 EXEC_PROPERTY a=x",
                          "2:1 defect: 'n' in the object that begins in line 1, "
                          "expected ',' or '}'"));
}

TEST(ReadWorkerConfig, SurvivesWhateverStandsThere) {
  for (const std::string& text : Mutations(kWorker)) Read(text);
}

}  // namespace
}  // namespace lre_audit
