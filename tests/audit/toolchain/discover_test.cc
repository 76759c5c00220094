#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "audit/toolchain/read_config.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class DiscoverTest : public testing::Test {
 protected:
  void Write(const std::string& path, std::string_view text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << text;
  }

  // Without the test's own directory.
  std::vector<std::string> Found(std::vector<std::string> Discovery::*list) const {
    std::vector<std::string> found = Discover(root_.string()).*list;
    for (std::string& path : found) {
      if (const size_t at = path.find(root_.string() + "/"); at != path.npos) {
        path.erase(at, root_.string().size() + 1);
      }
    }
    return found;
  }

  const TemporaryDirectory temporary_;
  const fs::path root_ = temporary_.path();
};

constexpr char kToolPaths[] =
    "cc_toolchain_config(\n"
    "    name = \"local\",\n"
    "    tool_paths = {\"gcc\": \"/usr/bin/gcc\"},\n"
    "    cxx_builtin_include_directories = [\"/usr/include\"],\n"
    ")\n";
constexpr char kJavaRuntime[] =
    "local_java_runtime(name = \"jdk\", java_home = \"/usr/lib/jvm/java-17\", version = \"17\")\n";
constexpr char kPlatform[] =
    "platform(name = \"platform\", exec_properties = {\"container-image\": \"docker://i:t\"})\n";

TEST_F(DiscoverTest, AToolchainIsTheDirectoryOfAllItsParts) {
  Write("lre/generated-cc/cc/BUILD", kToolPaths);
  Write("lre/generated-cc/cc/tools/BUILD", kToolPaths);
  Write("lre/generated-cc/config/BUILD", kPlatform);
  Write("lre/generated-java/java/BUILD", kJavaRuntime);
  Write("lre/generated-java/config/BUILD", kPlatform);
  Write("own/BUILD.bazel", kToolPaths);
  Write("src/BUILD", "cc_library(name = \"x\", srcs = [\"x.cc\"])\n");
  EXPECT_THAT(Found(&Discovery::toolchains),
              ElementsAre("lre/generated-cc", "lre/generated-java", "own"));
}

TEST_F(DiscoverTest, PlatformsAskForImagesOutsideOfToolchainsToo) {
  Write("BUILD.bazel", kPlatform);
  Write("platforms/BUILD.bazel", kPlatform);
  Write("others/BUILD.bazel",
        "platform(name = \"x\", exec_properties = {\"OSFamily\": \"Linux\"})\n");
  Write("docs/BUILD", "# container-image\n");
  EXPECT_THAT(Found(&Discovery::toolchains), ElementsAre("platforms"));
}

TEST_F(DiscoverTest, FindsWhatPinsAndDeploys) {
  Write(".bazelrc", "");
  Write("lre.bazelrc", "");
  Write("a/.bazelrc", "");
  Write("a/user.bazelrc", "");
  Write("MODULE.bazel", "");
  Write("WORKSPACE", "workspace(name = \"x\")\n");
  Write("b/WORKSPACE.bazel",
        "git_repository(name = \"x\", remote = \"https://x.org/y\", "
        "commit = \"0123456789abcdef0123456789abcdef01234567\")\n");
  Write("flake.lock", "{}");
  Write("k/worker.json5", "{workers: [{local: {platform_properties: {a: {values: ['b']}}}}]}");
  Write("k/broken.json5", "{platform_properties");
  Write("k/other.json5", "{a: 1}");
  Write("k/worker.json",
        "{\"workers\": [{\"platform_properties\": {\"a\": {\"values\": [\"b\"]}}}]}");
  Write("k/notes.json", "{\"text\": \"platform_properties\"}");
  Write("k/pod.yaml", "kind: Pod\nspec: {containers: [{name: c, image: i:t}]}\n");
  Write("k/service.yml", "kind: Service\nmetadata: {name: image}\n");
  Write("k/templates/pod.yaml", "kind: Pod\nspec: {containers: [{image: {{ .Values.image }}}]}\n");
  Write(".github/workflows/x.yaml", "jobs: {a: {container: {image: x}}}\n");
  EXPECT_THAT(Found(&Discovery::bazelrcs), ElementsAre("lre.bazelrc", ".bazelrc", "a/.bazelrc"));
  EXPECT_THAT(Found(&Discovery::modules), ElementsAre("MODULE.bazel", "b/WORKSPACE.bazel"));
  EXPECT_THAT(Found(&Discovery::flake_locks), ElementsAre("flake.lock"));
  EXPECT_THAT(Found(&Discovery::workers),
              ElementsAre("k/broken.json5", "k/worker.json", "k/worker.json5"));
  EXPECT_THAT(Found(&Discovery::manifests), ElementsAre("k/pod.yaml"));
  EXPECT_THAT(Found(&Discovery::problems), IsEmpty());
}

TEST_F(DiscoverTest, FindsTheImagesOfLayouts) {
  Write("images/one/oci-layout", "{}");
  Write("images/one/index.json",
        R"({"manifests": [{"annotations": {"org.opencontainers.image.ref.name": "b"}},)"
        R"({"annotations": {"org.opencontainers.image.ref.name": "a"}}, {}]})");
  Write("images/two/oci-layout", "{}");
  Write("images/two/index.json", R"({"manifests": [{}]})");
  Write("images/two/blobs/MODULE.bazel", "");
  EXPECT_THAT(Found(&Discovery::images),
              ElementsAre("oci:images/one:a", "oci:images/one:b", "oci:images/two"));
  EXPECT_THAT(Found(&Discovery::modules), IsEmpty());
}

TEST_F(DiscoverTest, PassesOverWhatOthersMade) {
  for (const char* directory : {".git", "node_modules", "bazel-out", "outputs", "build/debug"}) {
    Write(std::string(directory) + "/MODULE.bazel", "");
  }
  Write("outputs/CACHEDIR.TAG", "");
  Write("build/debug/CMakeCache.txt", "");
  Write("kept/MODULE.bazel", "");
  EXPECT_THAT(Found(&Discovery::modules), ElementsAre("kept/MODULE.bazel"));
}

TEST_F(DiscoverTest, SymlinksAreFollowedToFilesInsideOnly) {
  Write("outside/.bazelrc", "");
  Write("repository/files/lre", "");
  fs::create_symlink("files/lre", root_ / "repository/lre.bazelrc");
  fs::create_symlink("../outside/.bazelrc", root_ / "repository/.bazelrc");
  fs::create_symlink("..", root_ / "repository/up");
  fs::create_symlink("nowhere", root_ / "repository/flake.lock");
  const Discovery found = Discover((root_ / "repository").string());
  EXPECT_THAT(found.bazelrcs, ElementsAre((root_ / "repository/lre.bazelrc").string()));
  EXPECT_THAT(found.flake_locks, IsEmpty());
  EXPECT_THAT(found.problems, IsEmpty());
}

TEST_F(DiscoverTest, PathsAreAsTheUserCanOpenThem) {
  Write("a/MODULE.bazel", "");
  const fs::path before = fs::current_path();
  fs::current_path(root_);
  EXPECT_THAT(Discover(".").modules, ElementsAre("a/MODULE.bazel"));
  EXPECT_THAT(Discover("").modules, ElementsAre("a/MODULE.bazel"));
  EXPECT_THAT(Discover("a/").modules, ElementsAre("a/MODULE.bazel"));
  EXPECT_THAT(Discover("./a/../a").modules, ElementsAre("a/MODULE.bazel"));
  fs::current_path(before);
}

TEST_F(DiscoverTest, WhatCannotBeReadIsSaid) {
  EXPECT_THAT(
      Discover((root_ / "none").string()).problems,
      ElementsAre("cannot read " + (root_ / "none").string() + ": No such file or directory"));
}

}  // namespace
}  // namespace lre_audit
