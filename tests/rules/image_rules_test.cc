// LRE4xx and LRE9xx: each with a leak planted, and its nearest innocent neighbour.
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct ProblemCase {
  LinkedProblem::Kind kind;
  std::string rule, expected, actual, referenced;
  Finding::Severity severity;
};

TEST(Lre401_402_410_411_901_902Problems, Leaks) {
  const std::vector<ProblemCase> cases = {
      {LinkedProblem::Kind::kDigestMismatch, "LRE401", "sha256:11", "sha256:22", "sha256:11",
       Finding::ERROR},
      {LinkedProblem::Kind::kDiffIdMismatch, "LRE402", "sha256:11", "sha256:22", "sha256:11",
       Finding::ERROR},
      {LinkedProblem::Kind::kViewsDisagree, "LRE410", "sha256:11", "sha256:22", "sha256:11",
       Finding::ERROR},
      {LinkedProblem::Kind::kTrailingData, "LRE411", "", "", "", Finding::WARNING},
      {LinkedProblem::Kind::kUnreadable, "LRE901", "", "", "", Finding::ERROR},
      {LinkedProblem::Kind::kMalformed, "LRE901", "", "", "", Finding::ERROR},
      {LinkedProblem::Kind::kLimit, "LRE902", "", "", "", Finding::ERROR},
  };
  for (const ProblemCase& c : cases) {
    SCOPED_TRACE(c.rule);
    SubjectBuilder subject;
    subject.Problem(c.kind, "layer 2", "what happened", c.expected, c.actual);
    const std::vector<Finding> findings = subject.Reported();
    ASSERT_THAT(Leaks(findings),
                ElementsAre(Leak{c.rule, "layer 2", c.referenced, c.severity, 0x200, 0, ""}));
    EXPECT_THAT(findings[0].message() + findings[0].evidence() +
                    (findings[0].notes_size() > 0 ? findings[0].notes(0) : ""),
                HasSubstr("what happened"));
    if (!c.actual.empty()) {
      EXPECT_EQ(findings[0].evidence(), "expected sha256:11, found sha256:22");
    }
  }
}

TEST(Lre401_402_410_411_901_902Problems, ImageThatIsWhatItSaysIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/make").Program();
  subject.StorePath(kMake, true, true);
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre901Incomplete, FileThatEndsEarly) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/make").Has(Defect::UNREADABLE, 0x1000, "ends at 4096 of 8192 bytes");
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE901", kMake + "/bin/make", "", Finding::ERROR, 0x1000}));
}

TEST(Lre901Incomplete, MalformedFileWasReadAndIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/make").Has(Defect::MALFORMED, 0x10, "no object");
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE117", kMake + "/bin/make", "", Finding::WARNING, 0x10}));
}

TEST(Lre902LimitReached, FileWithTooMuchInIt) {
  SubjectBuilder subject;
  subject.File("/etc/hosts").Mode(0444).Has(Defect::LIMIT, 0x1000, "more than 10 of something");
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE902", "/etc/hosts", "", Finding::ERROR, 0x1000}));
}

TEST(Lre902LimitReached, CompleteFileIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/make");
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre403FileOutsideStore, LeakProgramLibraryOrScript) {
  SubjectBuilder subject;
  subject.File("/usr/bin/make").Program();
  subject.File("/usr/lib/libz.so.1").Mode(0444).Object();
  subject.File("/usr/bin/script").Mode(0755);
  EXPECT_THAT(Leaks(subject.Reported()), ElementsAre(Leak{"LRE403", "/usr/bin/make", ""},
                                                     Leak{"LRE403", "/usr/bin/script", ""},
                                                     Leak{"LRE403", "/usr/lib/libz.so.1", ""}));
}

TEST(Lre403FileOutsideStore, OtherFilesAreWarnings) {
  SubjectBuilder subject;
  subject.File("/usr/share/x").Mode(0644);
  subject.File("/usr/lib/crt1.o").Mode(0644).Elf().set_type(1);  // ET_REL
  subject.File("/usr/lib/libz.so").Symlink("libz.so.1", Outside("/usr/lib/libz.so.1", true));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE403", "/usr/lib/crt1.o", "", Finding::WARNING},
                          Leak{"LRE403", "/usr/lib/libz.so", "libz.so.1", Finding::WARNING},
                          Leak{"LRE403", "/usr/share/x", "", Finding::WARNING}));
}

// The issue's own words: an image with these is clean.
TEST(Lre403FileOutsideStore, WorkerImageIsInnocent) {
  Target directory = Outside("/run", true);
  directory.is_directory = true;
  SubjectBuilder subject;
  subject.File("/etc").Directory().Mode(0755);
  subject.File("/etc/passwd").Mode(0644);
  subject.File("/etc/group").Mode(0644);
  subject.File("/etc/mtab").Symlink("/proc/mounts", Outside("/proc/mounts"));
  subject.File("/etc/ssl/certs/ca-bundle.crt").Mode(0444);
  subject.File("/tmp").Directory().Mode(01777);
  subject.File("/bin/bash").Symlink(kMake + "/bin/bash", InStore(kMake + "/bin/bash"));
  subject.File("/bin/env").Symlink(kMake + "/bin/env", InStore(kMake + "/bin/env"));
  subject.File("/usr/bin/env").Symlink("/bin/env", InStore(kMake + "/bin/env"));
  subject.File("/var/run").Symlink("/run", directory);
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre403FileOutsideStore, ProgramsHideNowhere) {
  for (const std::string path : {"/etc/ssl/certs/x.pem", "/etc/passwd", "/dev/x", "/nix-support/x",
                                 "/nix/var/nix/profiles/x"}) {
    SubjectBuilder subject;
    subject.File(path).Mode(0444).Object();
    EXPECT_THAT(Leaks(subject.Reported()), ElementsAre(Leak{"LRE403", path, ""}));
  }
}

TEST(Lre404StorePathAltered, Leak) {
  SubjectBuilder subject;
  subject.Edit().image->alterations = {{kMake + "/bin/make", "replaces", "layer 3", "layer 1"}};
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(Leak{"LRE404", kMake + "/bin/make", kMake}));
  EXPECT_EQ(findings[0].message(), "layer 3 replaces a file of a store path that layer 1 holds");
}

TEST(Lre404StorePathAltered, StorePathsInSeveralLayersAreInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/make");
  subject.File(kZlib + "/lib/x");
  Subject judged = subject.Build();
  judged.files[1].layer = "layer 4";
  EXPECT_THAT(Leaks(Judge(judged)), IsEmpty());
}

TEST(Lre405EnvironmentOutsideStore, Leak) {
  SubjectBuilder subject;
  subject.Environment("PATH", "/usr/local/bin", Outside("/usr/local/bin"));
  subject.Environment("PATH", "", Relative(""));
  subject.Environment("PATH", "/tmp", InBuildDirectory("/tmp"));
  subject.Environment("CC", "bin/cc", Relative("bin/cc"));
  const std::vector<Finding> findings = subject.Reported();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE405", "CC", "bin/cc", Finding::ERROR, 0, 0, ""},
                          Leak{"LRE405", "PATH", "", Finding::ERROR, 0, 0, ""},
                          Leak{"LRE405", "PATH", "/tmp", Finding::ERROR, 0, 0, ""},
                          Leak{"LRE405", "PATH", "/usr/local/bin", Finding::ERROR, 0, 0, ""}));
  EXPECT_EQ(findings[3].evidence(), "Env PATH: /usr/local/bin");
}

TEST(Lre405EnvironmentOutsideStore, StorePathsHomeAndCertificatesAreInnocent) {
  SubjectBuilder subject;
  subject.Environment("PATH", kMake + "/bin", DirectoryInStore(kMake + "/bin"));
  subject.Environment("PATH", "/bin", DirectoryInStore(kMake + "/bin"));  // a symlink
  subject.Environment("HOME", "/root", Outside("/root"));
  subject.Environment("TMPDIR", "/tmp", InBuildDirectory("/tmp"));
  subject.Environment("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt",
                      Outside("/etc/ssl/certs/ca-certificates.crt"));
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre409EnvironmentPathMissing, Leak) {
  SubjectBuilder subject;
  subject.Environment("PATH", kGone + "/bin", StorePathMissing(kGone + "/bin"));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE409", "PATH", kGone + "/bin", Finding::ERROR, 0, 0, ""}));
}

TEST(Lre409EnvironmentPathMissing, PresentIsInnocent) {
  SubjectBuilder subject;
  subject.Environment("CC", kMake + "/bin/cc", InStore(kMake + "/bin/cc"));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre406LoaderEnvironment, LeakEvenIntoTheStore) {
  SubjectBuilder subject;
  subject.Edit().image->loader_variables = {{"LD_LIBRARY_PATH", kZlib + "/lib"},
                                            {"LD_PRELOAD", "/usr/lib/x.so"}};
  EXPECT_THAT(
      Leaks(subject.Reported()),
      ElementsAre(Leak{"LRE406", "LD_LIBRARY_PATH", kZlib + "/lib", Finding::ERROR, 0, 0, ""},
                  Leak{"LRE406", "LD_PRELOAD", "/usr/lib/x.so", Finding::ERROR, 0, 0, ""}));
}

TEST(Lre406LoaderEnvironment, EmptyValuesAndVariablesThatLoadNothingAreInnocent) {
  SubjectBuilder subject;
  subject.Edit().image->loader_variables = {{"LD_LIBRARY_PATH", ""}, {"LD_BIND_NOW", "1"}};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre407EntrypointOutsideStore, Leak) {
  struct {
    std::string text;
    Target target;
  } cases[] = {{"/usr/bin/worker", Outside("/usr/bin/worker", true)},
               {kGone + "/bin/worker", StorePathMissing(kGone + "/bin/worker")},
               {"worker", Relative("worker")}};
  for (const auto& c : cases) {
    SubjectBuilder subject;
    subject.Entrypoint(c.text, c.target);
    EXPECT_THAT(Leaks(subject.Reported()),
                ElementsAre(Leak{"LRE407", "Entrypoint", c.text, Finding::ERROR, 0, 0, ""}));
  }
}

TEST(Lre407EntrypointOutsideStore, InWhatWasNotReadIsInnocent) {
  for (const auto& [text, target] :
       {std::pair<std::string, Target>(kGone + "/bin/worker",
                                       StorePathMissing(kGone + "/bin/worker")),
        {"worker", Relative("worker")}}) {
    SubjectBuilder subject;
    subject.Problem(LinkedProblem::Kind::kUnreadable, "layer 2", "it is not there");
    subject.Entrypoint(text, target);
    EXPECT_THAT(Leaks(subject.Judged()), SizeIs(1)) << text;  // LRE901
  }
  SubjectBuilder subject;
  subject.Problem(LinkedProblem::Kind::kUnreadable, "layer 2", "it is not there");
  subject.Entrypoint("/usr/bin/worker", Outside("/usr/bin/worker"));
  EXPECT_THAT(Leaks(subject.Judged()), SizeIs(2));
}

// Whatever of an image's documents cannot be read, they may have named what is missed.
TEST(Lre409EnvironmentPathMissing, InWhatWasNotReadIsInnocent) {
  const auto told = [](LinkedProblem::Kind kind, const std::string& where, bool hides_files) {
    SubjectBuilder subject;
    subject.Problem(kind, where, "what happened");
    subject.Edit().problems.back().hides_files = hides_files;
    subject.Environment("PATH", kGone + "/bin", StorePathMissing(kGone + "/bin"));
    return Leaks(subject.Judged()).size() == 2;
  };
  using Kind = LinkedProblem::Kind;
  EXPECT_FALSE(told(Kind::kUnreadable, "layers.json", false));
  EXPECT_FALSE(told(Kind::kLimit, "manifest.json", false));
  EXPECT_FALSE(told(Kind::kMalformed, "layer 0", false));
  EXPECT_FALSE(told(Kind::kMalformed, "image.json", true));
  EXPECT_TRUE(told(Kind::kMalformed, "config.json", false));
  EXPECT_TRUE(told(Kind::kDigestMismatch, "layer 0", false));
}

TEST(Lre407EntrypointOutsideStore, ArgumentsMayBeMountedLater) {
  SubjectBuilder subject;
  subject.Entrypoint(kMake + "/bin/make", InStore(kMake + "/bin/make"));
  subject.Entrypoint("/config/worker.json5", Outside("/config/worker.json5"));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE407", "Entrypoint", "/config/worker.json5", Finding::WARNING, 0,
                               0, ""}));
}

TEST(Lre407EntrypointOutsideStore, ProgramInTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.Entrypoint("/bin/bash", InStore(kMake + "/bin/bash"));  // a symlink
  subject.Entrypoint("/dev/null", Outside("/dev/null"));
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre408LoaderConfiguration, LeakIsToldOnce) {
  for (const std::string path :
       {"/etc/ld.so.preload", "/etc/ld-nix.so.preload", "/etc/ld.so.conf", "/etc/ld.so.cache",
        "/etc/ld.so.conf.d/x.conf", "/etc/ld-musl-x86_64.path"}) {
    SubjectBuilder subject;
    subject.File(path).Mode(0644);
    EXPECT_THAT(Leaks(subject.Reported()), ElementsAre(Leak{"LRE408", path, ""}));
  }
}

TEST(Lre408LoaderConfiguration, GlibcsOwnInTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.File(kGlibc + "/etc/ld.so.conf").Mode(0444);
  subject.File(kGlibc + "/etc/ld.so.cache").Mode(0444);
  subject.File("/etc/ld.so.conf.d").Directory().Mode(0755);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(ImageRules, AStoreHasNoFilesOutside) {
  SubjectBuilder subject;
  subject.Edit().kind = Subject::Kind::kStore;
  subject.Edit().image.reset();
  subject.File("/etc/ld.so.conf").Mode(0644);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
