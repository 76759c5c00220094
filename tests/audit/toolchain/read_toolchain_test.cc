#include "audit/toolchain/read_toolchain.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReadToolchainTest : public testing::Test {
 protected:
  void Write(const std::string& name, std::string_view text, bool executable = false) {
    const fs::path path = fs::path(root_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), executable ? 0755 : 0644);
  }

  // "path:line text" of claims, "path! message" of defects, without the root.
  std::vector<std::string> Read() {
    const absl::StatusOr<ToolchainFacts> facts = ReadToolchain(root_);
    if (!facts.ok()) return {std::string(facts.status().message())};
    std::vector<std::string> shown;
    for (const ConfigFacts& file : facts->files) {
      const std::string path = file.path().substr(root_.size());
      for (const Claim& claim : file.claims()) {
        shown.push_back(absl::StrCat(path, ":", claim.line(), " ", claim.text()));
      }
      for (const ConfigDefect& defect : file.defects()) {
        shown.push_back(absl::StrCat(path, "! ", defect.message()));
      }
    }
    return shown;
  }

  const TemporaryDirectory temporary_;
  const std::string root_ = temporary_.path();
};

TEST_F(ReadToolchainTest, EveryFileThatAToolchainCanConsistOf) {
  Write("cc/BUILD", "f(a = '/1')");
  Write("cc/BUILD.bazel", "f(a = '/2')");
  Write("cc/module.modulemap", "module x { header \"/3\" }");
  Write("cc/builtin_include_directory_paths_cc", "/4\n");
  Write("cc/cc_wrapper.sh", "#!/5\n");
  Write("cc/tool", "#!/6\n", /*executable=*/true);
  Write("cc/data", "#!/no\n");
  Write("cc/notes.txt", "/no\n", /*executable=*/true);
  Write("config/BUILD", "platform(name = 'p', exec_properties = {'container-image': 'x'})");
  Write("rust/x.BUILD", "f(a = '/7')");
  Write("rust/extension.bzl", "f(a = '/8')");
  Write("buck/BUCK", "f(a = '/9')");
  Write("buck/TARGETS.v2", "f(a = '/10')");
  Write("toolchain.cmake", "set(A /11)");
  Write("WORKSPACE", "f(a = '/12')");
  Write(".git/BUILD", "f(a = '/no')");
  EXPECT_THAT(
      Read(),
      ElementsAre("/WORKSPACE:1 /12", "/buck/BUCK:1 /9", "/buck/TARGETS.v2:1 /10", "/cc/BUILD:1 /1",
                  "/cc/BUILD.bazel:1 /2", "/cc/builtin_include_directory_paths_cc:1 /4",
                  "/cc/cc_wrapper.sh:1 /5", "/cc/module.modulemap:1 /3", "/cc/tool:1 /6",
                  "/rust/extension.bzl:1 /8", "/rust/x.BUILD:1 /7", "/toolchain.cmake:1 /11"));
  const absl::StatusOr<ToolchainFacts> facts = ReadToolchain(root_ + "/");
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->directory, root_);
  EXPECT_EQ(facts->files_read, 13u);
  EXPECT_EQ(facts->files.size(), 13u);  // config/BUILD has a setting
}

TEST_F(ReadToolchainTest, AToolBesideItsBuildFileIsNoName) {
  Write("cc/BUILD",
        "f(tool_paths = {'a': 'wrapper.sh', 'b': 'gcc', 'c': 'bin/x', 'd': '', 'e': '.'})");
  Write("cc/wrapper.sh", "");
  Write("cc/bin/x", "");
  EXPECT_THAT(Read(), ElementsAre("/cc/BUILD:1 gcc", "/cc/BUILD:1 ", "/cc/BUILD:1 ."));
}

TEST_F(ReadToolchainTest, NoToolchain) {
  EXPECT_EQ(ReadToolchain(root_ + "/none").status().code(), absl::StatusCode::kNotFound);
  Write("README.md", "/usr/bin/x");
  Write("BUILD", "package()");
  EXPECT_EQ(ReadToolchain(root_).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Read(), ElementsAre(HasSubstr(": holds no toolchain: no BUILD, .bzl,")));
  EXPECT_EQ(ReadToolchain(root_ + "/BUILD").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ReadToolchainTest, SymlinksStayInside) {
  const std::string outside = root_ + "-outside";
  fs::create_directories(outside);
  std::ofstream(outside + "/BUILD") << "f(a = '/outside')";
  Write("real/rules", "f(a = '/inside')");
  Write("real/BUILD", "f(a = '/own')");
  fs::create_symlink("../real/rules", root_ + "/real/linked.bzl");
  fs::create_symlink("real/BUILD", root_ + "/BUILD");  // read under its own name
  fs::create_symlink("real", root_ + "/again");
  fs::create_symlink(".", root_ + "/loop");
  fs::create_symlink("gone", root_ + "/gone.bzl");
  fs::create_symlink("loop.bzl", root_ + "/loop.bzl");
  fs::create_symlink(outside + "/BUILD", root_ + "/out.bzl");
  fs::create_symlink(outside, root_ + "/directory");
  EXPECT_THAT(Read(), ElementsAre("/directory! is a symlink to " + outside +
                                      ", outside of the toolchain's directory: not read",
                                  "/gone.bzl! cannot be read: No such file or directory",
                                  "/loop.bzl! cannot be read: Too many levels of symbolic links",
                                  "/out.bzl! is a symlink to " + outside +
                                      "/BUILD, outside of the toolchain's directory: not read",
                                  "/real/BUILD:1 /own", "/real/linked.bzl:1 /inside"));
  fs::remove_all(outside);
}

TEST_F(ReadToolchainTest, LimitsAreTold) {
  Write("BUILD", "f(a = '/x')");
  Write("big.bzl", std::string((16 << 20) + 1, '\n'));
  std::string deep = "d";
  for (int i = 0; i < 70; ++i) deep += "/d";
  Write(deep + "/BUILD", "f(a = '/deep')");
  mkfifo((root_ + "/fifo.bzl").c_str(), 0600);
  const std::vector<std::string> read = Read();
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[0], "/BUILD:1 /x");
  EXPECT_THAT(read[1], HasSubstr("/big.bzl! cannot be read: "));
  EXPECT_THAT(read[2], HasSubstr("! directories nest deeper than 64"));
  EXPECT_EQ(read[3], "/fifo.bzl! is no regular file");
}

TEST_F(ReadToolchainTest, LooksLikeToolchain) {
  const auto looks = [&] { return LooksLikeToolchain(root_); };
  EXPECT_FALSE(LooksLikeToolchain(root_ + "/none"));
  Write("below/BUILD", "f(tool_paths = {'a': '/usr/bin/a'})");
  Write("BUILD", "genrule(cmd = '/usr/bin/x')\n");
  Write("x.sh", "#!/bin/sh\n/usr/bin/x\n");
  Write("WORKSPACE", "local_repository(name = 'x', path = '/usr/x')");
  Write("x.bzl", "tool_path(name = 'x', path = name)");
  EXPECT_FALSE(looks());
  for (const auto& [name, text] :
       {std::pair("BUILD", "f(tool_paths = {'a': '/usr/bin/a'})"),
        std::pair("BUILD.bazel", "f(cxx_builtin_include_directories = ['/usr/include'])"),
        std::pair("x.BUILD", "local_java_runtime(java_home = '/usr/lib/jvm')"),
        std::pair("y.bzl", "new_local_repository(name = 'x', path = '/nix/store/x')"),
        std::pair("builtin_include_directory_paths", "/usr/include"),
        std::pair("toolchain.cmake", "set(CMAKE_C_COMPILER /usr/bin/cc)")}) {
    Write(name, text);
    EXPECT_TRUE(looks()) << name;
    Write(name, "");
  }
}

}  // namespace
}  // namespace lre_audit
