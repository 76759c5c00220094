// Images and closures, side by side.
#include "audit/compare/compare_stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/audit/nix/nix_fixture.h"
#include "tests/audit/scan/fake_tree.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kTool = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-tool-1.0";
const std::string kNewTool = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-tool-1.1";
const std::string kData = "/nix/store/2m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-data";

std::unique_ptr<FakeTree> Image(const std::string& tool) {
  auto tree = std::make_unique<FakeTree>();
  tree->Layer().Directory(tool).Directory(tool + "/bin").Executable(tool + "/bin/run", "run");
  tree->Layer().Directory(kData).File(kData + "/text", "a\nb\n");
  ImageConfig& config = tree->mutable_config();
  config.present = true;
  config.os = "linux";
  config.architecture = "amd64";
  config.env = {"PATH=" + tool + "/bin", "LANG=C"};
  config.entrypoint = {"run", "with space"};
  return tree;
}

Side ImageSide(std::unique_ptr<FakeTree> tree) {
  Side side;
  side.kind = ComparedSide::IMAGE;
  side.reference = tree->reference();
  side.tree = std::move(tree);
  return side;
}

Side ClosureSide(const std::vector<nix::PathInfo>& paths) {
  Side side;
  side.kind = ComparedSide::CLOSURE;
  side.reference = side.closure.source = "closure";
  side.closure.store_directory = "/nix/store";
  for (const nix::PathInfo& path : paths) side.closure.paths[path.path] = path;
  return side;
}

Comparison Compared(const Side& a, const Side& b) {
  static const auto& policy = *new CompiledPolicy(CompiledPolicy::Default());
  CompareRequest request;
  request.a = &a;
  request.b = &b;
  request.policy = &policy;
  request.reading.jobs = 2;
  absl::StatusOr<Comparison> comparison = Compare(request);
  EXPECT_TRUE(comparison.ok()) << comparison.status();
  if (!comparison.ok()) return {};
  CountDifferences(Finding::ERROR, &*comparison);
  return *std::move(comparison);
}

TEST(CompareStores, TheSameImage) {
  const Comparison comparison = Compared(ImageSide(Image(kTool)), ImageSide(Image(kTool)));
  EXPECT_EQ(comparison.verdict(), Comparison::SAME);
  EXPECT_EQ(comparison.counts().differences(), 0);
  EXPECT_EQ(comparison.a().store_paths(), 2);
  EXPECT_GT(comparison.a().nar_size(), 0);
}

TEST(CompareStores, AnotherVersionOfAnImage) {
  auto image = Image(kNewTool);
  image->Executable(kNewTool + "/bin/more", "more").File("/etc/passwd", "root");
  image->mutable_config().env.push_back("EXTRA=1");
  const Comparison comparison = Compared(ImageSide(Image(kTool)), ImageSide(std::move(image)));
  EXPECT_EQ(comparison.verdict(), Comparison::DIFFERENT);
  ASSERT_THAT(comparison.packages(), SizeIs(1));
  EXPECT_EQ(comparison.packages(0).kind(), PackageDifference::UPDATED);
  EXPECT_EQ(comparison.packages(0).version_b(), "1.1");
  ASSERT_THAT(comparison.tools(), SizeIs(1));
  EXPECT_EQ(comparison.tools(0).name(), "more");
  EXPECT_EQ(comparison.tools(0).b(), kNewTool + "/bin/more");
  ASSERT_THAT(comparison.settings(), SizeIs(1));
  EXPECT_EQ(comparison.settings(0).name(), "Env EXTRA");
  EXPECT_EQ(comparison.counts().moved(), 1);  // PATH
  ASSERT_THAT(comparison.files(), SizeIs(1));
  EXPECT_EQ(comparison.files(0).path(), "/etc");
  EXPECT_THAT(comparison.contents(), IsEmpty());
}

TEST(CompareStores, ContentsOfOnePath) {
  auto image = Image(kTool);
  image->Layer().File(kData + "/text", "a\nc\n").File(kData + "/more", "");
  const Comparison comparison = Compared(ImageSide(Image(kTool)), ImageSide(std::move(image)));
  ASSERT_THAT(comparison.contents(), SizeIs(1));
  const ContentsDifference& difference = comparison.contents(0);
  EXPECT_EQ(difference.path(), kData);
  EXPECT_NE(difference.nar_hash_a(), difference.nar_hash_b());
  ASSERT_THAT(difference.files(), SizeIs(2));
  EXPECT_EQ(difference.files(0).changes(0).what(), "presence");
  EXPECT_EQ(difference.files(1).changes(0).line(), 2);
  EXPECT_EQ(comparison.counts().contents(), 2);
}

TEST(CompareStores, WhatTheLoaderReads) {
  const auto with = [](const std::string& runpath) {
    elf::ElfSpec spec;
    spec.runpath = runpath;
    auto image = Image(kTool);
    image->Executable(kData + "/program", elf::BuildElf(spec).bytes);
    return ImageSide(std::move(image));
  };
  const Comparison comparison = Compared(with(kTool + "/lib"), with(kTool + "/lib:/usr/lib"));
  ASSERT_THAT(comparison.contents(), SizeIs(1));
  const FileDifference& file = comparison.contents(0).files(0);
  ASSERT_THAT(file.changes(), SizeIs(1));
  EXPECT_EQ(file.changes(0).what(), "RUNPATH");
  EXPECT_EQ(file.changes(0).b(), kTool + "/lib:/usr/lib");
  // The leak is new, and one of the differences.
  ASSERT_THAT(comparison.new_findings(), ::testing::Not(IsEmpty()));
  EXPECT_EQ(comparison.new_findings(0).rule(), "LRE103");
  EXPECT_THAT(comparison.fixed_findings(), IsEmpty());
}

TEST(CompareStores, WhatLiesInTheStoreAndIsNoStorePath) {
  const auto with = [](const std::string& contents) {
    auto image = Image(kTool);
    image->File("/nix/store/.cache", contents);
    return ImageSide(std::move(image));
  };
  const Comparison comparison = Compared(with("one"), with("two"));
  ASSERT_THAT(comparison.files(), SizeIs(1));
  EXPECT_EQ(comparison.files(0).path(), "/nix/store/.cache");
  EXPECT_EQ(comparison.counts().differences(), 1);
  EXPECT_EQ(Compared(with("one"), with("one")).verdict(), Comparison::SAME);
}

// What a NAR does not keep: the hashes are equal, the modes are not.
TEST(CompareStores, AModeThatIsNotCanonical) {
  auto image = Image(kTool);
  image->items(1)[1].entry.mode = 0644;
  const Comparison comparison = Compared(ImageSide(Image(kTool)), ImageSide(std::move(image)));
  ASSERT_THAT(comparison.contents(), SizeIs(1));
  EXPECT_EQ(comparison.contents(0).nar_hash_a(), comparison.contents(0).nar_hash_b());
  EXPECT_EQ(comparison.contents(0).files(0).changes(0).what(), "mode");
}

TEST(CompareStores, ClosuresByHash) {
  const nix::PathInfo tool = {kTool, "sha256:a", 100, true, {}, "", ""};
  nix::PathInfo changed = tool;
  changed.nar_hash = "sha256:b";
  const nix::PathInfo data = {kData, "", {}, false, {}, "", ""};
  Comparison comparison = Compared(ClosureSide({tool, data}), ClosureSide({changed, data}));
  ASSERT_THAT(comparison.contents(), SizeIs(1));
  EXPECT_EQ(comparison.contents(0).path(), kTool);
  EXPECT_EQ(comparison.counts().contents(), 1);
  EXPECT_THAT(comparison.compared(), HasSubstr("the contents of 1 were not compared"));

  comparison = Compared(ClosureSide({tool}), ClosureSide({tool}));
  EXPECT_EQ(comparison.verdict(), Comparison::SAME);
}

TEST(CompareStores, AClosureAndAnImage) {
  const Comparison images = Compared(ImageSide(Image(kTool)), ImageSide(Image(kTool)));
  const nix::PathInfo tool = {kTool, "sha256:" + std::string(64, '0'), 1, true, {}, "", ""};
  const Comparison comparison = Compared(ClosureSide({tool}), ImageSide(Image(kTool)));
  ASSERT_THAT(comparison.contents(), SizeIs(1));
  EXPECT_THAT(comparison.contents(0).files(), IsEmpty());
  ASSERT_THAT(comparison.packages(), SizeIs(1));
  EXPECT_EQ(comparison.packages(0).kind(), PackageDifference::ADDED);
  EXPECT_EQ(comparison.packages(0).path_b(), kData);
}

// Nothing in an image need refer to a tool of its PATH, or to what /bin/sh leads to.
TEST(CompareStores, WhatOnlyTheImagesConfigurationNames) {
  const nix::NixStore store(nix::NixStore::Layout::kChroot);
  const auto add = [&](const std::string& name) {
    nix::WriteFileOrFail(store.root() + "/" + name, name);
    return nix::Lines(store.Run("nix-store --add '" + store.root() + "/" + name + "'")).at(0);
  };
  const std::string held = add("held"), in_path = add("in-path"), run = add("run"),
                    linked = add("linked"), nobodys = add("nobodys");
  Side local;
  local.kind = ComparedSide::STORE;
  local.reference = "store:" + store.root();
  local.store = *nix::OpenPathStore(local.reference);
  auto image = std::make_unique<FakeTree>();
  image->Layer().File(held, "held").Directory("/bin").Symlink("/bin/sh", linked + "/bin/sh");
  image->File("/etc/notes", nobodys);  // text that nobody follows
  image->items(0)[0].entry.mode = 0444;
  image->mutable_config().env = {"PATH=/bin:" + in_path + "/bin:" + held};
  image->mutable_config().cmd = {"-c", "exec " + run + " x"};
  const Comparison comparison = Compared(local, ImageSide(std::move(image)));
  std::vector<std::string> gone;
  for (const PackageDifference& package : comparison.packages()) {
    EXPECT_EQ(package.kind(), PackageDifference::GONE);
    gone.push_back(package.path_a());
  }
  EXPECT_THAT(gone, ::testing::UnorderedElementsAre(in_path, run, linked));
  EXPECT_EQ(comparison.counts().differences(), 3);
}

TEST(CompareStores, ClosuresOfDifferentStores) {
  Side a = ClosureSide({}), b = ClosureSide({});
  b.closure.store_directory = "/other/store";
  CompareRequest request;
  request.a = &a;
  request.b = &b;
  const absl::StatusOr<Comparison> comparison = Compare(request);
  ASSERT_FALSE(comparison.ok());
  EXPECT_THAT(std::string(comparison.status().message()), HasSubstr("/other/store"));
}

TEST(CompareStores, WhatCannotBeReadIsTold) {
  auto image = Image(kTool);
  image->Truncated(kData + "/cut", "abc", 10);
  Problem problem;
  problem.where = "layer 2";
  problem.message = "gzip: data error";
  image->AddProblem(1, problem);
  const Comparison comparison = Compared(ImageSide(Image(kTool)), ImageSide(std::move(image)));
  EXPECT_EQ(comparison.verdict(), Comparison::INCOMPLETE);
  EXPECT_THAT(comparison.problems(), ::testing::Contains("fake:tree: layer 2: gzip: data error"));
}

TEST(CompareStores, NothingIsNoProof) {
  const Comparison comparison = Compared(ClosureSide({}), ClosureSide({}));
  EXPECT_EQ(comparison.verdict(), Comparison::INCOMPLETE);
  ASSERT_THAT(comparison.problems(), SizeIs(1));
  EXPECT_THAT(comparison.problems(0), HasSubstr("nothing to compare"));
}

TEST(CompareStores, DeterministicWhateverTheThreads) {
  const auto serialized = [](int jobs) {
    auto image = Image(kNewTool);
    for (const char c : {'x', 'a', 'm'}) image->Layer().File(kData + "/" + c, std::string(9000, c));
    const Side a = ImageSide(Image(kTool)), b = ImageSide(std::move(image));
    const CompiledPolicy policy = CompiledPolicy::Default();
    CompareRequest request;
    request.a = &a;
    request.b = &b;
    request.policy = &policy;
    request.reading.jobs = jobs;
    return Compare(request)->SerializeAsString();
  };
  const std::string expected = serialized(1);
  EXPECT_EQ(serialized(2), expected);
  EXPECT_EQ(serialized(7), expected);
}

}  // namespace
}  // namespace lre_audit
