#include "reports/explanation_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace lre_audit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const KeyCause& cause) {
  Finding finding;
  *finding.mutable_key_cause() = cause;
  std::ostringstream out;
  WriteKeyCause(finding, {}, out);
  return out.str();
}

std::string Text(const Explanation& explanation) {
  Report report;
  *report.mutable_explanation() = explanation;
  std::ostringstream out;
  WriteExplanation(report, {}, out);
  return out.str();
}

TEST(KeyCauseText, TellsNoneFromEmpty) {
  KeyCause cause;
  cause.set_remote("");
  EXPECT_THAT(Text(cause), HasSubstr("local:  (none)\n"));
  EXPECT_THAT(Text(cause), HasSubstr("remote: (empty)\n"));
}

TEST(KeyCauseText, CutsLongValues) {
  KeyCause cause;
  const std::string same(5000, 'a');
  cause.set_local(same + "b" + same);
  cause.set_remote(same + "c" + same);
  EXPECT_THAT(Text(cause), HasSubstr("local:  ..." + std::string(60, 'a') + "b" +
                                     std::string(60, 'a') + "...\n"));
  // What differs throughout is not shown throughout, nor cut within a character.
  std::string umlauts = "x";
  for (int i = 0; i < 5000; ++i) umlauts += "\u00e4";
  cause.set_local(umlauts);
  cause.set_remote(std::string(20000, 'b'));
  const std::string text = Text(cause);
  EXPECT_LT(text.size(), 3000u);
  EXPECT_THAT(text, HasSubstr("\u00e4... (10,001 bytes)\n"));
  EXPECT_THAT(text, HasSubstr("b... (20,000 bytes)\n"));
}

TEST(KeyCauseText, SaysWhatOneCauseAloneCosts) {
  KeyCause cause;
  cause.set_local_key("a/1");
  cause.set_remote_key("b/1");
  cause.set_actions(12);
  cause.set_direct_actions(12);
  cause.set_actions_alone(12);
  EXPECT_THAT(Text(cause), HasSubstr("actions: 12 actions have another key because of it\n"));
  cause.set_actions_alone(11);
  EXPECT_THAT(Text(cause), HasSubstr("because of it; 1 of them because of other causes too\n"));
  cause.set_actions_alone(2);
  EXPECT_THAT(Text(cause), HasSubstr("because of it; 10 of them because of other causes too\n"));
  cause.set_actions_alone(0);
  EXPECT_THAT(Text(cause), HasSubstr("because of it, and of other causes too\n"));
}

TEST(ExplanationText, OffersACacheWhereThereIsNone) {
  Explanation explanation;
  explanation.set_paired(2);
  EXPECT_THAT(Text(explanation), HasSubstr("(--cache DIR or a gRPC log verifies"));
  explanation.add_caches("grpc://cache:9092");
  EXPECT_THAT(Text(explanation), Not(HasSubstr("--cache")));
  EXPECT_THAT(Text(explanation), HasSubstr("no cache that answers has one of them"));
  explanation.set_verified(1);
  EXPECT_THAT(Text(explanation), HasSubstr("1 of 2 pairs of keys are verified to be Bazel's\n"));
}

TEST(ExplanationText, SaysWhichLogDoesNotHaveAnAction) {
  Explanation explanation;
  ExplainedAction& action = *explanation.add_actions();
  action.set_mnemonic("CppCompile");
  KeyComponent& argument = *action.add_components();
  argument.set_name("argument 0");
  argument.set_local("gcc");
  EXPECT_THAT(Text(explanation), HasSubstr("local key: not known\n"));
  EXPECT_THAT(Text(explanation), HasSubstr("remote key: none, for its log does not have"));
  EXPECT_THAT(Text(explanation), HasSubstr("    argument 0: gcc\n"));
}

}  // namespace
}  // namespace lre_audit
