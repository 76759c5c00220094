// Chains through trees in memory, read and linked as every audit does it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "audit/audit.h"
#include "audit/why/chains.h"
#include "audit/why/graph.h"
#include "audit/why/roots.h"
#include "audit/why/show.h"
#include "nlohmann/json.hpp"
#include "tests/audit/scan/fake_tree.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit::why {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kStore = "/nix/store";
const std::string kRun = kStore + "/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-run-1.0";
const std::string kTool = kStore + "/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-tool-1.0";
const std::string kLib = kStore + "/2m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-lib-1.0";
const std::string kGone = kStore + "/3m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gone-1.0";
const std::string kLeak = "/usr/lib/libz.so.1";

std::string Elf(std::vector<std::string> needed, const std::string& runpath = "",
                const std::string& soname = "") {
  elf::ElfSpec spec;
  spec.needed = std::move(needed);
  if (!runpath.empty()) spec.runpath = runpath;
  if (!soname.empty()) spec.soname = soname;
  return elf::BuildElf(spec).bytes;
}

// A tree, and what is asked of it. Members refer to each other: it stays where it is.
class Asked {
 public:
  Asked() { tree.Layer(); }
  Asked(const Asked&) = delete;

  // Fills `answer`; call once.
  void Why(const std::string& path, bool all = false, size_t most = 100) {
    AuditRequest request;
    request.kind = kind;
    request.tree = &tree;
    request.known_closure = &closure_;
    request.jobs = 1;
    absl::StatusOr<ExaminedTree> examined = Examine(request);
    ASSERT_TRUE(examined.ok()) << examined.status();
    examined_ = *std::move(examined);
    index_ = std::make_unique<TreeIndex>(examined_.merged->files, kStore);
    if (!asked_for.empty()) roots = RootsOfStore(asked_for, *index_);
    if (examined_.subject.image) roots = RootsOfImage(*examined_.subject.image, *index_);
    AddRootsOfToolchain(toolchain, *index_, roots);
    if (roots.empty()) roots = UnreferencedRoots(examined_.subject, *index_);
    graph_ = std::make_unique<Graph>(examined_.subject, *index_, roots);
    const absl::StatusOr<Goal> goal = ParseGoal(path, kStore);
    ASSERT_TRUE(goal.ok()) << goal.status();
    answer.subject = "fake:tree";
    answer.path = path;
    answer.tree = "fake:tree";
    answer.begins = "Entrypoint, Cmd or Env";
    answer.goal = *goal;
    answer.all = all;
    answer.roots = &roots;
    answer.graph = graph_.get();
    answer.found = FindChains(*graph_, roots, *goal, all, most);
  }
  std::string Text() const {
    std::ostringstream out;
    WriteText(answer, /*color=*/false, out);
    return out.str();
  }
  nlohmann::json Json() const {
    std::ostringstream out;
    WriteJson(answer, out);
    return nlohmann::json::parse(out.str());
  }
  // "HOW path" of each step of chain `number`.
  std::vector<std::string> Steps(size_t number = 0) const {
    std::vector<std::string> steps;
    const nlohmann::json chains = Json()["chains"];
    if (number >= chains.size()) return {"no such chain"};
    for (const nlohmann::json& step : chains[number]["steps"]) {
      steps.push_back(step["how"].get<std::string>() + " " + step["path"].get<std::string>());
    }
    return steps;
  }
  void Entrypoint(const std::string& word) {
    tree.mutable_config().present = true;
    tree.mutable_config().entrypoint = {word};
  }
  void Environment(const std::string& variable) {
    tree.mutable_config().present = true;
    tree.mutable_config().env.push_back(variable);
  }

  FakeTree tree;
  Subject::Kind kind = Subject::Kind::kImage;
  std::vector<std::string> asked_for;
  ConfigFacts toolchain;
  std::vector<Root> roots;
  Answer answer;

 private:
  const nix::Closure closure_;
  ExaminedTree examined_;
  std::unique_ptr<TreeIndex> index_;
  std::unique_ptr<Graph> graph_;
};

// Entrypoint, script, program, library by RUNPATH, and a library outside the store that it needs.
void PlantLeak(Asked& asked) {
  asked.tree.Directory(kRun).Directory(kRun + "/bin");
  asked.tree.Executable(kRun + "/bin/run", "#!/bin/sh\n\nexec " + kTool + "/bin/tool \"$@\"\n");
  asked.tree.Directory(kTool).Directory(kTool + "/bin");
  asked.tree.Executable(kTool + "/bin/tool", Elf({"libx.so.1"}, kLib + "/lib"));
  asked.tree.Directory(kLib).Directory(kLib + "/lib");
  asked.tree.Executable(kLib + "/lib/libx.so.1.2", Elf({kLeak}, "", "libx.so.1"));
  asked.tree.Symlink(kLib + "/lib/libx.so.1", "libx.so.1.2");
  asked.Entrypoint(kRun + "/bin/run");
}

TEST(Why, ThreeHopsDeep) {
  Asked asked;
  PlantLeak(asked);
  asked.Why(kLeak);
  EXPECT_THAT(asked.Steps(), ElementsAre("WRAPPER " + kTool + "/bin/tool",
                                         "NEEDED " + kLib + "/lib/libx.so.1.2", "NEEDED " + kLeak));
  const std::string text = asked.Text();
  EXPECT_THAT(text, StartsWith("Entrypoint\n└── " + kRun + "/bin/run\n    line 3: exec " + kTool +
                               "/bin/tool \"$@\"\n    └── " + kTool +
                               "/bin/tool\n        DT_NEEDED at 0x"));
  EXPECT_THAT(text, HasSubstr(": libx.so.1, found by RUNPATH " + kLib + "/lib\n        └── "));
  EXPECT_THAT(text, HasSubstr("└── " + kLeak + "  (not in fake:tree)\n"));
}

TEST(Why, JsonNamesEveryStep) {
  Asked asked;
  PlantLeak(asked);
  asked.Why(kLeak);
  const nlohmann::json json = asked.Json();
  EXPECT_EQ(json["path"], kLeak);
  EXPECT_EQ(json["exists"], false);
  const nlohmann::json chain = json["chains"][0];
  EXPECT_EQ(chain["root"]["kind"], "ENTRYPOINT");
  EXPECT_EQ(chain["root"]["path"], kRun + "/bin/run");
  ASSERT_THAT(chain["steps"], SizeIs(3));
  EXPECT_EQ(chain["steps"][0]["line"], 3);
  EXPECT_EQ(chain["steps"][0]["text"], kTool + "/bin/tool");
  EXPECT_EQ(chain["steps"][1]["by"], "RUNPATH " + kLib + "/lib");
  EXPECT_GT(chain["steps"][1]["offset"], 0);
  EXPECT_EQ(chain["steps"][2]["text"], kLeak);
}

// The goal in other words.
TEST(Why, PathsInEveryForm) {
  for (const std::string& path :
       {std::string("/usr/lib/../lib//libz.so.1"), std::string("/usr"), kLib, kLib.substr(11),
        kLib.substr(11) + "/lib/libx.so.1", kLib + "/lib/libx.so.1.2", kLib + "/lib"}) {
    Asked asked;
    PlantLeak(asked);
    asked.Why(path);
    EXPECT_THAT(asked.answer.found.chains, SizeIs(1)) << path;
    EXPECT_EQ(asked.Steps().size(), path.starts_with("/usr") ? 3 : 2) << path;
  }
  EXPECT_FALSE(ParseGoal("", kStore).ok());
  EXPECT_FALSE(ParseGoal("lib/libz.so.1", kStore).ok());
}

TEST(Why, ALibraryByItsName) {
  Asked asked;
  PlantLeak(asked);
  asked.Why("libx.so.1");
  EXPECT_THAT(asked.Steps(),
              ElementsAre("WRAPPER " + kTool + "/bin/tool", "NEEDED " + kLib + "/lib/libx.so.1.2"));
}

TEST(Why, ALibraryThatIsFoundNowhere) {
  Asked asked;
  asked.tree.Directory(kTool).Executable(kTool + "/tool", Elf({"libno.so.7"}, kGone + "/lib"));
  asked.Entrypoint(kTool + "/tool");
  asked.Why("libno.so.7");
  EXPECT_THAT(asked.Steps(), ElementsAre("NEEDED libno.so.7"));
  EXPECT_EQ(asked.Json()["exists"], false);
  EXPECT_THAT(asked.Text(), HasSubstr(": libno.so.7, found nowhere\n"));
}

// A file of a path in PATH is a command; one in a directory below it is not.
TEST(Why, EnvironmentLeadsToTheFilesOfItsDirectories) {
  Asked asked;
  asked.tree.Directory(kTool).Directory(kTool + "/bin").Directory(kTool + "/bin/sub");
  asked.tree.Executable(kTool + "/bin/tool", "#!" + kGone + "/bin/sh\n");
  asked.tree.Executable(kTool + "/bin/sub/other", "#!/opt/other\n");
  asked.Environment("PATH=" + kTool + "/bin");
  asked.Why(kGone);
  EXPECT_THAT(asked.Steps(),
              ElementsAre("HOLDS " + kTool + "/bin/tool", "SHEBANG " + kGone + "/bin/sh"));
  EXPECT_THAT(asked.Text(), StartsWith("Env PATH\n└── " + kTool + "/bin\n    holds\n"));
  Asked other;
  other.tree.Directory(kTool).Directory(kTool + "/bin").Directory(kTool + "/bin/sub");
  other.tree.Executable(kTool + "/bin/sub/other", "#!/opt/other\n");
  other.Environment("PATH=" + kTool + "/bin");
  other.Why("/opt/other");
  EXPECT_THAT(other.answer.found.chains, IsEmpty());
  EXPECT_THAT(other.Text(), HasSubstr("it is named by " + kTool + "/bin/sub/other (line 1: "));
}

// A symlink that leads out of its package is a step, one inside it is none.
TEST(Why, SymlinksBetweenPackages) {
  Asked asked;
  asked.tree.Directory(kRun).Directory(kRun + "/bin");
  asked.tree.Symlink(kRun + "/bin/run", "../../" + kTool.substr(kStore.size() + 1) + "/tool");
  asked.tree.Directory(kTool).Executable(kTool + "/tool", "#!/bin/sh\n");
  asked.tree.Symlink("/bin/sh", "/usr/bin/dash");
  asked.Environment("PATH=" + kRun + "/bin");
  asked.Why("/usr/bin/dash");
  EXPECT_THAT(asked.Steps(),
              ElementsAre("HOLDS " + kRun + "/bin/run", "SYMLINK_TARGET " + kTool + "/tool",
                          "SHEBANG /bin/sh", "SYMLINK_TARGET /usr/bin/dash"));
}

// /bin is a symlink: /bin/sh and /usr/bin/sh are one file.
TEST(Why, SymlinkedDirectories) {
  for (const char* path : {"/bin/sh", "/usr/bin/sh"}) {
    Asked asked;
    asked.tree.Symlink("/bin", "usr/bin").Directory("/usr").Directory("/usr/bin");
    asked.tree.Executable("/usr/bin/sh", "x");
    asked.tree.Directory(kTool).Executable(kTool + "/tool", "#!/bin/sh\n");
    asked.Entrypoint(kTool + "/tool");
    asked.Why(path);
    EXPECT_THAT(asked.Steps(), ElementsAre("SHEBANG /usr/bin/sh")) << path;
    EXPECT_EQ(asked.Json()["exists"], true);
  }
}

// A store reference alone leads to the whole package; a claim beside it says more.
TEST(Why, ClaimsSayMoreThanReferences) {
  Asked reference;
  reference.tree.Directory(kRun).Executable(kRun + "/run", "data " + kTool + " data");
  reference.tree.Directory(kTool).Executable(kTool + "/tool", "#!/opt/sh\n");
  reference.Entrypoint(kRun + "/run");
  reference.Why("/opt/sh");
  EXPECT_THAT(reference.Steps(), ElementsAre("STORE_REFERENCE " + kTool, "HOLDS " + kTool + "/tool",
                                             "SHEBANG /opt/sh"));
  EXPECT_THAT(reference.Text(), HasSubstr("    refers to it at 0x5\n    └── " + kTool + "\n"));

  Asked claim;
  claim.tree.Directory(kRun).Executable(kRun + "/run", "#!" + kTool + "/tool\n");
  claim.tree.Directory(kTool).Executable(kTool + "/tool", "x");
  claim.Entrypoint(kRun + "/run");
  claim.Why(kTool, /*all=*/true);
  EXPECT_THAT(claim.answer.found.chains, SizeIs(1));
  EXPECT_THAT(claim.Steps(), ElementsAre("SHEBANG " + kTool + "/tool"));
}

TEST(Why, ReferencesThatNixDoesNotSee) {
  std::string wide;
  for (const char c : kTool) wide += std::string({c, '\0'});
  Asked asked;
  asked.tree.Directory(kRun).Executable(kRun + "/run", std::string("data\n\n", 6) + wide);
  asked.tree.Directory(kTool).Executable(kTool + "/tool", "#!/opt/sh\n");
  asked.Entrypoint(kRun + "/run");
  asked.Why("/opt/sh");
  EXPECT_THAT(asked.Steps(), ElementsAre("HIDDEN_REFERENCE " + kTool, "HOLDS " + kTool + "/tool",
                                         "SHEBANG /opt/sh"));
  EXPECT_THAT(asked.Text(), HasSubstr("    refers to it in UTF-16 text at 0x"));

  // What Nix sees as well is told so.
  Asked both;
  both.tree.Directory(kRun).Executable(kRun + "/run", wide + kTool + "\n");
  both.tree.Directory(kTool).Executable(kTool + "/tool", "x");
  both.Entrypoint(kRun + "/run");
  both.Why(kTool);
  EXPECT_THAT(both.Steps(), ElementsAre("STORE_REFERENCE " + kTool));

  // Nothing else refers to it, and yet it is no root.
  Asked unpacked;
  unpacked.tree.Directory(kRun).File(kRun + "/doc", wide);
  unpacked.tree.Directory(kTool).Executable(kTool + "/tool", "#!/opt/sh\n");
  unpacked.Why("/opt/sh");
  EXPECT_THAT(unpacked.Steps(), ElementsAre("HOLDS " + kRun + "/doc", "HIDDEN_REFERENCE " + kTool,
                                            "HOLDS " + kTool + "/tool", "SHEBANG /opt/sh"));
}

// What a program is made to do counts for more than a string in it.
TEST(Why, ClaimsSayMoreThanStrings) {
  Asked asked;
  asked.tree.Directory(kTool).Directory(kTool + "/bin");
  asked.tree.Executable(kTool + "/bin/a", Elf({}) + std::string("\0/opt/lib/libq.so\0", 18));
  asked.tree.Executable(kTool + "/bin/b", Elf({"/opt/lib/libq.so"}));
  asked.Environment("PATH=" + kTool + "/bin");
  asked.Why("/opt/lib/libq.so");
  EXPECT_THAT(asked.Steps(), ElementsAre("HOLDS " + kTool + "/bin/b", "NEEDED /opt/lib/libq.so"));
  EXPECT_EQ(asked.Json()["exists"], false);
  Asked string;
  string.tree.Directory(kTool).Directory(kTool + "/bin");
  string.tree.Executable(kTool + "/bin/a", Elf({}) + std::string("\0/opt/lib/libq.so\0", 18));
  string.Environment("PATH=" + kTool + "/bin");
  string.Why("/opt/lib/libq.so");
  EXPECT_THAT(string.Steps(),
              ElementsAre("HOLDS " + kTool + "/bin/a", "EMBEDDED /opt/lib/libq.so"));
}

// A diamond: two files of one PATH name two scripts each, and all name the goal.
void PlantDiamond(Asked& asked) {
  asked.tree.Directory(kRun).Directory(kRun + "/bin");
  for (const char* name : {"/bin/a", "/bin/b"}) {
    asked.tree.Executable(kRun + name, "#!" + kTool + "/sh\nexec " + kLib + "/sh\n");
  }
  asked.tree.Directory(kTool).Executable(kTool + "/sh", "#!" + kLeak + "\n");
  asked.tree.Directory(kLib).Executable(kLib + "/sh", "#!" + kLeak + "\n");
  asked.Entrypoint(kTool + "/sh");
  asked.Environment("PATH=" + kRun + "/bin");
}

TEST(Why, TheShortestChainOrAllOfEveryRoot) {
  Asked one;
  PlantDiamond(one);
  one.Why(kLeak);
  EXPECT_THAT(one.answer.found.chains, SizeIs(1));
  EXPECT_EQ(one.answer.found.roots, 2);
  EXPECT_FALSE(one.answer.found.cut);
  EXPECT_THAT(one.Steps(), ElementsAre("SHEBANG " + kLeak));
  EXPECT_THAT(one.Text(), HasSubstr("\n1 other root leads there too: --all shows"));

  Asked all;
  PlantDiamond(all);
  all.Why(kLeak, /*all=*/true);
  ASSERT_THAT(all.answer.found.chains, SizeIs(5));
  EXPECT_FALSE(all.answer.found.cut);
  EXPECT_THAT(all.Steps(1), ElementsAre("HOLDS " + kRun + "/bin/a", "SHEBANG " + kTool + "/sh",
                                        "SHEBANG " + kLeak));
  EXPECT_THAT(all.Steps(4), ElementsAre("HOLDS " + kRun + "/bin/b", "WRAPPER " + kLib + "/sh",
                                        "SHEBANG " + kLeak));

  Asked cut;
  PlantDiamond(cut);
  cut.Why(kLeak, /*all=*/true, /*most=*/3);
  EXPECT_THAT(cut.answer.found.chains, SizeIs(3));
  EXPECT_TRUE(cut.answer.found.cut);
  EXPECT_THAT(cut.Text(), HasSubstr("\nonly the first 3 chains are shown\n"));
}

TEST(Why, Cycles) {
  Asked asked;
  asked.tree.Directory(kRun).Executable(kRun + "/a", "#!" + kTool + "/b\n");
  asked.tree.Directory(kTool).Executable(kTool + "/b", "#!" + kRun + "/a\nexec " + kLeak + "\n");
  asked.tree.Symlink(kTool + "/loop", "loop");
  asked.Entrypoint(kRun + "/a");
  asked.Why(kTool + "/loop");
  EXPECT_THAT(asked.Steps(), ElementsAre("STORE_REFERENCE " + kTool, "HOLDS " + kTool + "/loop"));
}

TEST(Why, NothingLeadsThere) {
  Asked missing;
  PlantLeak(missing);
  missing.Why("/usr/lib/libx.so.1.2");
  EXPECT_EQ(missing.Text(),
            "nothing leads from Entrypoint, Cmd or Env to /usr/lib/libx.so.1.2 in fake:tree: it is "
            "not there, and nothing names it; there is " +
                kLib + "/lib/libx.so.1.2\n");
  Asked there;
  PlantLeak(there);
  there.tree.File("/etc/passwd", "x");
  there.Why("/etc/passwd");
  EXPECT_THAT(there.Text(), HasSubstr(": it is there, but nothing names it\n"));
  EXPECT_THAT(there.Json()["chains"], IsEmpty());
}

// A library is looked for in directories: who asks for a file there hears which one it would be.
TEST(Why, NothingLeadsThereButToItsDirectory) {
  for (const std::string path : {"/opt/deep/lib/libdeep.so", "/opt/deep/lib/a/b"}) {
    Asked asked;
    asked.tree.Directory(kRun).Executable(kRun + "/run", Elf({"libdeep.so"}, "/opt/deep/lib"));
    asked.Entrypoint(kRun + "/run");
    asked.Why(path);
    EXPECT_THAT(asked.Text(), EndsWith("/opt/deep/lib, which would hold it, is named\n"));
  }
  Asked store_path;
  store_path.tree.Directory(kRun).File(kRun + "/note", "/nix/store and " + kGone + "/lib");
  store_path.Entrypoint(kRun + "/note");
  store_path.Why(kGone + "/lib/x");
  EXPECT_THAT(store_path.Text(), HasSubstr("; " + kGone));
  Asked variable;
  variable.Environment("PATH=/usr/local/bin");
  variable.Why("/usr/local/bin/python3");
  EXPECT_THAT(variable.Text(), HasSubstr("; /usr/local/bin, which would hold it, is named\n"));
  Asked other;
  other.tree.Directory(kRun).File(kRun + "/note", kRun);
  other.Entrypoint(kRun + "/note");
  other.Why(kStore + "/x");
  EXPECT_THAT(other.Text(), EndsWith("nothing names it\n"));
}

TEST(Why, NamedByAFileToWhichNothingLeads) {
  Asked asked;
  asked.tree.Directory(kRun).Executable(kRun + "/run", Elf({}, "/opt/deep/lib"));
  asked.Environment("LANG=C");
  asked.Environment("PATH=" + kTool);
  asked.Why("/opt");
  EXPECT_THAT(asked.Text(), HasSubstr(": /opt/deep/lib), to which nothing leads either\n"));
}

TEST(Why, NoObjectNeedsIt) {
  Asked asked;
  PlantLeak(asked);
  asked.Why("tool");
  EXPECT_THAT(asked.Text(), HasSubstr(": no object needs a library of that name; there is " +
                                      kTool + "/bin/tool\n"));
}

TEST(Why, StorePathsAskedFor) {
  Asked asked;
  asked.kind = Subject::Kind::kStore;
  asked.asked_for = {kRun};
  asked.tree.Directory(kRun).File(kRun + "/doc", kTool + "\n");
  asked.tree.Directory(kTool).Executable(kTool + "/tool", "#!/opt/sh\n");
  asked.Why("/opt/sh");
  EXPECT_THAT(asked.Steps(), ElementsAre("HOLDS " + kRun + "/doc", "STORE_REFERENCE " + kTool,
                                         "HOLDS " + kTool + "/tool", "SHEBANG /opt/sh"));
  EXPECT_THAT(asked.Text(),
              StartsWith("asked for\n└── " + kRun + "\n    holds\n    └── " + kRun + "/doc\n"));
}

// A directory with an unpacked image says nothing of entrypoints: what nothing refers to begins.
TEST(Why, WithoutEntrypointOrEnvironment) {
  Asked asked;
  asked.tree.Directory(kRun).Executable(kRun + "/run", "#!" + kTool + "/tool\n");
  asked.tree.Directory(kTool).Executable(kTool + "/tool", "#!" + kLeak + "\n");
  asked.tree.File(kLeak, "x");
  asked.Why(kLeak);
  EXPECT_THAT(asked.Steps(), ElementsAre("HOLDS " + kRun + "/run", "SHEBANG " + kTool + "/tool",
                                         "SHEBANG " + kLeak));
  EXPECT_THAT(asked.Text(), StartsWith("nothing refers to it\n└── " + kRun + "\n"));
}

TEST(Why, ToolchainsAreRoots) {
  Asked asked;
  asked.tree.Directory(kTool).Executable(kTool + "/gcc", "#!" + kLeak + "\n");
  asked.toolchain.set_path("generated-cc/cc/BUILD");
  const std::pair<std::string, std::string> tools[] = {{"cpp", "/usr/bin/cpp"},
                                                       {"gcc", kTool + "/gcc"}};
  for (const auto& [name, path] : tools) {
    Claim& claim = *asked.toolchain.add_claims();
    claim.set_kind(Claim::TOOL);
    claim.set_text(path);
    claim.set_context(name);
    claim.set_line(7);
    claim.set_column(16);
    claim.set_excerpt("\"" + name + "\": \"" + path + "\",");
  }
  asked.Why(kLeak);
  EXPECT_THAT(asked.Steps(), ElementsAre("SHEBANG " + kLeak));
  EXPECT_THAT(asked.Text(), StartsWith("generated-cc/cc/BUILD:7:16: \"gcc\": \"" + kTool +
                                       "/gcc\",\n└── " + kTool + "/gcc\n"));
  EXPECT_EQ(asked.Json()["chains"][0]["root"]["context"], "gcc");
}

// Names are bytes of the input: they reach neither terminal nor JSON as they are.
TEST(Why, HostileNames) {
  Asked asked;
  asked.tree.Directory(kTool).Executable(kTool + "/a\x1b[2J", "#!/opt/sh\n");
  asked.Entrypoint(kTool + "/a\x1b[2J");
  asked.Why("/opt/sh");
  EXPECT_THAT(asked.Text(), HasSubstr("a\\x1b[2J"));
  EXPECT_THAT(asked.Text(), ::testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(asked.Steps(), SizeIs(1));
}

}  // namespace
}  // namespace lre_audit::why
