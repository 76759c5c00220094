// Toolchains linked against views of real files and of an image's facts.
#include "audit/link/link_toolchain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/link/c_library.h"
#include "audit/link/link.h"
#include "tests/audit/link/facts_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Place = Target::Place;
using Kind = ToolchainView::Kind;

// A toolchain of one BUILD file, as a reader would have found it.
class Toolchain {
 public:
  Toolchain() {
    facts.directory = "generated-cc";
    facts.files.emplace_back().set_path("generated-cc/cc/BUILD");
  }
  ConfigFacts& file() { return facts.files[0]; }
  void Add(Claim::Kind kind, const std::string& text, const std::string& context = "",
           const std::string& system = "") {
    Claim& claim = *file().add_claims();
    claim.set_kind(kind);
    claim.set_text(text);
    claim.set_context(context);
    claim.set_system(system);
  }
  Subject Link(const std::vector<const View*>& views) const {
    return LinkToolchain(facts, kStore, views);
  }
  ToolchainFacts facts;
};

// An image that has kMake, for x86_64-linux.
class MakeImage {
 public:
  MakeImage() {
    FactsBuilder files;
    files.Elf(kMake + "/bin/make", Program({}));
    files.File(kMake + "/bin/README");
    files.File(kMake + "/share/make.jar");
    files.Directory(kMake + "/include");
    tree_.files = files.Build();
    config_.present = true;
    config_.os = "linux";
    config_.architecture = "amd64";
    LinkInput input;
    input.reference = "oci:worker:t";
    input.tree = &tree_;
    input.config = &config_;
    subject_ = Link(input);
    view_ = ViewOfImage(tree_, subject_);
  }
  const View* view() const { return view_.get(); }

 private:
  MergedTree tree_;
  ImageConfig config_;
  Subject subject_;
  std::unique_ptr<View> view_;
};

std::unique_ptr<View> Local(const std::vector<std::string>& paths, Kind kind) {
  nix::Closure closure;
  closure.source = "closure.json";
  for (const std::string& path : paths) closure.paths[path].path = path;
  return ViewOfClosure(std::move(closure), "/nonexistent", kind);
}

TEST(LinkToolchain, ClaimsAsWritten) {
  const struct {
    std::string text;
    Place place;
    std::string path, store_path;
  } kCases[] = {
      {kMake + "/bin/make", Place::kStore, kMake + "/bin/make", kMake},
      {kMake + "/bin/..//./include/", Place::kStore, kMake + "/include", kMake},
      {"//nix//store/" + kMake.substr(11) + "/x", Place::kStore, kMake + "/x", kMake},
      {kMake, Place::kStore, kMake, kMake},
      {kMake + "/../../../usr/bin/cc", Place::kOutside, "/usr/bin/cc", ""},
      {"/usr/bin/../lib//gcc", Place::kOutside, "/usr/lib/gcc", ""},
      {"/nix/storeroom/x", Place::kOutside, "/nix/storeroom/x", ""},
      {"/home/me/sdk", Place::kBuildDirectory, "/home/me/sdk", ""},
      {"cc_wrapper.sh", Place::kRelative, "cc_wrapper.sh", ""},
      {"", Place::kRelative, "", ""},
      {kStore, Place::kStore, kStore, ""},
      // No store path's name: nothing can be there.
      {kStore + "/placeholder/bin/cc", Place::kStore, kStore + "/placeholder/bin/cc",
       kStore + "/placeholder"},
  };
  Toolchain toolchain;
  for (const auto& test : kCases) toolchain.Add(Claim::TOOL, test.text);
  const MakeImage image;
  const Subject subject = toolchain.Link({image.view()});
  const std::vector<ToolchainClaim>& claims = subject.toolchain->claims;
  ASSERT_THAT(claims, SizeIs(std::size(kCases)));
  for (size_t i = 0; i < claims.size(); ++i) {
    const auto& test = kCases[i];
    EXPECT_EQ(claims[i].claim->text(), test.text);
    EXPECT_EQ(claims[i].file, &toolchain.facts.files[0]);
    EXPECT_EQ(claims[i].target.place, test.place) << test.text;
    EXPECT_EQ(claims[i].target.path, test.path) << test.text;
    EXPECT_EQ(claims[i].target.store_path, test.store_path) << test.text;
    ASSERT_THAT(claims[i].targets, SizeIs(1));
    EXPECT_EQ(claims[i].targets[0].looked_up, !test.store_path.empty()) << test.text;
    EXPECT_EQ(claims[i].targets[0].target.store_path, test.store_path) << test.text;
    EXPECT_EQ(claims[i].targets[0].target.store_path_exists, test.store_path == kMake) << test.text;
  }
}

TEST(LinkToolchain, WhatHasToBeAProgram) {
  const struct {
    Claim::Kind kind;
    std::string path, context;
    bool is_program;
  } kCases[] = {
      {Claim::TOOL, "/share/make.jar", "gcc", true},
      {Claim::TOOL, "/bin/README", "launcher", true},
      {Claim::TOOL, "/share/make.jar", "jar", false},
      {Claim::TOOL, "", "java_home", false},
      {Claim::TOOL, "/include", "strip", true},
      {Claim::SHEBANG, "/share/make.jar", "", true},
      {Claim::WRAPPER, "/bin/README", "command", true},
      {Claim::WRAPPER, "/bin", "PATH", false},
      {Claim::WRAPPER, "/share/make.jar", "argument", false},
      {Claim::FLAG, "/bin/README", "-fuse-ld=" + kMake + "/bin/README", true},
      {Claim::FLAG, "/include", "-isystem", false},
      {Claim::INCLUDE_DIRECTORY, "/bin/README", "", false},
  };
  Toolchain toolchain;
  for (const auto& test : kCases) toolchain.Add(test.kind, kMake + test.path, test.context);
  const MakeImage image;
  const Subject subject = toolchain.Link({image.view()});
  for (size_t i = 0; i < std::size(kCases); ++i) {
    const ViewTarget& found = subject.toolchain->claims[i].targets[0];
    EXPECT_TRUE(found.target.exists) << i;
    EXPECT_EQ(found.problem.empty(), !kCases[i].is_program) << i << " " << found.problem;
  }
}

TEST(LinkToolchain, ViewsOfAnotherSystem) {
  Toolchain toolchain;
  toolchain.Add(Claim::TOOL, kMake + "/bin/make", "make");
  toolchain.Add(Claim::TOOL, kMake + "/bin/make", "make", "x86_64-linux");
  toolchain.Add(Claim::TOOL, kGone + "/bin/make", "make", "aarch64-darwin");
  const MakeImage image;
  const Subject subject = toolchain.Link({image.view()});
  std::vector<bool> looked_up;
  for (const ToolchainClaim& claim : subject.toolchain->claims) {
    looked_up.push_back(claim.targets[0].looked_up);
  }
  EXPECT_THAT(looked_up, ElementsAre(true, true, false));
}

// The local store counts if it has anything of the toolchain; a promise always does.
TEST(LinkToolchain, ViewsThatCount) {
  Toolchain toolchain;
  toolchain.Add(Claim::TOOL, kMake + "/bin/make", "make");
  toolchain.Add(Claim::TOOL, kGone + "/bin/gone", "gone");
  const MakeImage image;
  const auto stranger = Local({kZlib}, Kind::kDefaultLocal);
  const auto promise = Local({kZlib}, Kind::kLocal);
  const auto store = Local({kGone}, Kind::kDefaultLocal);
  const Subject subject =
      toolchain.Link({stranger.get(), image.view(), promise.get(), store.get()});
  std::vector<Kind> kinds;
  for (const ToolchainView& view : subject.toolchain->views) kinds.push_back(view.kind);
  EXPECT_THAT(kinds, ElementsAre(Kind::kImage, Kind::kLocal, Kind::kDefaultLocal));
  const ToolchainClaim& make = subject.toolchain->claims[0];
  ASSERT_THAT(make.targets, SizeIs(3));
  EXPECT_TRUE(make.targets[0].target.exists);
  EXPECT_FALSE(make.targets[1].target.store_path_exists);
  EXPECT_FALSE(make.targets[2].target.store_path_exists);
  EXPECT_TRUE(subject.toolchain->claims[1].targets[2].target.store_path_exists);
  EXPECT_FALSE(subject.toolchain->claims[1].targets[2].file_known);
  EXPECT_THAT(toolchain.Link({}).toolchain->views, IsEmpty());
}

TEST(LinkToolchain, CLibraries) {
  const std::string dev = kStore + "/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-glibc-2.42-67-dev";
  const std::string old = kStore + "/5m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-glibc-2.38-27";
  Toolchain toolchain;
  toolchain.Add(Claim::INCLUDE_DIRECTORY, dev + "/include");
  toolchain.Add(Claim::INCLUDE_DIRECTORY, dev + "/include/linux");
  toolchain.Add(Claim::TOOL, kMake + "/bin/make", "make");
  nix::Closure closure;
  for (const std::string& path : {kGlibc, dev, old, kMake}) closure.paths[path].path = path;
  closure.paths[dev].references = {kGlibc};
  closure.paths[kMake].references = {old};
  const auto view = ViewOfClosure(std::move(closure), "/nonexistent", Kind::kLocal);
  const auto lines = [&](const std::vector<const View*>& views) {
    std::vector<std::string> found;
    const Subject subject = toolchain.Link(views);
    for (const auto& [path, name, version] : subject.toolchain->c_libraries) {
      found.push_back(name + " " + version + " " + path);
    }
    return found;
  };
  // The names that the toolchain itself writes say it without any view.
  EXPECT_THAT(lines({}), ElementsAre("glibc 2.42 " + dev));
  EXPECT_THAT(lines({view.get()}), ElementsAre("glibc 2.38 " + old, "glibc 2.42 " + kGlibc));
}

TEST(CLibraryOf, NamesOfNixpkgs) {
  const struct {
    const char *package, *name, *version;
  } kCases[] = {{"glibc-2.42-67", "glibc", "2.42"},
                {"glibc-2.42", "glibc", "2.42"},
                {"glibc-2.42-67-dev", "glibc", "2.42"},
                {"glibc-2.42-67-bin", "glibc", "2.42"},
                {"musl-1.2.5", "musl", "1.2.5"},
                {"musl-1.2.5-dev", "musl", "1.2.5"},
                {"glibc-locales-2.42-67", "", ""},
                {"musl-fts-1.2.7", "", ""},
                {"glibc", "", ""},
                {"glibc-", "", ""},
                {"glibc-2.42rc1", "", ""},
                {"eglibc-2.19", "", ""},
                {"glibcxx-2.1", "", ""},
                {"libc6-2.36", "", ""}};
  for (const auto& test : kCases) {
    const auto library = CLibraryOf(kStore + "/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-" + test.package);
    EXPECT_EQ(library.has_value(), test.name[0] != '\0') << test.package;
    if (!library) continue;
    EXPECT_EQ(library->name, test.name) << test.package;
    EXPECT_EQ(library->version, test.version) << test.package;
  }
  EXPECT_FALSE(CLibraryOf("").has_value());
}

TEST(LinkToolchain, SettingsAndDefects) {
  Toolchain toolchain;
  toolchain.file().add_settings()->set_value("glibc_2.42");
  const auto add = [&](uint32_t line, uint32_t column, const char* message) {
    ConfigDefect& defect = *toolchain.file().add_defects();
    defect.set_line(line);
    defect.set_column(column);
    defect.set_message(message);
  };
  add(12, 3, "unclosed '('");
  add(7, 0, "a line of 2 MiB");
  add(0, 0, "Permission denied");
  const Subject subject = toolchain.Link({});
  EXPECT_EQ(subject.kind, Subject::Kind::kToolchain);
  EXPECT_EQ(subject.reference, "generated-cc");
  EXPECT_EQ(subject.store_directory, kStore);
  ASSERT_THAT(subject.toolchain->settings, SizeIs(1));
  EXPECT_EQ(subject.toolchain->settings[0].setting->value(), "glibc_2.42");
  EXPECT_EQ(subject.toolchain->settings[0].file, &toolchain.facts.files[0]);
  const std::string path = "generated-cc/cc/BUILD";
  std::vector<std::string> where;
  for (const LinkedProblem& problem : subject.problems) {
    where.push_back(absl::StrCat(problem.where, ":", problem.line, ":", problem.column));
  }
  EXPECT_THAT(where, ElementsAre(path + ":12:3", path + ":7:0", path + ":0:0"));
  EXPECT_EQ(subject.problems[0].kind, LinkedProblem::Kind::kMalformed);
  EXPECT_EQ(subject.problems[0].message, "unclosed '('");
  EXPECT_EQ(subject.problems[2].kind, LinkedProblem::Kind::kUnreadable);
}

}  // namespace
}  // namespace lre_audit
