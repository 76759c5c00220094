// LRE3xx and LRE604: each with a leak planted, and its nearest innocent neighbour.
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using ClosureKind = Subject::ClosureKind;

std::vector<Leak> JudgeUnderClosure(ClosureKind kind, bool in_tree, bool in_closure) {
  SubjectBuilder subject;
  subject.Edit().closure_kind = kind;
  subject.StorePath(kMake, in_tree, in_closure);
  return Leaks(subject.Judged());
}

TEST(Lre301PathNotInClosure, LeakAgainstANamedClosure) {
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kNamed, true, false),
              ElementsAre(Leak{"LRE301", kMake, "", Finding::ERROR}));
}

TEST(Lre301PathNotInClosure, InBothIsInnocent) {
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kNamed, true, true), IsEmpty());
  // What was derived from the tree cannot lack what the tree has.
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kDerived, true, false), IsEmpty());
}

// It may be in the part that could not be read.
TEST(Lre301PathNotInClosure, ClosureReadInPartIsInnocent) {
  SubjectBuilder subject;
  subject.Edit().closure_kind = ClosureKind::kNamed;
  subject.Edit().closure_is_partial = true;
  subject.Problem(LinkedProblem::Kind::kMalformed, "closure.json", "ends early");
  subject.StorePath(kMake, true, false);
  subject.File(kMake + "/bin/make").Program();
  // What is known of it is still told.
  subject.StorePath(kZlib, false, true);
  const std::vector<Finding> findings = subject.Judged();
  std::vector<std::string> rules;
  for (const Finding& finding : findings) rules.push_back(finding.rule());
  EXPECT_THAT(rules, UnorderedElementsAre("LRE302", "LRE901"));
}

TEST(Lre604OnlyInOneSide, LeakAgainstTheLocalStore) {
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kDefault, true, false),
              ElementsAre(Leak{"LRE604", kMake, "", Finding::WARNING}));
}

TEST(Lre604OnlyInOneSide, InBothIsInnocent) {
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kDefault, true, true), IsEmpty());
}

TEST(Lre302ClosurePathMissing, LeakSaysWhoRefersToIt) {
  for (const ClosureKind kind : {ClosureKind::kNamed, ClosureKind::kDefault}) {
    SubjectBuilder subject;
    subject.Edit().closure_kind = kind;
    subject.StorePath(kMake, true, true);
    LinkedStorePath& missing = subject.StorePath(kZlib, false, true);
    missing.recorded_hash = "sha256:00";
    missing.referrers = {kMake};
    const std::vector<Finding> findings = subject.Judged();
    ASSERT_THAT(Leaks(findings),
                ElementsAre(Leak{"LRE302", kZlib, "sha256:00", Finding::ERROR, 0, 0, ""}));
    EXPECT_THAT(findings[0].message(), HasSubstr(kMake + " refers to it"));
  }
}

TEST(Lre302ClosurePathMissing, PresentIsInnocent) {
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kNamed, true, true), IsEmpty());
  EXPECT_THAT(JudgeUnderClosure(ClosureKind::kDerived, false, true), IsEmpty());
}

// An image whose registry does not answer lacks nothing that anybody knows of.
TEST(Lre302ClosurePathMissing, OfWhatWasNotReadNothingIsKnown) {
  SubjectBuilder subject;
  subject.Edit().closure_kind = ClosureKind::kNamed;
  subject.StorePath(kZlib, false, true);
  subject.Problem(LinkedProblem::Kind::kUnreadable, "docker://h/x", "no answer");
  EXPECT_THAT(Leaks(subject.Judged()),
              testing::Not(testing::Contains(testing::Field(&Leak::rule, "LRE302"))));
}

TEST(Lre303ReferenceDangling, Leak) {
  SubjectBuilder subject;
  subject.File(kMake + "/share/x").RefersTo(kZlib, true).RefersTo(kGone, false);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE303", kMake + "/share/x", kGone, Finding::ERROR, 0x40}));
  EXPECT_EQ(findings[0].evidence(), "at 0x40: " + kGone);
}

TEST(Lre303ReferenceDangling, PresentIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/share/x").RefersTo(kZlib, true);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre304ReferenceUndeclared, Leak) {
  SubjectBuilder subject;
  LinkedStorePath& package = subject.StorePath(kMake, true, true);
  package.undeclared = {kZlib};
  package.undeclared_by = {kMake + "/bin/make"};
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE304", kMake + "/bin/make", kZlib, Finding::WARNING}));
}

TEST(Lre304ReferenceUndeclared, WithoutAFileThePackageIsNamed) {
  SubjectBuilder subject;
  subject.StorePath(kMake, true, true).undeclared = {kZlib};
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE304", kMake, kZlib, Finding::WARNING}));
}

TEST(Lre304ReferenceUndeclared, DeclaredIsInnocent) {
  SubjectBuilder subject;
  subject.StorePath(kMake, true, true);
  subject.StorePath(kZlib, true, true).referrers = {kMake};
  subject.File(kMake + "/bin/make").RefersTo(kZlib, true);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre305NarHashMismatch, Leak) {
  SubjectBuilder subject;
  LinkedStorePath& path = subject.StorePath(kMake, true, true);
  path.nar_hash = "sha256:11";
  path.recorded_hash = "sha256:22";
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(Leak{"LRE305", kMake, "sha256:22"}));
  EXPECT_EQ(findings[0].evidence(), "NAR hash sha256:11, recorded sha256:22");
}

TEST(Lre305NarHashMismatch, EqualOrUnknownIsInnocent) {
  SubjectBuilder subject;
  LinkedStorePath& equal = subject.StorePath(kMake, true, true);
  equal.nar_hash = equal.recorded_hash = "sha256:11";
  subject.StorePath(kZlib, true, true).nar_hash = "sha256:11";  // a list of paths records none
  subject.StorePath(kGlibc, true, true).recorded_hash = "sha256:11";  // not computed
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre308SignatureInvalid, Leak) {
  SubjectBuilder subject;
  LinkedStorePath& path = subject.StorePath(kMake, true, true);
  path.recorded_hash = path.nar_hash = "sha256:11";
  const std::string fault = "the signature by k-1 is not of what is recorded: 1;...";
  path.record_faults = {fault};
  subject.StorePath(kZlib, true, true).recorded_hash = "sha256:22";  // the same, without a fault
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(Leak{"LRE308", kMake, "sha256:11"}));
  EXPECT_EQ(findings[0].evidence(), fault);
}

HiddenReference Hidden(const std::string& path, const std::string& container, bool utf16) {
  HiddenReference reference;
  reference.set_base_name(path.substr(kStore.size() + 1));
  reference.set_container(container);
  reference.set_utf16(utf16);
  reference.set_offset(0x40);
  return reference;
}

TEST(Lre306ReferenceHidden, Leak) {
  SubjectBuilder subject;
  subject.File(kMake + "/share/x.jar").Hides(Hidden(kGone, "zip member a/b", false), true);
  subject.File(kMake + "/share/y").Hides(Hidden(kGone, "", true), true, /*in_tree=*/true);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE306", kMake + "/share/x.jar", kGone, Finding::WARNING},
                          Leak{"LRE306", kMake + "/share/y", kGone, Finding::WARNING, 0x40}));
  EXPECT_EQ(findings[0].evidence(), "in zip member a/b, at 0x40: " + kGone);
  EXPECT_EQ(findings[1].evidence(), "UTF-16 text at 0x40: " + kGone);
  EXPECT_EQ(findings[0].notes_size(), 0);
  EXPECT_THAT(findings[1].notes(), ElementsAre("the image holds the path, its closure does not"));
}

TEST(Lre306ReferenceHidden, WhatLeadsIntoTheClosureIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/share/x.jar").Hides(Hidden(kZlib, "zip member a/b", false), false);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre306ReferenceHidden, WhatTheFileShowsAsWellIsToldOnce) {
  SubjectBuilder subject;
  subject.File(kMake + "/share/x").RefersTo(kGone, false).Hides(Hidden(kGone, "", true), true);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE303", kMake + "/share/x", kGone, Finding::ERROR, 0x40}));
}

TEST(Lre307StoreEntryInvalid, LeakIsToldOnce) {
  const std::string entry = kStore + "/tmp-1234-0";
  SubjectBuilder subject;
  subject.Edit().invalid_entries = {{entry, "temporary path of a build", "layer 3"}};
  // Its files are in no store path, and yet not outside the store.
  SubjectBuilder with_file;
  with_file.Edit().invalid_entries = subject.Edit().invalid_entries;
  Subject judged = with_file.Build();
  FileFacts facts;
  facts.set_path(entry + "/bin/x");
  facts.set_type(FileFacts::REGULAR);
  facts.set_mode(0755);
  judged.files.emplace_back().facts = &facts;
  EXPECT_THAT(Leaks(Judge(judged)), ElementsAre(Leak{"LRE307", entry, ""}));
}

TEST(Lre307StoreEntryInvalid, EmptyLinksDirectoryIsInnocent) {
  SubjectBuilder subject;
  subject.File(kStore).Directory();
  Subject judged = subject.Build();
  FileFacts facts;
  facts.set_path(kStore + "/.links");
  facts.set_type(FileFacts::DIRECTORY);
  facts.set_mode(0755);
  judged.files.emplace_back().facts = &facts;
  EXPECT_THAT(Leaks(Judge(judged)), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
