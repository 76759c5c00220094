#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/toolchain/pins.h"
#include "audit/toolchain/read_config.h"
#include "tests/audit/toolchain/config_text.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kCommit[] = "f9ff630e09a3c22d6a3abea68d1bacc775eac6bb";

TEST(ProjectKey, IsTheSameForEverySpelling) {
  for (const char* url :
       {"https://github.com/TraceMachina/nativelink.git",
        "https://github.com/TraceMachina/nativelink",
        "http://www@github.com/TraceMachina/nativelink/",
        "git@github.com:TraceMachina/nativelink.git",
        "ssh://git@github.com:22/TraceMachina/nativelink",
        "git+https://github.com/tracemachina/nativelink?ref=x", "github:TraceMachina/nativelink",
        "github:TraceMachina/nativelink/main?dir=x",
        "https://github.com/TraceMachina/nativelink/releases/download/v1/x.tar.gz"}) {
    EXPECT_EQ(ProjectKey(url), "github.com/tracemachina/nativelink") << url;
  }
  EXPECT_EQ(ProjectKey("https://gitlab.com/Group/Sub/Repo.git"), "gitlab.com/group/sub/repo");
  EXPECT_EQ(ProjectKey("sourcehut:~User/Repo"), "git.sr.ht/~user/repo");
  for (const char* none : {"", "file:///home/x", "/home/x", "//x:y", "../x", "github:x", "https://",
                           ":x", "git+file:///x/y"}) {
    EXPECT_EQ(ProjectKey(none), "") << none;
  }
}

TEST(ParseArchiveUrl, FindsProjectAndCommit) {
  const std::string commit = kCommit;
  struct Case {
    std::string url, project, commit;
  };
  for (const Case& one : std::vector<Case>{
           {"https://github.com/O/R/archive/" + commit + ".zip", "github.com/o/r", commit},
           {"https://github.com/O/R/archive/" + commit + ".tar.gz", "github.com/o/r", commit},
           {"https://codeload.github.com/O/R/tar.gz/" + commit, "github.com/o/r", commit},
           {"https://api.github.com/repos/O/R/tarball/" + commit, "github.com/o/r", commit},
           {"https://mirror.bazel.build/github.com/O/R/archive/" + commit + ".tar.gz",
            "github.com/o/r", commit},
           {"https://gitlab.com/G/S/R/-/archive/" + commit + "/R-" + commit + ".tar.bz2",
            "gitlab.com/g/s/r", commit},
           {"https://gitlab.com/api/v4/projects/G%2FR/repository/archive.tar.gz?sha=" + commit,
            "gitlab.com/g/r", commit},
           {"https://codeberg.org/o/r/archive/" + commit + ".tar.gz", "codeberg.org/o/r", commit},
           {"https://git.sr.ht/~o/r/archive/" + commit + ".tar.gz", "git.sr.ht/~o/r", commit},
           {"https://github.com/o/r/archive/refs/tags/v1.tar.gz", "github.com/o/r", ""},
           {"https://github.com/o/r/archive/20230125.tar.gz", "github.com/o/r", ""}}) {
    const std::optional<ArchivePin> pin = ParseArchiveUrl(one.url);
    ASSERT_TRUE(pin) << one.url;
    EXPECT_EQ(pin->project, one.project) << one.url;
    EXPECT_EQ(pin->commit, one.commit) << one.url;
  }
  for (const char* none :
       {"https://github.com/o/r/releases/download/v1/r.tar.gz", "https://ftp.gnu.org/gnu/x.tar.gz",
        "https://x.org/archive/y.zip", "x", ""}) {
    EXPECT_FALSE(ParseArchiveUrl(none)) << none;
  }
}

ConfigFacts Read(std::string_view text) {
  ConfigFacts facts = ReadModuleBazel("MODULE.bazel", text);
  ExpectPlacesIn(text, facts);
  return facts;
}

constexpr std::string_view kModule = R"(module(name = "x", version = "0")

# Keep the commit in sync with flake.nix.
bazel_dep(name = "local-remote-execution", version = "0")
archive_override(
    module_name = "local-remote-execution",
    integrity = "sha256-/hcZonUZHrbu8ihWLIQM1PoQqrRatzim7ec8phccwTY=",
    strip_prefix = "nativelink-f9ff630e09a3c22d6a3abea68d1bacc775eac6bb/local-remote-execution",
    urls = ["https://github.com/TraceMachina/nativelink/archive/f9ff630e09a3c22d6a3abea68d1bacc775eac6bb.zip"],
)
git_override(
    module_name = "rules_x",
    commit = "0123456789abcdef0123456789abcdef01234567",
    remote = "https://github.com/X/rules_x.git",
)
single_version_override(module_name = "y", version = "1.2")
local_path_override(module_name = "z", path = "../z")
)";

TEST(ReadModuleBazel, ReadsOverrides) {
  const ConfigFacts facts = Read(kModule);
  EXPECT_THAT(
      Lines(facts),
      ElementsAre(
          "9:65 PIN github.com/tracemachina/nativelink=f9ff630e09a3c22d6a3abea68d1bacc775eac6bb",
          "13:15 PIN github.com/x/rules_x=0123456789abcdef0123456789abcdef01234567",
          "17:48 PIN ="));
  EXPECT_EQ(facts.settings(0).context(), "local-remote-execution");
  EXPECT_EQ(facts.settings(2).context(), "z");
}

TEST(ReadModuleBazel, ReadsTheRulesOfAWorkspace) {
  const ConfigFacts facts = Read(R"(
COMMIT = "f9ff630e09a3c22d6a3abea68d1bacc775eac6bb"
HOST = "https://github.com"
http_archive(
    name = "a",
    url = HOST + "/o/a/archive/" + COMMIT + ".zip",
)
http_archive(
    name = "b",
    urls = [
        "https://mirror.bazel.build/github.com/o/b/archive/{}.zip".format(COMMIT),
        "https://github.com/o/b/archive/%s.zip" % COMMIT,
        "https://example.org/b-1.0.zip",
    ],
)
def later():
    native.new_git_repository(name = "c", remote = "git@gitlab.com:o/c", commit = "0123abc", shallow_since = "x")
http_archive(
    name = "d",
    strip_prefix = "d-0123456789abcdef0123456789abcdef01234567",
    url = "https://github.com/o/d/releases/download/nightly/d.zip",
)
)");
  const std::string commit = kCommit;
  EXPECT_THAT(Lines(facts),
              ElementsAre("2:11 PIN github.com/o/a=" + commit, "2:11 PIN github.com/o/b=" + commit,
                          "17:84 PIN gitlab.com/o/c=0123abc",
                          "20:23 PIN github.com/o/d=0123456789abcdef0123456789abcdef01234567"));
}

TEST(ReadModuleBazel, TagsBranchesAndReleasesPinNoCommit) {
  EXPECT_THAT(Lines(Read(R"(
git_override(module_name = "a", remote = "https://github.com/o/a", tag = "v1")
git_override(module_name = "b", remote = "https://github.com/o/b", branch = "main")
archive_override(module_name = "c", urls = "https://github.com/o/c/archive/refs/tags/v1.zip")
http_archive(name = "d", url = "https://github.com/o/d/releases/download/v1/d.zip")
http_archive(name = "e", url = UNKNOWN + "x")
bazel_dep(name = "f", version = "1")
)")),
              IsEmpty());
}

TEST(ReadModuleBazel, SaysWhatCannotBeReadAndReadsTheRest) {
  const ConfigFacts facts = Read(
      "git_override(module_name = \"a\",\n"
      "local_path_override(module_name = \"z\", path = \"../z\")\n");
  EXPECT_THAT(Lines(facts, "PIN"), ElementsAre("2:48 PIN ="));
  EXPECT_EQ(facts.defects_size(), 1);
}

TEST(ReadModuleBazel, ConstantsThatReferToThemselvesEnd) {
  EXPECT_THAT(Lines(Read("A = A + A\nB = B\ngit_override(remote = A, commit = B)\n")), IsEmpty());
}

TEST(ReadModuleBazel, SurvivesWhateverStandsThere) {
  for (const std::string& text : Mutations(kModule)) Read(text);
}

}  // namespace
}  // namespace lre_audit
