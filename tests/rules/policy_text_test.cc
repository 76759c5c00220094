// Policy files: what they say, and where they are wrong.
#include <random>

#include "rules/policy.h"
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

std::string ParseError(const std::string& text) {
  const absl::StatusOr<Policy> policy = ParsePolicy(text, "p.textproto");
  if (policy.ok()) return "";
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(policy.status().message());
}

TEST(ParsePolicy, ReadsEveryField) {
  const absl::StatusOr<Policy> policy = ParsePolicy(R"(# a whole one
image { reference: "oci:worker:latest" platform: "linux/amd64" closure: "closure.json" }
toolchain { directory: "generated-cc" image: "oci:worker:latest" }
store { path: "/nix/store/x" root: "/mnt" }
local: "store:"
bazelrc: "lre.bazelrc" bazelrc: ".bazelrc"
module: "MODULE.bazel"
flake_lock: "flake.lock"
worker: "worker.json5"
manifest: ["a.yaml", "b.yaml"]
environment { name: "NATIVELINK_WORKER_PLATFORM" value: "docker://lre-cc:x" }
fail_on: WARNING
exception { rule: "LRE103" path: "tab	in it" reason: "r" }
severity { rule: "LRE207" severity: ERROR }
suppress { rule: "LRE103" reason: "r" owner: "o" expires: "2027-01-31" }
)",
                                                    "p.textproto");
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->image(0).closure(), "closure.json");
  EXPECT_EQ(policy->toolchain(0).image(0), "oci:worker:latest");
  EXPECT_EQ(policy->bazelrc_size(), 2);
  EXPECT_EQ(policy->manifest_size(), 2);
  EXPECT_EQ(policy->fail_on(), Finding::WARNING);
  EXPECT_EQ(policy->exception(0).path(), "tab\tin it");
  EXPECT_EQ(policy->suppress(0).expires(), "2027-01-31");
  EXPECT_TRUE(ParsePolicy("", "p.textproto").ok());
  EXPECT_TRUE(ParsePolicy(DefaultPolicyText(), "p.textproto").ok());
}

TEST(ParsePolicy, ErrorsCarryFileLineAndColumn) {
  const struct {
    std::string text, error;
  } cases[] = {
      {"\n  supress { rule: \"x\" }",
       "p.textproto:2:3: unknown field 'supress'; did you mean 'suppress'?"},
      {"image {\n\treference: \"a\"\n\tplatfrom: \"b\"\n}",
       "p.textproto:3:2: unknown field 'platfrom'; did you mean 'platform'?"},
      {"zzzzzz: 1", "p.textproto:1:1: unknown field 'zzzzzz'"},
      // The name stands in a comment too, and more than once.
      {"# supress\nfail_on: NOTE # supress\nsupress { }",
       "p.textproto:3:1: unknown field 'supress'; did you mean 'suppress'?"},
      {"fail_on:\n  FATAL",
       "p.textproto:2:3: unknown value 'FATAL' of field 'fail_on'; expected NOTE, WARNING or "
       "ERROR"},
      {"fail_on: 9", "p.textproto:1:1: 9 is no severity; expected NOTE, WARNING or ERROR"},
      {"suppress {\n  rule: \"LRE103\"\n  reason: \"r\"\n  owner: \"o\"\n  expires: \"soon\"\n}",
       "p.textproto:5:3: 'soon' is no date; expected the last day it holds, such as 2027-01-31"},
      {"exception {\n  rule: \"LRE103\"\n  rule: \"LRE1O4\"\n  reason: \"r\"\n}",
       "p.textproto:3:3: there is no rule 'LRE1O4'; did you mean 'LRE104'?"},
      {"exception {\n  rule: [\"LRE103\", \"LRE1O4\"]\n  reason: \"r\"\n}",
       "p.textproto:2:3: there is no rule 'LRE1O4'; did you mean 'LRE104'?"},
      {"\nexception {\n  path: \"(\"\n  reason: \"r\"\n}",
       "p.textproto:3:3: bad pattern '(': missing ): ("},
      {"\n\n  exception { path: \"x\" }", "p.textproto:3:3: reason is required"},
      {"image { reference: \"a\" }\ntoolchain {\n  directory: \"d\"\n  image: \"b\"\n}",
       "p.textproto:4:3: no image entry has the reference 'b'; did you mean 'a'?"},
      {"local: 5", "p.textproto:1:8: expected string, got: 5"},
      {"local: \"a\"\nlocal: \"b\"",
       "p.textproto:2:6: non-repeated field \"local\" is specified multiple times"},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseError(c.text), c.error) << c.text;
}

TEST(ParsePolicy, TellsAllThatIsWrong) {
  EXPECT_EQ(ParseError(R"(imgae { reference: "a" }
severity { rule: "LRE103" severity: FATAL }
toolchain { directry: "d" }
local: 7
store { path "x" }
fail_on: ERROR
worker = "x"
module: "MODULE.bazel"
)"),
            "p.textproto:1:1: unknown field 'imgae'; did you mean 'image'?\n"
            "p.textproto:2:37: unknown value 'FATAL' of field 'severity'; expected NOTE, WARNING "
            "or ERROR\n"
            "p.textproto:3:13: unknown field 'directry'; did you mean 'directory'?\n"
            "p.textproto:4:8: expected string, got: 7\n"
            "p.textproto:5:14: expected \":\", found \"\"x\"\"\n"
            "p.textproto:7:8: expected \":\", found \"=\"");
}

TEST(ParsePolicy, EndsOnAnyText) {
  const std::string whole(DefaultPolicyText());
  for (size_t size = 0; size < 2000; size += 7) {
    if (const std::string error = ParseError(whole.substr(0, size)); !error.empty()) {
      EXPECT_TRUE(error.starts_with("p.textproto:")) << error;
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string text = whole.substr(0, 1500);
    for (int k = 0; k < 4; ++k) text[random() % text.size()] = static_cast<char>(random());
    ParseError(text);
  }
  EXPECT_NE(ParseError(std::string(100000, '{')), "");
  EXPECT_NE(ParseError(std::string("\0\xff", 2)), "");
}

}  // namespace
}  // namespace lre_audit
