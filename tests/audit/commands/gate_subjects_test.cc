// Policies name subjects relative to their own file.
#include "audit/commands/gate_subjects.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;

Policy Parse(const char* text) {
  Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy));
  return policy;
}

TEST(GateSubjectsTest, PathsStartAtThePolicysDirectory) {
  const Policy policy = Parse(R"(
    image { reference: "oci:worker:t" closure: "closure.json" }
    image { reference: "docker://registry/worker:t" }
    image { reference: "worker.tar" closure: "store:" }
    image { reference: "docker-daemon:worker:t" }
    toolchain { directory: "generated-cc" image: "oci:worker:t" }
    store { path: "result" path: "/nix/store/x" root: "chroot" }
    local: "store:chroot"
    bazelrc: "lre.bazelrc"
    worker: "/etc/worker.json5"
    environment { name: "A" value: "b" }
  )");
  const GateRequest request = SubjectsOfPolicy(policy, "ci/gate");
  ASSERT_EQ(request.images.size(), 4u);
  EXPECT_EQ(request.images[3].reference, "docker-daemon:worker:t");
  EXPECT_EQ(request.images[0].reference, "oci:ci/gate/worker:t");
  EXPECT_EQ(request.images[0].closure, "ci/gate/closure.json");
  EXPECT_EQ(request.images[1].reference, "docker://registry/worker:t");
  EXPECT_EQ(request.images[1].closure, "");
  EXPECT_EQ(request.images[2].reference, "ci/gate/worker.tar");
  EXPECT_EQ(request.images[2].closure, "store:");
  ASSERT_EQ(request.toolchains.size(), 1u);
  EXPECT_EQ(request.toolchains[0].directory, "ci/gate/generated-cc");
  EXPECT_THAT(request.toolchains[0].images, ElementsAre("oci:ci/gate/worker:t"));
  ASSERT_EQ(request.stores.size(), 1u);
  EXPECT_THAT(request.stores[0].paths, ElementsAre("ci/gate/result", "/nix/store/x"));
  EXPECT_EQ(request.stores[0].root, "ci/gate/chroot");
  EXPECT_EQ(request.local, "store:ci/gate/chroot");
  EXPECT_THAT(request.bazelrcs, ElementsAre("ci/gate/lre.bazelrc"));
  EXPECT_THAT(request.workers, ElementsAre("/etc/worker.json5"));
  EXPECT_EQ(request.environment.at("A"), "b");
}

TEST(GateSubjectsTest, InTheCurrentDirectoryPathsStayAsTheyAre) {
  const Policy policy = Parse(R"(image { reference: "oci:w" } module: "MODULE.bazel")");
  for (const char* here : {"", "."}) {
    const GateRequest request = SubjectsOfPolicy(policy, here);
    EXPECT_EQ(request.images[0].reference, "oci:w");
    EXPECT_THAT(request.modules, ElementsAre("MODULE.bazel"));
  }
}

TEST(GateSubjectsTest, APolicyOfExceptionsNamesNoSubjects) {
  EXPECT_FALSE(NamesSubjects(Parse(R"(exception { rule: "LRE501" reason: "x" } local: "store:")")));
  EXPECT_TRUE(NamesSubjects(Parse(R"(flake_lock: "flake.lock")")));
}

// What is discovered is relative to the directory, so that init's policy works where it is written.
TEST(GateSubjectsTest, DiscoveryAndPolicyNameTheSameFiles) {
  const TemporaryDirectory temporary;
  const std::filesystem::path directory = temporary.path();
  std::ofstream(directory / "MODULE.bazel") << "module(name = \"x\")\n";
  std::ofstream(directory / "flake.lock") << R"({"nodes":{"root":{}},"root":"root","version":7})";
  std::vector<std::string> problems;
  const Policy found = DiscoverSubjects(directory.string(), &problems);
  EXPECT_THAT(problems, ElementsAre());
  EXPECT_THAT(found.module(), ElementsAre("MODULE.bazel"));
  EXPECT_THAT(found.flake_lock(), ElementsAre("flake.lock"));
  const GateRequest request = SubjectsOfPolicy(found, directory.string());
  EXPECT_THAT(request.modules, ElementsAre((directory / "MODULE.bazel").string()));
}

}  // namespace
}  // namespace lre_audit
