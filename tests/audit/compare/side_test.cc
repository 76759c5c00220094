// What a user's word turns out to be.
#include "audit/compare/side.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit {
namespace {

using ::testing::HasSubstr;

constexpr char kStorePath[] = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-x-1.0";

class OpenSideTest : public ::testing::Test {
 protected:
  static ComparedSide::Kind KindOf(const std::string& reference) {
    const absl::StatusOr<Side> side = OpenSide(reference, {});
    EXPECT_TRUE(side.ok()) << side.status();
    return side.ok() ? side->kind : ComparedSide::KIND_UNSPECIFIED;
  }
  static std::string ErrorOf(const std::string& reference) {
    const absl::StatusOr<Side> side = OpenSide(reference, {});
    EXPECT_FALSE(side.ok()) << reference;
    const std::string message(side.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }
  std::string Make(const std::string& name, const std::string& contents) const {
    nix::RunShell("mkdir -p \"$(dirname '" + (directory_ / name) + "')\"");
    nix::WriteFileOrFail(directory_ / name, contents);
    return directory_ / name;
  }

  TemporaryDirectory directory_;
};

TEST_F(OpenSideTest, Stores) {
  const nix::NixStore store(nix::NixStore::Layout::kChroot);
  store.Fill();
  EXPECT_EQ(KindOf("store:" + store.root()), ComparedSide::STORE);
  EXPECT_THAT(ErrorOf("store:" + (directory_ / "nowhere")), HasSubstr("no database"));
}

TEST_F(OpenSideTest, ClosuresAndReports) {
  EXPECT_EQ(KindOf(Make("paths", std::string(kStorePath) + "\n")), ComparedSide::CLOSURE);
  EXPECT_EQ(KindOf(Make("report.json",
                        R"({"tool": {"name": "lre-audit"}, "verdict": "CLEAN", "findings": []})")),
            ComparedSide::REPORT);
  EXPECT_THAT(ErrorOf(Make("diff.json", R"({"tool": {}, "verdict": "SAME"})")),
              HasSubstr("no verdict"));
  EXPECT_THAT(ErrorOf(Make("notes.txt", "hello\n")), HasSubstr("a side is store:[ROOT]"));
  EXPECT_THAT(ErrorOf(Make("empty", "")), HasSubstr("is empty"));
}

TEST_F(OpenSideTest, Directories) {
  Make(std::string("root") + kStorePath + "/file", "x");
  EXPECT_EQ(KindOf(directory_ / "root"), ComparedSide::IMAGE);
  EXPECT_EQ(KindOf("rootfs:" + (directory_ / "root")), ComparedSide::IMAGE);
  Make("generated/cc/BUILD",
       std::string("cc_toolchain_config(\n    name = \"local\",\n    tool_paths = {\"gcc\": \"") +
           kStorePath + "/bin/gcc\"},\n)\n");
  EXPECT_EQ(KindOf(directory_ / "generated"), ComparedSide::TOOLCHAIN);
  Make("other/notes", "nothing");
  EXPECT_THAT(ErrorOf(directory_ / "other"), HasSubstr("neither an image nor a toolchain"));
}

// <(nix path-info --json ...) in a shell.
TEST_F(OpenSideTest, Pipes) {
  nix::RunShell("mkfifo '" + (directory_ / "pipe") + "'");
  EXPECT_THAT(ErrorOf(directory_ / "pipe"), HasSubstr("is a pipe or a device"));
  EXPECT_THAT(ErrorOf("/dev/null"), HasSubstr("is a pipe or a device"));
}

TEST_F(OpenSideTest, WhatIsNotThere) {
  EXPECT_THAT(ErrorOf(directory_ / "nothing"), HasSubstr("a saved JSON report"));
  EXPECT_THAT(ErrorOf("ocy:" + directory_.path()), HasSubstr("oci"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("a side is"));
}

}  // namespace
}  // namespace lre_audit
