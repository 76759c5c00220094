#include "audit/commands/rule_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "rules/rule.h"

namespace lre_audit {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Ran {
  int exit_code;
  std::string out, err;
};

Ran RunWith(const char* rule, const char* format = "text") {
  RuleOptions options;
  options.rule = rule;
  options.format = format;
  std::ostringstream out, err;
  const int exit_code = RunRule(options, out, err);
  return {exit_code, out.str(), err.str()};
}

TEST(RunRule, ListsEveryRuleAligned) {
  const Ran ran = RunWith("");
  EXPECT_EQ(ran.exit_code, 0);
  std::istringstream lines(ran.out);
  size_t severity_column = std::string::npos;
  for (const Rule& rule : AllRules()) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << rule.code;
    EXPECT_THAT(line, StartsWith(std::string(rule.code) + "  " + rule.name + " "));
    EXPECT_TRUE(line.ends_with(std::string("  ") + rule.summary)) << line;
    // The severity's column, behind the widest name, is the same everywhere.
    const size_t column = line.find_first_not_of(' ', line.find(' ', 8));
    if (severity_column == std::string::npos) severity_column = column;
    EXPECT_EQ(column, severity_column) << line;
  }
  std::string rest;
  EXPECT_FALSE(std::getline(lines, rest)) << rest;
}

TEST(RunRule, PrintsThePageByCodeOrName) {
  const Ran by_code = RunWith("LRE101");
  EXPECT_EQ(by_code.exit_code, 0);
  EXPECT_THAT(by_code.out, StartsWith("LRE101  interpreter-outside-store  (error)\n\n"));
  EXPECT_THAT(by_code.out, HasSubstr(FindRule("LRE101")->page));
  EXPECT_EQ(RunWith("interpreter-outside-store").out, by_code.out);
}

TEST(RunRule, WritesJson) {
  const nlohmann::json all = nlohmann::json::parse(RunWith("", "json").out);
  ASSERT_EQ(all.size(), AllRules().size());
  const nlohmann::json one = nlohmann::json::parse(RunWith("LRE101", "json").out);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0]["code"], "LRE101");
  EXPECT_EQ(one[0]["name"], "interpreter-outside-store");
  EXPECT_EQ(one[0]["severity"], "ERROR");
  EXPECT_EQ(one[0]["summary"], FindRule("LRE101")->summary);
  EXPECT_EQ(one[0]["page"], FindRule("LRE101")->page);
  EXPECT_THAT(all, ::testing::Contains(one[0]));
}

TEST(RunRule, SuggestsTheRuleThatWasMeant) {
  const Ran ran = RunWith("interpreter-outside-stor\x1b");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "error: unknown rule 'interpreter-outside-stor\\x1b'; did you mean "
            "'interpreter-outside-store'? ('lre-audit rule' lists all)\n");
  EXPECT_EQ(RunWith("frobnicate").err,
            "error: unknown rule 'frobnicate' ('lre-audit rule' lists all)\n");
}

}  // namespace
}  // namespace lre_audit
