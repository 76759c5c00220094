// A whole audit of a tree in memory: what is found, what is read, and that nothing else decides.
#include "audit/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audit/nix/nix_fixture.h"
#include "tests/audit/scan/fake_tree.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kPackage = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-package-1.0";
const std::string kOther = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-other-2.0";
const std::string kGone = "/nix/store/3m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gone-1.0";

// One clean package in layer 1; a script in layer 2.
void FillClean(FakeTree& tree) {
  elf::ElfSpec library;
  library.soname = "libx.so.1";
  tree.Layer().Directory(kOther).Directory(kOther + "/bin").Executable(kOther + "/bin/sh", "x");
  tree.Directory(kOther + "/lib")
      .Executable(kOther + "/lib/libx.so.1", elf::BuildElf(library).bytes);
  tree.Layer().Directory(kPackage).Directory(kPackage + "/bin");
  tree.Executable(kPackage + "/bin/run", "#!" + kOther + "/bin/sh\n");
  tree.mutable_config().present = true;
  tree.mutable_config().os = "linux";
  tree.mutable_config().architecture = "amd64";
  tree.mutable_config().env = {"PATH=" + kPackage + "/bin"};
  tree.mutable_config().entrypoint = {"run"};
}

nix::Closure Closure() {
  nix::Closure closure;
  closure.source = "closure";
  closure.format = "test";
  closure.store_directory = "/nix/store";
  closure.paths[kPackage] = {kPackage, "", {}, true, {kOther}, "", ""};
  closure.paths[kOther] = {kOther, "", {}, true, {}, "", ""};
  return closure;
}

Report Audited(const FakeTree& tree, const nix::Closure* known, int jobs = 2,
               const std::string& named = "") {
  static const auto& policy = *new CompiledPolicy(CompiledPolicy::Default());
  AuditRequest request;
  request.tree = &tree;
  request.known_closure = known;
  request.closure = named;
  request.policy = &policy;
  request.jobs = jobs;
  absl::StatusOr<Report> report = Audit(request);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : Report();
}

std::vector<std::string> Errors(const Report& report) {
  std::vector<std::string> lines;
  for (const Finding& finding : report.findings()) {
    if (finding.severity() != Finding::ERROR || finding.suppressed()) continue;
    lines.push_back(finding.rule() + " " + finding.path() + " " + finding.referenced());
  }
  return lines;
}

TEST(Audit, ACleanImage) {
  FakeTree tree;
  FillClean(tree);
  const nix::Closure closure = Closure();
  const Report report = Audited(tree, &closure);
  EXPECT_THAT(Errors(report), IsEmpty());
  ASSERT_EQ(report.subjects_size(), 1);
  EXPECT_EQ(report.subjects(0).kind(), ReportSubject::IMAGE);
  EXPECT_EQ(report.subjects(0).reference(), "fake:tree");
  EXPECT_EQ(report.subjects(0).closure(), "closure (test)");
  EXPECT_EQ(report.subjects(0).platform(), "linux/amd64");
  EXPECT_EQ(report.statistics().files(), 8);
  EXPECT_EQ(report.statistics().store_paths(), 2);
  EXPECT_EQ(report.statistics().elf_objects(), 1);
  EXPECT_EQ(report.statistics().closure_paths(), 2);
  // No recorded hash: nothing is read twice.
  EXPECT_EQ(tree.streams(0), 1);
  EXPECT_EQ(tree.streams(1), 1);
}

TEST(Audit, LeaksOfEveryKind) {
  const std::string extra = "/nix/store/5m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-extra";
  FakeTree tree;
  FillClean(tree);
  tree.Executable(kPackage + "/bin/leak", "#!/usr/bin/python\n");
  elf::ElfSpec program;
  program.interpreter = "/lib64/ld-linux-x86-64.so.2";
  program.needed = {"libnowhere.so.9"};
  tree.Executable(kPackage + "/bin/program", elf::BuildElf(program).bytes);
  tree.Symlink(kPackage + "/link", kGone + "/x");
  tree.File(kPackage + "/names", "see " + kGone + "/share");
  tree.Layer().File(kOther + "/bin/sh", "changed", 0555).File(extra, "");
  tree.mutable_config().env.push_back("LD_PRELOAD=/usr/lib/x.so");
  nix::Closure closure = Closure();
  const std::string missing = "/nix/store/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-missing";
  closure.paths[missing] = {missing, "", {}, true, {}, "", ""};
  closure.paths[kPackage].nar_hash = "sha256:" + std::string(64, '0');
  const std::vector<std::string> errors = Errors(Audited(tree, &closure));
  EXPECT_THAT(errors, Contains("LRE101 " + kPackage + "/bin/program /lib64/ld-linux-x86-64.so.2"));
  EXPECT_THAT(errors, Contains("LRE108 " + kPackage + "/bin/program libnowhere.so.9"));
  EXPECT_THAT(errors, Contains("LRE201 " + kPackage + "/bin/leak /usr/bin/python"));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE204 " + kPackage + "/link")));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE303 " + kPackage + "/names")));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE301 " + extra)));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE302 " + missing)));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE305 " + kPackage)));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE404 " + kOther + "/bin/sh")));
  EXPECT_THAT(errors, Contains(::testing::HasSubstr("LD_PRELOAD")));
}

TEST(Audit, WhatCannotBeReadIsTold) {
  FakeTree tree;
  FillClean(tree);
  tree.Truncated(kPackage + "/cut", "abc", 10);
  Problem problem;
  problem.kind = Problem::Kind::kUnreadable;
  problem.where = "layer 2";
  problem.message = "gzip: data error";
  tree.AddProblem(1, problem);
  const nix::Closure closure = Closure();
  const std::vector<std::string> errors = Errors(Audited(tree, &closure));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE901 " + kPackage + "/cut")));
  EXPECT_THAT(errors, Contains(::testing::StartsWith("LRE901 layer 2")));
}

// Byte by byte the same report, however many threads and whatever the pieces.
TEST(Audit, DeterministicReport) {
  FakeTree tree;
  FillClean(tree);
  for (int i = 0; i < 6; ++i) {
    tree.Layer();
    for (char c : {'d', 'c', 'b', 'a'}) {
      std::string path = kPackage;
      path[11] = static_cast<char>('4' + i);
      path += c;
      tree.Executable(path + "/z", "#!/bin/perl\n" + kGone).Symlink(path + "/a", "../../../etc");
      tree.Hardlink(path + "/h", path + "/z").File(path + "/b/" + c, std::string(5000, c));
    }
  }
  nix::Closure closure = Closure();
  closure.paths[kPackage].nar_hash = "sha256:" + std::string(64, '0');
  const std::string expected = Audited(tree, &closure, 1).SerializeAsString();
  EXPECT_THAT(expected, HasSubstr("LRE201"));
  EXPECT_THAT(expected, HasSubstr("LRE305"));
  for (int jobs : {1, 2, 4}) {
    EXPECT_EQ(Audited(tree, &closure, jobs).SerializeAsString(), expected) << jobs;
  }
  tree.set_piece_size(11);
  EXPECT_EQ(Audited(tree, &closure, 4).SerializeAsString(), expected);
}

TEST(Audit, AClosureThatTheUserNames) {
  const TemporaryDirectory directory;
  nix::WriteFileOrFail(directory / "paths", kPackage + "\n" + kOther + "\n");
  FakeTree tree;
  FillClean(tree);
  const Report report = Audited(tree, nullptr, 1, directory / "paths");
  EXPECT_THAT(Errors(report), IsEmpty());
  EXPECT_THAT(report.subjects(0).closure(), HasSubstr(directory / "paths"));

  // One that cannot be read is told before anything of the tree is.
  FakeTree untouched;
  FillClean(untouched);
  const CompiledPolicy policy = CompiledPolicy::Default();
  AuditRequest request;
  request.tree = &untouched;
  request.policy = &policy;
  request.closure = directory / "nothing";
  EXPECT_FALSE(Audit(request).ok());
  EXPECT_EQ(untouched.total_streams(), 0);
}

TEST(ChooseClosure, AStoreIsAskedForWhatItKnows) {
  const nix::NixStore store(nix::NixStore::Layout::kChroot);
  const std::string root = store.Fill();
  const auto named = ChooseClosure("store:" + store.root(), {root, kGone});
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->kind, Subject::ClosureKind::kNamed);
  EXPECT_TRUE(named->closure.paths.contains(root));
  EXPECT_FALSE(named->closure.paths.contains(kGone));
  const std::vector<std::string> closure = nix::Lines(store.Run("nix-store -qR " + root));
  EXPECT_EQ(named->closure.paths.size(), closure.size());
  EXPECT_FALSE(ChooseClosure("store:" + store.root() + "/nowhere", {root}).ok());
  EXPECT_FALSE(ChooseClosure(store.root() + "/nowhere", {root}).ok());
}

// Whether this machine has a store or not: of paths that none knows, nothing is promised.
TEST(ChooseClosure, TheDefaultOfPathsThatNobodyKnows) {
  const auto choice = ChooseClosure("", {kGone});
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(choice->kind, Subject::ClosureKind::kDerived);
  EXPECT_THAT(choice->closure.paths, IsEmpty());
  FakeTree tree;
  FillClean(tree);
  const Report report = Audited(tree, nullptr);
  EXPECT_THAT(Errors(report), IsEmpty());
  EXPECT_THAT(report.subjects(0).closure(), HasSubstr("derived"));
}

}  // namespace
}  // namespace lre_audit
