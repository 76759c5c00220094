// Suppressions and their end: what the policy says of itself.
#include "rules/policy.h"
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Two programs with /usr/lib in RUNPATH, under a policy, and what is said of the policy.
struct Outcome {
  std::vector<Finding> findings, about_policy;

  size_t Suppressed() const {
    return std::count_if(findings.begin(), findings.end(),
                         [](const Finding& finding) { return finding.suppressed(); });
  }
};

absl::Time At(int year, int month, int day, int hour, int minute, int second) {
  return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second),
                         absl::UTCTimeZone());
}

Outcome Under(const std::string& text, absl::Time now) {
  Outcome outcome;
  SubjectBuilder subject;
  for (const std::string& package : {kMake, kZlib}) {
    subject.File(package + "/bin/x").Program().RunPath("/usr/lib", Outside("/usr/lib"));
  }
  outcome.findings = subject.Judged();
  PolicyLocations locations;
  const absl::StatusOr<Policy> policy = ParsePolicy(text, "lre-audit.textproto", &locations);
  EXPECT_TRUE(policy.ok()) << policy.status();
  if (!policy.ok()) return outcome;
  outcome.about_policy = CompiledPolicy::Compile(*policy, now, locations)->Apply(outcome.findings);
  return outcome;
}

const std::string kUntilJanuary = R"(
suppress {
  rule: "LRE103"
  path: ".*-make-4.3/.*"
  reason: "waits for issue 7"
  owner: "build-team"
  expires: "2027-01-31"
}
)";

TEST(Lre904SuppressionExpired, HoldsToTheEndOfItsLastDay) {
  const Outcome outcome = Under(kUntilJanuary, At(2027, 1, 31, 23, 59, 59));
  EXPECT_EQ(outcome.Suppressed(), 1);
  EXPECT_THAT(outcome.about_policy, IsEmpty());
}

TEST(Lre904SuppressionExpired, LeakCountsAgain) {
  const Outcome outcome = Under(kUntilJanuary, At(2027, 2, 1, 0, 0, 0));
  EXPECT_THAT(outcome.findings, SizeIs(2));
  EXPECT_EQ(outcome.Suppressed(), 0);
  ASSERT_THAT(Leaks(outcome.about_policy),
              ElementsAre(Leak{"LRE904", "lre-audit.textproto", "LRE103, path \".*-make-4.3/.*\"",
                               Finding::ERROR, 0, 2, ""}));
  const Finding& finding = outcome.about_policy[0];
  EXPECT_EQ(finding.message(),
            "the suppression by build-team ended on 2027-01-31, and 1 finding that it hid counts "
            "again");
  EXPECT_EQ(finding.location().column(), 1);
  EXPECT_THAT(finding.notes(),
              ElementsAre("its owner is build-team, its reason was: waits for issue 7"));
}

TEST(Lre904SuppressionExpired, WhatAnotherSuppressionHidesIsNotCounted) {
  const Outcome outcome = Under(
      kUntilJanuary + R"(suppress { rule: "LRE103" path: ".*/bin/x" reason: "r" owner: "o" })",
      At(2028, 1, 1, 0, 0, 0));
  EXPECT_EQ(outcome.Suppressed(), 2);
  ASSERT_THAT(outcome.about_policy, SizeIs(1));
  EXPECT_EQ(outcome.about_policy[0].message(),
            "the suppression by build-team ended on 2027-01-31, and it matches nothing any more");
}

TEST(Lre904SuppressionExpired, FingerprintKnowsNoLine) {
  const absl::Time later = At(2028, 1, 1, 0, 0, 0);
  const Outcome here = Under(kUntilJanuary, later);
  const Outcome there = Under("# moved\n\n" + kUntilJanuary, later);
  ASSERT_THAT(here.about_policy, SizeIs(1));
  ASSERT_THAT(there.about_policy, SizeIs(1));
  EXPECT_THAT(here.about_policy[0].fingerprint(), testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(here.about_policy[0].fingerprint(), there.about_policy[0].fingerprint());
  EXPECT_NE(here.about_policy[0].location().line(), there.about_policy[0].location().line());
}

const std::string kNothingMatches = R"(suppress {
  rule: "search-path-outside-store" referenced: "/opt/.*" reason: "r" owner: "o" })";

TEST(Lre903SuppressionUnused, Leak) {
  const Outcome outcome = Under(kNothingMatches, absl::UnixEpoch());
  EXPECT_EQ(outcome.Suppressed(), 0);
  EXPECT_THAT(Leaks(outcome.about_policy),
              ElementsAre(Leak{"LRE903", "lre-audit.textproto", "LRE103, referenced \"/opt/.*\"",
                               Finding::WARNING, 0, 1, ""}));
}

TEST(Lre903SuppressionUnused, UsedIsInnocentEvenBesideAnother) {
  const std::string used = R"(suppress { rule: "LRE103" path: ".*/x" reason: "r" owner: "o" })";
  const Outcome outcome = Under(used + "\n" + used, absl::UnixEpoch());
  EXPECT_EQ(outcome.Suppressed(), 2);
  EXPECT_THAT(outcome.about_policy, IsEmpty());
}

TEST(Lre903SuppressionUnused, ExceptionThatAllowsNothingIsNoConcern) {
  EXPECT_THAT(Under(R"(exception { rule: "LRE104" reason: "r" })", absl::UnixEpoch()).about_policy,
              IsEmpty());
}

TEST(Lre903SuppressionUnused, SeverityIsThePolicys) {
  const Outcome outcome =
      Under(R"(severity { rule: "LRE903" severity: ERROR } )" + kNothingMatches, absl::UnixEpoch());
  ASSERT_THAT(outcome.about_policy, SizeIs(1));
  EXPECT_EQ(outcome.about_policy[0].severity(), Finding::ERROR);
}

}  // namespace
}  // namespace lre_audit
