// The table, and what Judge() does beside running it.
#include <random>
#include <set>

#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Table, IsTheCatalogue) {
  std::vector<std::string> rules;
  for (const Rule& rule : AllRules()) {
    rules.push_back(std::string(rule.code) + " " + rule.name + " " +
                    Finding::Severity_Name(rule.severity));
  }
  EXPECT_THAT(
      rules,
      ElementsAre(
          "LRE101 interpreter-outside-store ERROR",        //
          "LRE102 interpreter-missing ERROR",              //
          "LRE103 search-path-outside-store ERROR",        //
          "LRE104 search-path-relative ERROR",             //
          "LRE105 search-path-build-directory ERROR",      //
          "LRE106 search-path-escapes ERROR",              //
          "LRE107 search-path-dangling WARNING",           //
          "LRE108 library-not-found ERROR",                //
          "LRE109 library-outside-store ERROR",            //
          "LRE110 library-undeclared ERROR",               //
          "LRE111 symbol-version-missing ERROR",           //
          "LRE112 two-libcs ERROR",                        //
          "LRE113 views-disagree ERROR",                   //
          "LRE114 audit-module-outside-store ERROR",       //
          "LRE115 loader-note-outside-store ERROR",        //
          "LRE116 dlopen-not-found WARNING",               //
          "LRE117 malformed-object WARNING",               //
          "LRE118 foreign-architecture WARNING",           //
          "LRE119 debug-path NOTE",                        //
          "LRE120 impure-loader WARNING",                  //
          "LRE201 shebang-outside-store ERROR",            //
          "LRE202 shebang-missing ERROR",                  //
          "LRE203 symlink-outside-store ERROR",            //
          "LRE204 symlink-dangling ERROR",                 //
          "LRE205 wrapper-outside-store ERROR",            //
          "LRE206 build-metadata-outside-store WARNING",   //
          "LRE207 embedded-path NOTE",                     //
          "LRE208 privileged-file ERROR",                  //
          "LRE209 writable-store-file WARNING",            //
          "LRE210 special-file ERROR",                     //
          "LRE211 metadata-not-canonical NOTE",            //
          "LRE301 path-not-in-closure ERROR",              //
          "LRE302 closure-path-missing ERROR",             //
          "LRE303 reference-dangling ERROR",               //
          "LRE304 reference-undeclared WARNING",           //
          "LRE305 nar-hash-mismatch ERROR",                //
          "LRE306 reference-hidden WARNING",               //
          "LRE307 store-entry-invalid ERROR",              //
          "LRE308 signature-invalid ERROR",                //
          "LRE401 blob-digest-mismatch ERROR",             //
          "LRE402 diff-id-mismatch ERROR",                 //
          "LRE403 file-outside-store ERROR",               //
          "LRE404 store-path-altered ERROR",               //
          "LRE405 environment-outside-store ERROR",        //
          "LRE406 loader-environment ERROR",               //
          "LRE407 entrypoint-outside-store ERROR",         //
          "LRE408 loader-configuration ERROR",             //
          "LRE409 environment-path-missing ERROR",         //
          "LRE410 image-views-disagree ERROR",             //
          "LRE411 trailing-data WARNING",                  //
          "LRE501 tool-outside-store ERROR",               //
          "LRE502 tool-missing ERROR",                     //
          "LRE503 include-directory-outside-store ERROR",  //
          "LRE504 include-directory-missing ERROR",        //
          "LRE505 flag-outside-store ERROR",               //
          "LRE506 script-outside-store ERROR",             //
          "LRE507 libc-mismatch WARNING",                  //
          "LRE508 tool-unresolved NOTE",                   //
          "LRE601 toolchain-path-not-in-image ERROR",      //
          "LRE602 toolchain-path-not-local ERROR",         //
          "LRE603 content-differs ERROR",                  //
          "LRE604 only-in-one-side WARNING",               //
          "LRE605 bazelrc-differs ERROR",                  //
          "LRE606 container-image-differs ERROR",          //
          "LRE607 pin-differs ERROR",                      //
          "LRE608 platform-differs ERROR",                 //
          "LRE609 environment-differs ERROR",              //
          "LRE701 evicted-or-never-uploaded ERROR", "LRE702 instance-mismatch ERROR",
          "LRE703 digest-function ERROR", "LRE704 rpc-failure ERROR", "LRE705 policy ERROR",
          "LRE706 env-path-leak ERROR", "LRE707 env-other ERROR", "LRE708 platform-property ERROR",
          "LRE709 toolchain-drift ERROR", "LRE710 builtin-includes-drift ERROR",
          "LRE711 shell-drift ERROR", "LRE712 absolute-path ERROR", "LRE713 host-config-leak ERROR",
          "LRE714 stamp ERROR", "LRE715 salt ERROR", "LRE716 timeout ERROR",
          "LRE717 declared-outputs ERROR", "LRE718 input-set ERROR", "LRE719 source-content ERROR",
          "LRE720 tree-order ERROR", "LRE721 symlink-vs-file ERROR", "LRE722 upstream ERROR",
          "LRE723 nondeterministic ERROR", "LRE724 key-blind WARNING", "LRE725 arguments ERROR",
          "LRE726 unpaired NOTE", "LRE727 options NOTE",
          "LRE901 incomplete ERROR",            //
          "LRE902 limit-reached ERROR",         //
          "LRE903 suppression-unused WARNING",  //
          "LRE904 suppression-expired ERROR"));
}

TEST(Table, EveryRuleHasSummaryAndPage) {
  std::set<std::string> pages;
  for (const Rule& rule : AllRules()) {
    SCOPED_TRACE(rule.code);
    EXPECT_FALSE(std::string(rule.summary).empty());
    // What it says, why it matters, an example report of this very rule, how to fix it.
    EXPECT_THAT(rule.page,
                AllOf(HasSubstr("Why it matters:"), HasSubstr("[" + std::string(rule.code) + "]: "),
                      testing::ContainsRegex("\n(To fix it|To find out)[:,]")));
    EXPECT_TRUE(pages.insert(rule.page).second);
    std::string severity = Finding::Severity_Name(rule.severity);
    for (char& c : severity) c = static_cast<char>(std::tolower(c));
    EXPECT_THAT(rule.page, HasSubstr("    " + severity + "["));
  }
}

TEST(Table, FindsByCodeAndName) {
  ASSERT_NE(FindRule("LRE101"), nullptr);
  EXPECT_EQ(FindRule("LRE101"), FindRule("interpreter-outside-store"));
  EXPECT_EQ(FindRule("LRE999"), nullptr);
  EXPECT_EQ(FindRule(""), nullptr);
}

// Everything at once, in any order.
Subject ManyLeaks(SubjectBuilder& subject) {
  for (const std::string& package : {kMake, kZlib, kGlibc}) {
    for (int i = 0; i < 4; ++i) {
      subject.File(package + "/bin/" + std::to_string(i))
          .Mode(0755)
          .Mtime(7)
          .Interpreter("/lib64/ld.so", Outside("/lib64/ld.so"))
          .RunPath("/usr/lib", Outside("/usr/lib"))
          .RunPath("", Relative(""))
          .Needs(MissingLibrary("libx.so"))
          .RefersTo(kGone, false)
          .Embeds("/usr", Outside("/usr"));
    }
  }
  subject.File("/usr/bin/x").Program();
  subject.StorePath(kMake, true, false);
  subject.StorePath(kGone, false, true);
  subject.Edit().closure_kind = Subject::ClosureKind::kNamed;
  return subject.Build();
}

std::vector<std::string> Serialized(const std::vector<Finding>& findings) {
  std::vector<std::string> result;
  for (const Finding& finding : findings) result.push_back(finding.DebugString());
  return result;
}

TEST(Judge, OrderOfTheInputDoesNotMatter) {
  SubjectBuilder builder;
  Subject subject = ManyLeaks(builder);
  const std::vector<std::string> expected = Serialized(Judge(subject));
  ASSERT_THAT(expected, SizeIs(testing::Gt(50)));
  std::mt19937 random(1);
  for (int i = 0; i < 10; ++i) {
    std::shuffle(subject.files.begin(), subject.files.end(), random);
    std::shuffle(subject.store_paths.begin(), subject.store_paths.end(), random);
    EXPECT_EQ(Serialized(Judge(subject)), expected);
  }
}

TEST(Judge, SetsSubjectAndFingerprint) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/make").Interpreter("/lib64/ld.so", Outside("/lib64/ld.so"));
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].subject(), "oci:worker:t");
  EXPECT_EQ(findings[0].name(), "interpreter-outside-store");
  EXPECT_THAT(findings[0].fingerprint(), testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_FALSE(findings[0].help().empty());
}

std::string FingerprintOf(const std::string& package, const std::string& referenced,
                          Subject::Kind kind = Subject::Kind::kImage) {
  SubjectBuilder subject;
  subject.Edit().kind = kind;
  subject.File(package + "/bin/make").RunPath(referenced, Outside(referenced));
  const std::vector<Finding> findings = subject.Judged();
  return findings.size() == 1 ? findings[0].fingerprint() : "";
}

TEST(Judge, FingerprintSurvivesARebuildAndNothingElse) {
  const std::string here = FingerprintOf(kMake, "/usr/lib");
  ASSERT_FALSE(here.empty());
  EXPECT_EQ(here, FingerprintOf(kStore + "/9zk1k9c8g5n2xq7rwvyzb3dfhjlp4s6a-make-4.3", "/usr/lib"));
  EXPECT_NE(here, FingerprintOf(kStore + "/9zk1k9c8g5n2xq7rwvyzb3dfhjlp4s6a-make-4.4", "/usr/lib"));
  EXPECT_NE(here, FingerprintOf(kMake, "/usr/lib64"));
  EXPECT_NE(here, FingerprintOf(kMake, "/usr/lib", Subject::Kind::kStore));
}

TEST(Judge, OneFindingPerCauseAndFile) {
  SubjectBuilder subject;
  // Its interpreter and a search path element are missing, and so its reference dangles.
  subject.File(kMake + "/bin/make")
      .Interpreter(kGone + "/lib/ld.so", StorePathMissing(kGone + "/lib/ld.so"))
      .RefersTo(kGone, false);
  // $ORIGIN does not spell the store path that it leads to.
  subject.File(kZlib + "/lib/libz.so")
      .RunPath("$ORIGIN/../../x/lib", StorePathMissing(kGone + "/lib"))
      .RefersTo(kGone, false);
  // Another missing path of the same file is another cause.
  subject.File(kZlib + "/lib/other")
      .OnLine(1, Claim::SHEBANG, kGone + "/bin/sh", StorePathMissing(kGone + "/bin/sh"))
      .RefersTo(kGone, false)
      .RefersTo(kGlibc, false);
  EXPECT_THAT(
      Leaks(subject.Judged()),
      ElementsAre(
          Leak{"LRE102", kMake + "/bin/make", kGone + "/lib/ld.so", Finding::ERROR, 0x318},
          Leak{"LRE202", kZlib + "/lib/other", kGone + "/bin/sh", Finding::ERROR, 0, 1},
          Leak{"LRE303", kZlib + "/lib/other", kGlibc, Finding::ERROR, 0x40},
          Leak{"LRE107", kZlib + "/lib/libz.so", "$ORIGIN/../../x/lib", Finding::WARNING, 0x318}));
}

TEST(Judge, APathNamedOnSeveralLinesIsOneFindingAtTheFirst) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/wrapper")
      .OnLine(9, Claim::WRAPPER, "/usr/bin/x", Outside("/usr/bin/x"))
      .OnLine(3, Claim::WRAPPER, "/usr/bin/x", Outside("/usr/bin/x"));
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE205", kMake + "/bin/wrapper",
                                                        "/usr/bin/x", Finding::ERROR, 0, 3}));
}

TEST(Judge, HostileFactsDoNoHarm) {
  SubjectBuilder subject;
  subject.File("");
  subject.File(kStore + "/").RunPath("$", Target()).Needs(LinkedLibrary());
  Subject judged = subject.Build();
  for (LinkedFile& file : judged.files) file.dangling = {-1, 0, 1 << 30};
  judged.store_paths.emplace_back();
  judged.problems.emplace_back();
  judged.image->alterations.emplace_back();
  judged.image->environment.emplace_back();
  judged.image->entrypoint.emplace_back();
  for (const Finding& finding : Judge(judged)) EXPECT_FALSE(finding.rule().empty());
}

}  // namespace
}  // namespace lre_audit
