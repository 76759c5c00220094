// Two versions of a generated toolchain, as facts.
#include "audit/compare/compare_toolchains.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kOld = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gcc-13.2.0";
const std::string kNew = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gcc-14.1.0";

Side Toolchain(const std::string& directory, const std::vector<std::string>& files) {
  Side side;
  side.kind = ComparedSide::TOOLCHAIN;
  side.reference = side.toolchain.directory = directory;
  for (const std::string& text : files) {
    ConfigFacts& facts = side.toolchain.files.emplace_back();
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &facts)) << text;
    facts.set_path(directory + "/" + facts.path());
  }
  return side;
}

std::string Claimed(const std::string& kind, const std::string& text,
                    const std::string& context = "") {
  return "claims { kind: " + kind + " text: \"" + text + "\" context: \"" + context + "\" }\n";
}

Comparison Compared(const Side& a, const Side& b) {
  const CompiledPolicy policy = CompiledPolicy::Default();
  CompareRequest request;
  request.a = &a;
  request.b = &b;
  request.policy = &policy;
  Comparison comparison = *Compare(request);
  CountDifferences(Finding::ERROR, &comparison);
  return comparison;
}

template <typename Differences>
std::vector<std::string> Lines(const Differences& differences) {
  std::vector<std::string> lines;
  for (const auto& difference : differences) {
    lines.push_back(difference.name() + ": " + difference.a() + " -> " + difference.b());
  }
  return lines;
}

TEST(CompareToolchains, TheSameInAnotherDirectory) {
  const std::string file = "path: \"cc/BUILD\"\n" + Claimed("TOOL", "/usr/bin/cpp", "cpp");
  const Comparison comparison =
      Compared(Toolchain("old/generated", {file}), Toolchain("new", {file}));
  EXPECT_EQ(comparison.verdict(), Comparison::SAME);
  EXPECT_THAT(comparison.new_findings(), IsEmpty());
}

TEST(CompareToolchains, ANewVersionOfItsCompiler) {
  const auto file = [](const std::string& gcc, const std::string& version) {
    return "path: \"cc/BUILD\"\n" + Claimed("TOOL", gcc + "/bin/gcc", "gcc") +
           Claimed("TOOL", gcc + "/bin/ar", "ar") +
           Claimed("INCLUDE_DIRECTORY", gcc + "/lib/gcc/" + version + "/include") +
           Claimed("INCLUDE_DIRECTORY", gcc + "/include/c++/" + version) +
           Claimed("FLAG", gcc + "/lib", "-B" + gcc + "/lib") +
           "settings { kind: LIBC key: \"target_libc\" value: \"glibc_" + version + "\" }";
  };
  const Comparison comparison =
      Compared(Toolchain("a", {file(kOld, "13.2.0")}), Toolchain("b", {file(kNew, "14.1.0")}));
  ASSERT_THAT(comparison.packages(), SizeIs(1));
  EXPECT_EQ(comparison.packages(0).kind(), PackageDifference::UPDATED);
  // What follows from the package alone is no difference of its own.
  EXPECT_EQ(comparison.counts().moved(), 5);
  EXPECT_THAT(comparison.tools(), IsEmpty());
  EXPECT_THAT(Lines(comparison.settings()),
              ElementsAre("cc/BUILD: target_libc: glibc_13.2.0 -> glibc_14.1.0"));
}

TEST(CompareToolchains, WhatAPackageDoesNotExplain) {
  const std::string a = "path: \"BUILD\"\n" + Claimed("TOOL", kOld + "/bin/gcc", "gcc") +
                        Claimed("TOOL", kOld + "/bin/ld.bfd", "ld") +
                        Claimed("INCLUDE_DIRECTORY", kOld + "/lib/clang/13/include");
  const std::string b = "path: \"BUILD\"\n" + Claimed("TOOL", kNew + "/bin/gcc", "gcc") +
                        Claimed("TOOL", kNew + "/bin/ld.mold", "ld") +
                        Claimed("INCLUDE_DIRECTORY", kNew + "/lib/clang/14/include");
  const Comparison comparison = Compared(Toolchain("a", {a}), Toolchain("b", {b}));
  EXPECT_EQ(comparison.counts().moved(), 1);
  EXPECT_THAT(Lines(comparison.tools()),
              ElementsAre("BUILD: ld: " + kOld + "/bin/ld.bfd -> " + kNew + "/bin/ld.mold"));
  EXPECT_THAT(Lines(comparison.settings()),
              ElementsAre("BUILD: include directory: " + kOld + "/lib/clang/13/include -> " + kNew +
                          "/lib/clang/14/include"));
}

// A version may have letters ("22.1.0-rc3"), and its successor none.
TEST(CompareToolchains, VersionsOfAnotherForm) {
  const std::string a = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-clang-22.1.0-rc3";
  const std::string b = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-clang-22.1.8";
  const auto file = [](const std::string& clang) {
    return "path: \"BUILD\"\n" + Claimed("INCLUDE_DIRECTORY", clang + "/include") +
           Claimed("INCLUDE_DIRECTORY", clang + "/share");
  };
  const Comparison comparison = Compared(Toolchain("a", {file(a)}), Toolchain("b", {file(b)}));
  ASSERT_THAT(comparison.packages(), SizeIs(1));
  EXPECT_EQ(comparison.packages(0).version_a(), "22.1.0-rc3");
  EXPECT_THAT(comparison.settings(), IsEmpty());
  EXPECT_EQ(comparison.counts().moved(), 2);
}

TEST(CompareToolchains, ToolsAndDirectoriesAddedAndGone) {
  const std::string a = "path: \"BUILD\"\n" + Claimed("TOOL", kOld + "/bin/gcov", "gcov") +
                        Claimed("INCLUDE_DIRECTORY", kOld + "/one") +
                        Claimed("INCLUDE_DIRECTORY", kOld + "/two");
  const std::string b = "path: \"BUILD\"\n" + Claimed("TOOL", kOld + "/bin/dwp", "dwp") +
                        Claimed("INCLUDE_DIRECTORY", kOld + "/one");
  const Comparison comparison = Compared(Toolchain("a", {a}), Toolchain("b", {b}));
  EXPECT_THAT(Lines(comparison.tools()), ElementsAre("BUILD: dwp:  -> " + kOld + "/bin/dwp",
                                                     "BUILD: gcov: " + kOld + "/bin/gcov -> "));
  EXPECT_THAT(Lines(comparison.settings()),
              ElementsAre("BUILD: include directory: " + kOld + "/two -> "));
  EXPECT_THAT(comparison.packages(), IsEmpty());
}

// The gate on changes of a toolchain: which leaks are new.
TEST(CompareToolchains, LeaksNewAndFixed) {
  const std::string a = "path: \"BUILD\"\n" + Claimed("TOOL", "/usr/bin/cpp", "cpp") +
                        Claimed("TOOL", kOld + "/bin/ld", "ld");
  const std::string b = "path: \"BUILD\"\n" + Claimed("TOOL", kNew + "/bin/cpp", "cpp") +
                        Claimed("TOOL", "/usr/bin/ld", "ld");
  const Comparison comparison = Compared(Toolchain("a", {a}), Toolchain("b", {b}));
  ASSERT_THAT(comparison.new_findings(), SizeIs(1));
  EXPECT_EQ(comparison.new_findings(0).rule(), "LRE501");
  EXPECT_EQ(comparison.new_findings(0).referenced(), "/usr/bin/ld");
  ASSERT_THAT(comparison.fixed_findings(), SizeIs(1));
  EXPECT_EQ(comparison.fixed_findings(0).referenced(), "/usr/bin/cpp");
}

TEST(CompareToolchains, WhatCannotBeReadIsTold) {
  const std::string file =
      "path: \"BUILD\" defects { line: 3 column: 7 message: \"unclosed '('\" }";
  const Comparison comparison = Compared(Toolchain("a", {file}), Toolchain("b", {}));
  EXPECT_EQ(comparison.verdict(), Comparison::INCOMPLETE);
  EXPECT_THAT(comparison.problems(), ElementsAre("a: BUILD:3:7: unclosed '('"));
}

TEST(CompareToolchains, WithSomethingElse) {
  const Side toolchain = Toolchain("a", {});
  Side image, report;
  image.kind = ComparedSide::IMAGE;
  report.kind = ComparedSide::REPORT;
  for (const Side* other : {&image, &report}) {
    CompareRequest request;
    request.a = &toolchain;
    request.b = other;
    EXPECT_TRUE(absl::IsInvalidArgument(Compare(request).status()));
  }
}

}  // namespace
}  // namespace lre_audit
