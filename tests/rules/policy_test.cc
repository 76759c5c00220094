// Policies: what they allow, what they lower, and what they refuse to be.
#include "rules/policy.h"

#include <google/protobuf/text_format.h>

#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Policy Parsed(const std::string& text) {
  Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  return policy;
}

// Noon of the last day of January.
const absl::Time kNow = absl::FromCivil(absl::CivilHour(2027, 1, 31, 12), absl::UTCTimeZone());

std::string CompileError(const std::string& text) {
  const absl::StatusOr<CompiledPolicy> policy = CompiledPolicy::Compile(Parsed(text), kNow);
  if (policy.ok()) return "";
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(policy.status().message());
}

// One program with one leak: /usr/lib in RUNPATH, or what is given.
std::vector<Finding> UnderPolicy(const std::string& text, const std::string& element = "/usr/lib",
                                 const std::string& package = kMake) {
  SubjectBuilder subject;
  subject.File(package + "/bin/x").Program().RunPath(element, Outside(element));
  std::vector<Finding> findings = subject.Judged();
  absl::StatusOr<CompiledPolicy> policy = CompiledPolicy::Compile(Parsed(text), kNow);
  EXPECT_TRUE(policy.ok()) << policy.status();
  if (policy.ok()) policy->Apply(findings);
  return findings;
}

TEST(DefaultPolicy, ParsesAndCompilesAndGivesReasons) {
  const Policy policy = Parsed(std::string(DefaultPolicyText()));
  EXPECT_GT(policy.exception_size(), 10);
  EXPECT_TRUE(CompiledPolicy::Compile(policy, kNow).ok());
  // It excuses; it suppresses nothing and changes no rule as a whole.
  EXPECT_EQ(policy.suppress_size(), 0);
  EXPECT_EQ(policy.severity_size(), 0);
  // Every entry is about named rules: none could hide a rule that is added later.
  for (const Exception& exception : policy.exception()) EXPECT_GT(exception.rule_size(), 0);
}

TEST(DefaultPolicy, GraphicsDriverIsAllowedButNotInCompilers) {
  const std::string driver = "/run/opengl-driver/lib";
  EXPECT_THAT(Leaks(UnderPolicy("", driver)), IsEmpty());
  for (const std::string name : {"gcc-12.3.0", "clang-16.0.6", "rustc-1.80.0", "llvm-16.0.6-lib",
                                 "x86_64-unknown-linux-gnu-gcc-12"}) {
    const std::string package = kStore + "/9zk1k9c8g5n2xq7rwvyzb3dfhjlp4s6a-" + name;
    EXPECT_THAT(Leaks(UnderPolicy("", driver, package)),
                ElementsAre(Leak{"LRE103", package + "/bin/x", driver, Finding::WARNING, 0x318}));
  }
  // Nothing near it is allowed.
  EXPECT_THAT(Leaks(UnderPolicy("", "/run/opengl-drivers/lib")),
              ElementsAre(Leak{"LRE103", kMake + "/bin/x", "/run/opengl-drivers/lib",
                               Finding::ERROR, 0x318}));
}

TEST(Policy, ExceptionAllowsOrSetsSeverity) {
  EXPECT_THAT(UnderPolicy(R"(exception { referenced: "/usr/.*" reason: "r" })"), IsEmpty());
  EXPECT_THAT(UnderPolicy(R"(exception { path: ".*/bin/x" reason: "r" })"), IsEmpty());
  EXPECT_THAT(Leaks(UnderPolicy(
                  R"(exception { rule: "search-path-outside-store" severity: NOTE reason: "r" })")),
              ElementsAre(Leak{"LRE103", kMake + "/bin/x", "/usr/lib", Finding::NOTE, 0x318}));
}

TEST(Policy, EveryFieldOfAnExceptionHasToMatchTheWholeText) {
  for (const std::string exception :
       {R"(rule: "LRE104" referenced: "/usr/lib")", R"(referenced: "/usr")",
        R"(referenced: "usr/lib")", R"(referenced: "/usr/lib" path: "/bin/x")"}) {
    EXPECT_THAT(Leaks(UnderPolicy("exception { " + exception + R"( reason: "r" })")),
                ElementsAre(Leak{"LRE103", kMake + "/bin/x", "/usr/lib", Finding::ERROR, 0x318}))
        << exception;
  }
}

TEST(Policy, FirstExceptionDecidesAndTheUsersComeFirst) {
  EXPECT_THAT(Leaks(UnderPolicy(R"(
                exception { rule: "LRE103" severity: WARNING reason: "first" }
                exception { rule: "LRE103" reason: "second" })")),
              ElementsAre(Leak{"LRE103", kMake + "/bin/x", "/usr/lib", Finding::WARNING, 0x318}));
  EXPECT_THAT(Leaks(UnderPolicy(R"(exception {
                rule: "LRE103" referenced: "/run/.*" severity: ERROR reason: "we have no GPU" })",
                                "/run/opengl-driver/lib")),
              ElementsAre(Leak{"LRE103", kMake + "/bin/x", "/run/opengl-driver/lib", Finding::ERROR,
                               0x318}));
}

TEST(Policy, AtMostLowersAndNeverRaises) {
  EXPECT_EQ(
      UnderPolicy(R"(exception { rule: "LRE103" at_most: WARNING reason: "r" })")[0].severity(),
      Finding::WARNING);
  EXPECT_EQ(UnderPolicy(R"(severity { rule: "LRE103" severity: NOTE }
                           exception { rule: "LRE103" at_most: WARNING reason: "r" })")[0]
                .severity(),
            Finding::NOTE);
}

TEST(Policy, UpToLooksAtWhatTheRuleSaid) {
  const std::string exception = R"(exception { rule: "LRE103" up_to: WARNING reason: "r" })";
  EXPECT_THAT(UnderPolicy(exception), testing::SizeIs(1));
  EXPECT_THAT(UnderPolicy(exception + R"( severity { rule: "LRE103" severity: NOTE })"),
              testing::SizeIs(1));
  EXPECT_THAT(UnderPolicy(R"(exception { rule: "LRE103" up_to: ERROR reason: "r" })"), IsEmpty());
}

TEST(Policy, SeverityOverrideAndOrder) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/x")
      .Program()
      .RunPath("/usr/lib", Outside("/usr/lib"))
      .RunPath("", Relative(""));
  std::vector<Finding> findings = subject.Judged();
  CompiledPolicy::Compile(Parsed(R"(severity { rule: "LRE103" severity: NOTE })"), kNow)
      ->Apply(findings);
  EXPECT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE104", kMake + "/bin/x", "", Finding::ERROR, 0x318},
                          Leak{"LRE103", kMake + "/bin/x", "/usr/lib", Finding::NOTE, 0x318}));
}

TEST(Policy, SuppressionKeepsTheFinding) {
  const std::vector<Finding> findings = UnderPolicy(
      R"(suppress { rule: "LRE103" path: ".*-make-4.3/.*" reason: "issue 7" owner: "build" })");
  ASSERT_EQ(findings.size(), 1);
  EXPECT_TRUE(findings[0].suppressed());
  EXPECT_EQ(findings[0].severity(), Finding::ERROR);
  EXPECT_FALSE(UnderPolicy(R"(suppress {
      rule: "LRE103" referenced: "/lib" reason: "issue 7" owner: "build" })")[0]
                   .suppressed());
}

TEST(Policy, PatternsMatchBytes) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/\xff\xfe").RunPath("/usr/lib", Outside("/usr/lib"));
  std::vector<Finding> findings = subject.Judged();
  CompiledPolicy::Compile(Parsed(R"(exception { path: ".*/bin/.." reason: "r" })"), kNow)
      ->Apply(findings);
  EXPECT_THAT(findings, IsEmpty());
}

TEST(Policy, PathsMatchFromThePolicysDirectoryToo) {
  PolicyLocations locations;
  const absl::StatusOr<Policy> policy = ParsePolicy(
      R"(suppress { rule: "LRE501" path: "cc/BUILD" reason: "r" owner: "o" }
         exception { path: "cc/x.bzl" reason: "r" })",
      "../repository/lre-audit.textproto", &locations);
  ASSERT_TRUE(policy.ok()) << policy.status();
  std::vector<Finding> findings(4);
  for (Finding& finding : findings) finding.set_rule("LRE501");
  findings[0].set_path("../repository/cc/BUILD");
  findings[1].set_path("../repository/cc/x.bzl");
  findings[2].set_path("../other/cc/BUILD");
  findings[3].set_path("cc/BUILD");
  const auto compiled = CompiledPolicy::Compile(*policy, absl::UnixEpoch(), locations);
  EXPECT_THAT(compiled->Apply(findings), IsEmpty());
  std::vector<std::pair<std::string, bool>> left;
  for (const Finding& finding : findings) left.emplace_back(finding.path(), finding.suppressed());
  EXPECT_THAT(left, UnorderedElementsAre(Pair("../repository/cc/BUILD", true),
                                         Pair("../other/cc/BUILD", false), Pair("cc/BUILD", true)));
}

TEST(Policy, NoPolicyMakesAnIncompleteAuditComplete) {
  SubjectBuilder subject;
  subject.Problem(LinkedProblem::Kind::kUnreadable, "layer 2", "ends early");
  std::vector<Finding> findings = subject.Judged();
  CompiledPolicy::Compile(Parsed(R"(exception { path: ".*" reason: "quiet" })"), kNow)
      ->Apply(findings);
  EXPECT_EQ(findings.size(), 1);
  EXPECT_THAT(CompileError(R"(exception { rule: "LRE901" reason: "r" })"),
              HasSubstr("no policy can change that"));
  EXPECT_THAT(CompileError(R"(severity { rule: "limit-reached" severity: NOTE })"),
              HasSubstr("no policy can change that"));
}

TEST(Policy, ErrorsNameTheEntryAndTheField) {
  const struct {
    std::string policy, error;
  } cases[] = {
      {R"(exception { rule: "LRE103" })", "policy: exception 1: reason is required"},
      {R"(exception { reason: "all" })",
       "policy: exception 1: set at least one of rule, referenced and path"},
      {R"(exception { rule: "LRE103" severity: NOTE at_most: NOTE reason: "r" })",
       "policy: exception 1: set severity or at_most, not both"},
      {R"(exception { rule: "LRE103" reason: "r" } exception { path: "a(" reason: "r" })",
       "policy: exception 2.path: bad pattern 'a(': missing ): a("},
      {R"(exception { referenced: "[" reason: "r" })",
       "policy: exception 1.referenced: bad pattern '[': missing ]: ["},
      {R"(exception { rule: "LRE1O3" reason: "r" })",
       "policy: exception 1.rule: there is no rule 'LRE1O3'; did you mean 'LRE103'?"},
      {R"(severity { rule: "two-libc" severity: NOTE })",
       "policy: severity 1.rule: there is no rule 'two-libc'; did you mean 'two-libcs'?"},
      {R"(severity { rule: "LRE103" })",
       "policy: severity 1: severity is required: NOTE, WARNING or ERROR"},
      {R"(severity { severity: NOTE })", "policy: severity 1: rule is required"},
      {R"(suppress { rule: "LRE103" owner: "o" })", "policy: suppress 1: reason is required"},
      {R"(suppress { rule: "LRE103" reason: "r" })", "policy: suppress 1: owner is required"},
      {R"(suppress { reason: "r" owner: "o" })", "policy: suppress 1: rule is required"},
      {R"(suppress { rule: "LRE903" reason: "r" owner: "o" })",
       "policy: suppress 1.rule: LRE903 is about the policy itself: change the suppression that it "
       "names"},
      {R"(severity { rule: "LRE103" severity: 7 })",
       "policy: severity 1.severity: 7 is no severity; expected NOTE, WARNING or ERROR"},
      {"fail_on: 9", "policy: fail_on: 9 is no severity; expected NOTE, WARNING or ERROR"},
      {R"(image { platform: "linux/amd64" })", "policy: image 1: reference is required"},
      {"toolchain {}", "policy: toolchain 1: directory is required"},
      {R"(image { reference: "oci:lre-cc" } toolchain { directory: "d" image: "oci:lre-c" })",
       "policy: toolchain 1.image: no image entry has the reference 'oci:lre-c'; did you mean "
       "'oci:lre-cc'?"},
      {R"(environment { value: "x" })", "policy: environment 1: name is required"},
  };
  for (const auto& c : cases) EXPECT_EQ(CompileError(c.policy), c.error) << c.policy;
}

TEST(Policy, AllErrorsAreToldOneInALine) {
  EXPECT_EQ(CompileError(R"(exception { rule: "LRE1O3" path: "a(" } severity { rule: "x" })"),
            "policy: exception 1: reason is required\n"
            "policy: exception 1.rule: there is no rule 'LRE1O3'; did you mean 'LRE103'?\n"
            "policy: exception 1.path: bad pattern 'a(': missing ): a(\n"
            "policy: severity 1: severity is required: NOTE, WARNING or ERROR\n"
            "policy: severity 1.rule: there is no rule 'x'");
}

TEST(Policy, DaysAreWrittenInOneWay) {
  for (const std::string day : {"2027-02-29", "2027-1-31", "31.1.2027", "2027-01-31 ", "2027-13-01",
                                "tomorrow", "27-01-31", "2027-01-31T00:00:00Z"}) {
    EXPECT_EQ(CompileError(R"(suppress { rule: "LRE103" reason: "r" owner: "o" expires: ")" + day +
                           R"(" })"),
              "policy: suppress 1.expires: '" + day +
                  "' is no date; expected the last day it holds, such as 2027-01-31");
  }
}

TEST(Policy, PatternsThatWouldTakeTooMuchMemoryAreRefused) {
  EXPECT_THAT(CompileError(R"(exception { path: "((a{100}){100}){100}" reason: "r" })"),
              HasSubstr("policy: exception 1.path: bad pattern"));
}

}  // namespace
}  // namespace lre_audit
