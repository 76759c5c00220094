// LRE501-508, 601, 602, 604, 608: each with a leak planted, and its nearest innocent neighbour.
#include "tests/rules/toolchain_builder.h"

namespace lre_audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using ViewKind = ToolchainView::Kind;

const std::string kBuild = "generated-cc/cc/BUILD";
const std::string kDirectories = "generated-cc/cc/builtin_include_directory_paths";
const std::string kScript = "generated-cc/cc/cc_wrapper.sh";
const std::string kTool = kGcc + "/bin/gcc";
const std::string kInclude = kGlibc + "/include";

ViewTarget Here(const std::string& path) { return Seen(InStore(path)); }
ViewTarget HereAsDirectory(const std::string& path) { return Seen(DirectoryInStore(path)); }
ViewTarget NoFile(const std::string& path) { return Seen(FileMissing(path)); }
ViewTarget NoStorePath(const std::string& path) { return Seen(StorePathMissing(path)); }

TEST(Lre501ToolOutsideStore, LeakShowsTheLine) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 139, Claim::TOOL, "/usr/bin/cpp", "cpp");
  const std::vector<Finding> findings = toolchain.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE501", kBuild, 139, "/usr/bin/cpp")));
  EXPECT_EQ(findings[0].location().column(), 17);
  EXPECT_EQ(findings[0].evidence(), "\"cpp\": \"/usr/bin/cpp\",");
  EXPECT_EQ(findings[0].message(), "tool is outside the store");
  EXPECT_EQ(findings[0].subject(), "generated-cc");
}

TEST(Lre501ToolOutsideStore, EachLineIsToldAndOneCauseIsFolded) {
  const std::string stub = "generated-cc/cc/armeabi_cc_toolchain_config.bzl";
  ToolchainBuilder toolchain;
  toolchain.Names(stub, 47, Claim::TOOL, "/bin/false", "ar");
  toolchain.Names(stub, 48, Claim::TOOL, "/bin/false", "cpp");
  toolchain.Names(kBuild, 139, Claim::TOOL, "/bin/false", "cpp");
  const std::vector<Finding> findings = toolchain.Judged();
  EXPECT_THAT(Leaks(findings), ElementsAre(OnLine("LRE501", kBuild, 139, "/bin/false"),
                                           OnLine("LRE501", stub, 47, "/bin/false"),
                                           OnLine("LRE501", stub, 48, "/bin/false")));
  std::set<std::string> fingerprints;
  for (const Finding& finding : findings) {
    EXPECT_EQ(finding.cause(), "/bin/false");
    EXPECT_TRUE(fingerprints.insert(finding.fingerprint()).second) << finding.fingerprint();
  }
}

TEST(Lre501ToolOutsideStore, StorePathIsInnocent) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool);
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre502ToolMissing, LeakIsToldOnceForAllViews) {
  ToolchainBuilder toolchain;
  toolchain.View(ViewKind::kLocal, "closure.json");
  toolchain.View(ViewKind::kDefaultLocal, "store:/");
  const std::vector<ViewTarget> seen(3, NoFile(kTool));
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc", seen);
  toolchain.Names(kScript, 8, Claim::WRAPPER, kTool, "exec", seen);
  const std::vector<Finding> findings = toolchain.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE502", kBuild, 139, kTool)));
  EXPECT_EQ(findings[0].message(),
            "tool is missing in the image oci:worker:t, the local side closure.json and the local "
            "store");
  EXPECT_THAT(findings[0].notes(), ElementsAre("its store path is there, the file is not",
                                               "named 2 times in the toolchain: exec and gcc"));
}

TEST(Lre502ToolMissing, WhatTheDefaultLocalStoreLacksIsAWarning) {
  ToolchainBuilder toolchain;
  toolchain.Views().clear();
  toolchain.View(ViewKind::kDefaultLocal, "store:/");
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc", {NoFile(kTool)});
  EXPECT_THAT(Leaks(toolchain.Judged()),
              ElementsAre(OnLine("LRE502", kBuild, 139, kTool, Finding::WARNING)));
}

TEST(Lre502ToolMissing, LeakOfAProgramThatCannotRun) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc",
                  {Seen(InStore(kTool), "it is not executable")});
  const std::vector<Finding> findings = toolchain.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE502", kBuild, 139, kTool)));
  EXPECT_THAT(findings[0].notes(), ElementsAre("it is not executable"));
}

TEST(Lre502ToolMissing, ThereOrNotKnownIsInnocent) {
  ViewTarget unknown = NoFile(kTool);
  unknown.file_known = false;
  ToolchainBuilder toolchain;
  toolchain.View(ViewKind::kLocal, "closure.json");
  toolchain.View(ViewKind::kImage, "oci:arm:t");
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc", {Here(kTool), unknown, NotLookedUp()});
  // java_home is a directory.
  toolchain.Names(kBuild, 140, Claim::TOOL, kGcc + "/lib/openjdk", "java_home",
                  {HereAsDirectory(kGcc + "/lib/openjdk"), unknown, NotLookedUp()});
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre503IncludeDirectoryOutsideStore, LeakInTwoFilesIsTwoFindings) {
  const std::string sdk = "/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk";
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 121, Claim::INCLUDE_DIRECTORY, sdk);
  toolchain.Names(kDirectories, 9, Claim::INCLUDE_DIRECTORY, sdk);
  EXPECT_THAT(Leaks(toolchain.Judged()), ElementsAre(OnLine("LRE503", kBuild, 121, sdk),
                                                     OnLine("LRE503", kDirectories, 9, sdk)));
}

TEST(Lre503IncludeDirectoryOutsideStore, StorePathIsInnocent) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 121, Claim::INCLUDE_DIRECTORY, kInclude, "", {HereAsDirectory(kInclude)});
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre504IncludeDirectoryMissing, LeakMissingOrAFile) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 121, Claim::INCLUDE_DIRECTORY, kInclude, "", {NoFile(kInclude)});
  toolchain.Names(kBuild, 122, Claim::INCLUDE_DIRECTORY, kTool, "", {Here(kTool)});
  EXPECT_THAT(Leaks(toolchain.Judged()), ElementsAre(OnLine("LRE504", kBuild, 121, kInclude),
                                                     OnLine("LRE504", kBuild, 122, kTool)));
}

TEST(Lre504IncludeDirectoryMissing, HeaderOfAModuleMapIsInnocent) {
  const std::string header = kInclude + "/stdio.h";
  ToolchainBuilder toolchain;
  toolchain.Names("generated-cc/cc/module.modulemap", 3, Claim::INCLUDE_DIRECTORY, header, "",
                  {Here(header)});
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre505FlagOutsideStore, Leak) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 128, Claim::FLAG, "/usr/bin", "-B/usr/bin");
  EXPECT_THAT(Leaks(toolchain.Judged()), ElementsAre(OnLine("LRE505", kBuild, 128, "/usr/bin")));
}

TEST(Lre505FlagOutsideStore, StorePathIsInnocent) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 128, Claim::FLAG, kGcc + "/bin", "-B" + kGcc + "/bin",
                  {HereAsDirectory(kGcc + "/bin")});
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre506ScriptOutsideStore, LeakOfInterpreterAndCommand) {
  ToolchainBuilder toolchain;
  toolchain.Names(kScript, 1, Claim::SHEBANG, "/bin/bash");
  toolchain.Names(kScript, 25, Claim::WRAPPER, "/usr/bin/gcc");
  EXPECT_THAT(Leaks(toolchain.Judged()),
              ElementsAre(OnLine("LRE506", kScript, 1, "/bin/bash"),
                          OnLine("LRE506", kScript, 25, "/usr/bin/gcc")));
}

TEST(Lre506ScriptOutsideStore, StorePathIsInnocent) {
  ToolchainBuilder toolchain;
  toolchain.Names(kScript, 1, Claim::SHEBANG, kMake + "/bin/bash");
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre507LibcMismatch, LeakIsOneFindingPerKey) {
  ToolchainBuilder toolchain;
  toolchain.Says(kBuild, 134, Setting::LIBC, "target_libc", "glibc_2.38");
  toolchain.Says(kBuild, 90, Setting::LIBC, "abi_libc_version", "glibc_2.38");
  toolchain.Says(kBuild, 91, Setting::LIBC, "abi_libc_version", "glibc_2.38");
  toolchain.Libc(kGlibc + "-dev", "glibc", "2.42");
  const std::vector<Finding> findings = toolchain.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(OnLine("LRE507", kBuild, 90, "glibc_2.38", Finding::WARNING),
                          OnLine("LRE507", kBuild, 134, "glibc_2.38", Finding::WARNING)));
  EXPECT_EQ(findings[1].message(),
            "target_libc declares glibc 2.38, and the toolchain's C library is glibc 2.42");
}

TEST(Lre507LibcMismatch, SameOrUnknownIsInnocent) {
  ToolchainBuilder toolchain;
  for (const std::string value :
       {"glibc_2.42", "local", "unknown", "macosx", "", "glibc_", "armeabi-v7a"}) {
    toolchain.Says(kBuild, 134, Setting::LIBC, "target_libc", value);
  }
  toolchain.Libc(kGlibc, "glibc", "2.42");
  toolchain.Libc(kMake, "musl", "1.2.5");
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(Lre508ToolUnresolved, Leak) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 137, Claim::TOOL, "None", "gcov");
  toolchain.Names(kBuild, 138, Claim::TOOL, "", "dwp");
  toolchain.Names(kBuild, 139, Claim::TOOL, "llvm-cov", "llvm-cov");
  const std::vector<Finding> findings = toolchain.Judged();
  EXPECT_THAT(Leaks(findings),
              ElementsAre(OnLine("LRE508", kBuild, 138, "dwp", Finding::NOTE),
                          OnLine("LRE508", kBuild, 137, "gcov", Finding::NOTE),
                          OnLine("LRE508", kBuild, 139, "llvm-cov", Finding::NOTE)));
  EXPECT_EQ(findings[1].message(), "tool gcov has no path");
}

TEST(Lre508ToolUnresolved, FileBesideIsInnocent) {
  ToolchainBuilder toolchain;
  toolchain.Names(kScript, 1, Claim::SHEBANG, kMake + "/bin/bash");
  toolchain.Names(kBuild, 139, Claim::TOOL, "cc_wrapper.sh", "parse_headers");
  toolchain.Names(kBuild, 140, Claim::TOOL, "wrappers/ar.sh", "ar");
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

// One tool, one directory and one flag of a store path that a view of this kind lacks.
std::vector<Finding> Lacking(ViewKind kind) {
  ToolchainBuilder toolchain;
  toolchain.Views().clear();
  toolchain.View(kind, "the-view");
  toolchain.Names(kBuild, 121, Claim::INCLUDE_DIRECTORY, kGcc + "/include", "",
                  {NoStorePath(kGcc + "/include")});
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc", {NoStorePath(kTool)});
  toolchain.Names(kBuild, 140, Claim::TOOL, kGcc + "/bin/cpp", "cpp",
                  {NoStorePath(kGcc + "/bin/cpp")});
  return toolchain.Judged();
}

TEST(Lre601ToolchainPathNotInImage, LeakIsOneFindingPerStorePath) {
  const std::vector<Finding> findings = Lacking(ViewKind::kImage);
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE601", kBuild, 121, kGcc)));
  EXPECT_EQ(findings[0].message(),
            "the toolchain names a store path that the image the-view lacks");
  EXPECT_THAT(findings[0].notes(), Contains("named 3 times in the toolchain: cpp and gcc"));
}

TEST(Lre602ToolchainPathNotLocal, LeakIsOneFindingPerStorePath) {
  EXPECT_THAT(Leaks(Lacking(ViewKind::kLocal)), ElementsAre(OnLine("LRE602", kBuild, 121, kGcc)));
}

TEST(Lre604OnlyInOneSide, ToolchainPathNotInTheLocalStore) {
  EXPECT_THAT(Leaks(Lacking(ViewKind::kDefaultLocal)),
              ElementsAre(OnLine("LRE604", kBuild, 121, kGcc, Finding::WARNING)));
}

TEST(Lre601ToolchainPathNotInImage, FlagsFileIsToldWithItsPath) {
  const std::string linker = kGcc + "/bin/ld.mold";
  ToolchainBuilder toolchain;
  toolchain.View(ViewKind::kLocal, "closure.json");
  toolchain.Names(kBuild, 128, Claim::FLAG, linker, "-fuse-ld=" + linker,
                  {NoFile(linker), NoFile(linker)});
  EXPECT_THAT(Leaks(toolchain.Judged()), ElementsAre(OnLine("LRE601", kBuild, 128, linker),
                                                     OnLine("LRE602", kBuild, 128, linker)));
}

TEST(Lre601ToolchainPathNotInImage, ThereOrOfAnotherSystemIsInnocent) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool);
  toolchain.Names(kBuild, 140, Claim::TOOL, kMake + "/bin/make", "make", {NotLookedUp()});
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

const std::string kConfig = "generated-cc/config/BUILD";

// A toolchain for x86_64 in an image for x86_64.
ToolchainBuilder X86Toolchain(const std::string& cpu, const std::string& host,
                              const std::string& machine) {
  ToolchainBuilder toolchain;
  toolchain.Says(kConfig, 37, Setting::CONSTRAINT, "exec", "@platforms//os:linux");
  toolchain.Says(kConfig, 38, Setting::CONSTRAINT, "exec", "@platforms//cpu:" + cpu);
  toolchain.Says(kConfig, 39, Setting::CONSTRAINT, "target", "@platforms//cpu:aarch64");
  toolchain.Says(kConfig, 44, Setting::EXEC_PROPERTY, "OSFamily", "Linux");
  toolchain.Says(kBuild, 130, Setting::SYSTEM_NAME, "host_system_name", host);
  toolchain.Says(kBuild, 131, Setting::SYSTEM_NAME, "target_system_name", "local");
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc", {Seen(InStore(kTool), "", machine)});
  return toolchain;
}

TEST(Lre608PlatformDiffers, LeakIsTheFirstPair) {
  const std::vector<Finding> findings =
      X86Toolchain("aarch64", "x86_64-unknown-linux-gnu", "x86-64").Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(OnLine("LRE608", kConfig, 38, "@platforms//cpu:aarch64")));
  EXPECT_EQ(findings[0].message(),
            "the constraint @platforms//cpu:aarch64 is for aarch64, and host_system_name is for "
            "x86_64");
  EXPECT_THAT(findings[0].notes(),
              ElementsAre(kBuild + ":130:17: host_system_name says x86_64-unknown-linux-gnu"));
}

TEST(Lre608PlatformDiffers, LeakOfAnImageForAnotherMachineIsOnePerImage) {
  ToolchainBuilder toolchain = X86Toolchain("x86_64", "x86_64-unknown-linux-gnu", "");
  toolchain.Views()[0].system = "aarch64-linux";
  toolchain.View(ViewKind::kImage, "oci:other:t").system = "aarch64-linux";
  toolchain.View(ViewKind::kLocal, "store:/").system = "aarch64-linux";
  EXPECT_THAT(Leaks(toolchain.Judged()),
              ElementsAre(OnLine("LRE608", kConfig, 38, "@platforms//cpu:x86_64"),
                          OnLine("LRE608", kConfig, 38, "@platforms//cpu:x86_64")));
}

TEST(Lre608PlatformDiffers, LeakOfAToolForAnotherMachine) {
  ToolchainBuilder toolchain;
  toolchain.Names(kBuild, 138, Claim::TOOL, kMake + "/bin/make", "make",
                  {Seen(InStore(kMake + "/bin/make"), "", "x86-64")});
  toolchain.Names(kBuild, 139, Claim::TOOL, kTool, "gcc", {Seen(InStore(kTool), "", "AArch64")});
  const std::vector<Finding> findings = toolchain.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE608", kBuild, 139, kTool)));
  EXPECT_EQ(findings[0].message(),
            "the image oci:worker:t is for x86_64, and the program " + kTool + " is for aarch64");
}

TEST(Lre608PlatformDiffers, OneMachineUnderAllItsNamesIsInnocent) {
  EXPECT_THAT(Leaks(X86Toolchain("x86_64", "x86_64-unknown-linux-gnu", "x86-64").Judged()),
              IsEmpty());
  EXPECT_THAT(Leaks(X86Toolchain("k8", "local", "80386").Judged()), IsEmpty());
  // Bazel's stub, beside a toolchain whose own host is "local".
  EXPECT_THAT(Leaks(X86Toolchain("x86_64", "armeabi-v7a", "x86-64").Judged()), IsEmpty());
}

TEST(Lre608PlatformDiffers, ToolchainForSeveralMachinesIsInnocent) {
  ToolchainBuilder toolchain = X86Toolchain("x86_64", "armeabi-v7a", "x86-64");
  toolchain.Says(kBuild, 132, Setting::SYSTEM_NAME, "host_system_name", "x86_64-linux-gnu");
  toolchain.Says(kConfig, 60, Setting::CONSTRAINT, "exec", "@platforms//cpu:aarch64");
  toolchain.Says(kConfig, 61, Setting::CONSTRAINT, "exec", "@platforms//os:macos");
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

TEST(ToolchainRules, FingerprintKnowsNeitherHashNorLine) {
  const auto fingerprint = [](const std::string& tool, uint32_t line) {
    ToolchainBuilder toolchain;
    toolchain.Names(kBuild, line, Claim::TOOL, tool, "gcc", {NoFile(tool)});
    const std::vector<Finding> findings = toolchain.Judged();
    return findings.size() == 1 ? findings[0].fingerprint() : "";
  };
  const std::string here = fingerprint(kTool, 139);
  EXPECT_THAT(here, SizeIs(32));
  EXPECT_EQ(here, fingerprint(kStore + "/9zk1k9c8g5n2xq7rwvyzb3dfhjlp4s6a-gcc-14.2.0/bin/gcc", 12));
  EXPECT_NE(here, fingerprint(kGcc + "/bin/g++", 139));
}

TEST(ToolchainRules, HostileFactsDoNoHarm) {
  ToolchainBuilder toolchain;
  toolchain.Names("", 0, Claim::TOOL, kTool, "gcc", {NotLookedUp(), NotLookedUp(), NotLookedUp()});
  toolchain.Names("x", 0, Claim::KIND_UNSPECIFIED, "", "");
  toolchain.View(ViewKind::kLocal, "");  // claims do not know it
  toolchain.Says("", 0, Setting::CONSTRAINT, "exec", ":");
  toolchain.Says("", 0, Setting::SYSTEM_NAME, "host_system_name", "---");
  toolchain.Says("", 0, Setting::LIBC, "target_libc", "_");
  EXPECT_THAT(Leaks(toolchain.Judged()), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
