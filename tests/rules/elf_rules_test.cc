// LRE101-107, 113, 117-120: each with a leak planted, and its nearest innocent neighbour.
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kProgram = kMake + "/bin/make";

TEST(Lre101InterpreterOutsideStore, Leak) {
  const std::string outside = "/lib64/ld-linux-x86-64.so.2";
  SubjectBuilder subject;
  subject.File(kProgram).Interpreter(outside, Outside(outside));
  subject.File(kZlib + "/bin/a").Program();
  subject.File(kZlib + "/bin/b").Program();
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE101", kProgram, outside, Finding::ERROR, 0x318}));
  EXPECT_EQ(findings[0].evidence(), "PT_INTERP at 0x318: /lib64/ld-linux-x86-64.so.2");
  EXPECT_THAT(findings[0].notes(), Contains("2 other objects of this image use " + kLoader));
}

TEST(Lre101InterpreterOutsideStore, RelativeIsOutsideToo) {
  SubjectBuilder subject;
  subject.File(kProgram).Interpreter("ld.so", Relative("ld.so"));
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE101", kProgram, "ld.so", Finding::ERROR, 0x318}));
}

TEST(Lre101InterpreterOutsideStore, SymlinkIntoTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Interpreter("/lib64/ld-linux-x86-64.so.2", InStore(kLoader));
  subject.File("/lib64/ld-linux-x86-64.so.2").Symlink(kLoader, InStore(kLoader));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre102InterpreterMissing, Leak) {
  const std::string missing = kGone + "/lib/ld-linux-x86-64.so.2";
  SubjectBuilder subject;
  subject.File(kProgram).Interpreter(missing, StorePathMissing(missing)).RefersTo(kGone, false);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE102", kProgram, missing, Finding::ERROR, 0x318}));
}

TEST(Lre102InterpreterMissing, PresentIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().RefersTo(kGlibc, true);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

struct SearchPathCase {
  std::string rule, text;
  Target target;
  Finding::Severity severity;
};

TEST(Lre103To107SearchPath, Leaks) {
  const std::vector<SearchPathCase> cases = {
      {"LRE103", "/usr/lib", Outside("/usr/lib"), Finding::ERROR},
      {"LRE104", "", Relative(""), Finding::ERROR},
      {"LRE104", "../lib", Relative("../lib"), Finding::ERROR},
      {"LRE105", "/build/source/lib", InBuildDirectory("/build/source/lib"), Finding::ERROR},
      {"LRE105", "/tmp", InBuildDirectory("/tmp"), Finding::ERROR},
      {"LRE106", "$ORIGIN/../../../../usr/lib", Escaping("/usr/lib"), Finding::ERROR},
      {"LRE107", kGone + "/lib", StorePathMissing(kGone + "/lib"), Finding::WARNING},
      {"LRE107", kZlib + "/lib64", FileMissing(kZlib + "/lib64"), Finding::WARNING},
  };
  for (const SearchPathCase& c : cases) {
    SCOPED_TRACE(c.rule + " " + c.text);
    SubjectBuilder subject;
    subject.File(kProgram).Program().RunPath(c.text, c.target);
    // The default policy changes nothing here.
    EXPECT_THAT(Leaks(subject.Reported()),
                ElementsAre(Leak{c.rule, kProgram, c.text, c.severity, 0x318}));
  }
}

TEST(Lre103To107SearchPath, StoreDirectoriesAreInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram)
      .Program()
      .RunPath(kZlib + "/lib", DirectoryInStore(kZlib + "/lib"))
      .RunPath("$ORIGIN/../lib", DirectoryInStore(kMake + "/lib"));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre103To107SearchPath, AnElementNamedTwiceIsOneFinding) {
  SubjectBuilder subject;
  subject.File(kProgram)
      .Program()
      .RunPath("/usr/lib", Outside("/usr/lib"))
      .RunPath("/usr/lib", Outside("/usr/lib"))
      .RunPath("/lib", Outside("/lib"));
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE103", kProgram, "/lib", Finding::ERROR, 0x318},
                          Leak{"LRE103", kProgram, "/usr/lib", Finding::ERROR, 0x318}));
}

TEST(Lre103To107SearchPath, RpathIsNamedAsSuch) {
  SubjectBuilder subject;
  FileBuilder file = subject.File(kProgram).Program().RunPath("/usr/lib", Outside("/usr/lib"));
  file.Object().search_path[0].kind = Claim::RPATH;
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].message(), "an element of RPATH is outside the store");
  EXPECT_EQ(findings[0].evidence(), "DT_RPATH at 0x318: /usr/lib");
}

TEST(Lre113ViewsDisagree, Leak) {
  SubjectBuilder subject;
  ElfFacts::ViewDifference& difference =
      *subject.File(kProgram).Program().Elf().add_view_differences();
  difference.set_what("DT_RUNPATH");
  difference.set_segments("/usr/lib");
  difference.set_sections(kZlib + "/lib");
  difference.set_offset(0x900);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE113", kProgram, "/usr/lib", Finding::ERROR, 0x900}));
}

TEST(Lre113ViewsDisagree, AgreementIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Elf().mutable_runpath()->set_value(kZlib + "/lib");
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre117MalformedObject, LeakIsOneFindingPerFile) {
  SubjectBuilder subject;
  subject.File(kProgram)
      .Has(Defect::MALFORMED, 0xe8, "program header 3: beyond the file")
      .Has(Defect::MALFORMED, 0x120, "program header 4: beyond the file");
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(Leak{"LRE117", kProgram, "", Finding::WARNING, 0xe8}));
  EXPECT_THAT(findings[0].message(), HasSubstr("program header 3"));
  EXPECT_THAT(findings[0].notes(), ElementsAre("at 0x120: program header 4: beyond the file"));
}

TEST(Lre117MalformedObject, HalfReadIsAnotherMatter) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().HalfRead().Has(Defect::MALFORMED, 0xe8,
                                                  "program header 3: beyond the file");
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre117MalformedObject, WellFormedIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program();
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre118ForeignArchitecture, Leak) {
  SubjectBuilder subject;
  LinkedObject& object = subject.File(kProgram).Program().Object();
  object.machine = "AArch64";
  object.foreign_to = "x86-64";
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE118", kProgram, "AArch64", Finding::WARNING}));
}

TEST(Lre118ForeignArchitecture, CrossCompiledLibraryOfNoProgramIsInnocent) {
  SubjectBuilder subject;
  subject.File(kZlib + "/lib/libz.so.1").Object().machine = "AArch64";
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre119DebugPath, LeakIsOneFindingPerFile) {
  SubjectBuilder subject;
  LinkedObject& object = subject.File(kProgram).Program().Object();
  for (const std::string directory : {"/build/source", "/build/source/lib"}) {
    LinkedClaim claim = MakeClaim(Claim::DEBUG_DIRECTORY, directory, InBuildDirectory(directory));
    claim.offset = 0x40;
    object.debug_directories.push_back(claim);
  }
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE119", kProgram, "/build/source", Finding::NOTE, 0x40}));
}

TEST(Lre119DebugPath, StoreAndRelativeDirectoriesAreInnocent) {
  SubjectBuilder subject;
  LinkedObject& object = subject.File(kProgram).Program().Object();
  object.debug_directories = {
      MakeClaim(Claim::DEBUG_DIRECTORY, kGlibc + "/include", InStore(kGlibc + "/include")),
      MakeClaim(Claim::DEBUG_DIRECTORY, "../sysdeps", Relative("../sysdeps"))};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre120ImpureLoader, Leak) {
  SubjectBuilder subject;
  LinkedObject& object = subject.File(kLoader).Object();
  object.loader_defaults = {
      MakeClaim(Claim::LOADER_DEFAULT, "/etc/ld.so.cache", Outside("/etc/ld.so.cache"), "cache"),
      MakeClaim(Claim::LOADER_DEFAULT, "/usr/lib", Outside("/usr/lib"), "directory")};
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE120", kLoader, "/etc/ld.so.cache", Finding::WARNING}));
  EXPECT_THAT(findings[0].notes(),
              ElementsAre("it searches, or reads: /etc/ld.so.cache and /usr/lib"));
}

TEST(Lre120ImpureLoader, NixpkgsGlibcIsInnocent) {
  SubjectBuilder subject;
  subject.File(kLoader).Object().loader_defaults = {
      MakeClaim(Claim::LOADER_DEFAULT, kGlibc + "/lib", InStore(kGlibc + "/lib"), "directory"),
      // Not there in nixpkgs' glibc, and never written.
      MakeClaim(Claim::LOADER_DEFAULT, kGlibc + "/etc/ld.so.cache",
                FileMissing(kGlibc + "/etc/ld.so.cache"), "cache"),
      MakeClaim(Claim::LOADER_DEFAULT, "/etc/ld-nix.so.preload", Outside("/etc/ld-nix.so.preload"),
                "preload")};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(ElfRules, ObjectsOutsideTheStoreAreJudgedAsWhole) {
  SubjectBuilder subject;
  subject.File("/usr/bin/make")
      .Interpreter("/lib64/ld.so", Outside("/lib64/ld.so"))
      .RunPath("/usr/lib", Outside("/usr/lib"))
      .Needs(MissingLibrary("libz.so.1"));
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE403", "/usr/bin/make", ""}));
}

}  // namespace
}  // namespace lre_audit
