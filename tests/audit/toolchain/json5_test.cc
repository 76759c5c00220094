#include "audit/toolchain/json5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tests/audit/toolchain/config_text.h"

namespace lre_audit {
namespace {

using testing::HasSubstr;
using Kind = Json5Value::Kind;

// The error of a text that must have exactly one.
std::string ErrorOf(std::string_view text) {
  const Json5Document document = ParseJson5(text);
  EXPECT_EQ(document.errors.size(), 1U) << text;
  if (document.errors.size() != 1) return "";
  return absl::StrCat(document.errors[0].offset, ": ", document.errors[0].message);
}

TEST(ParseJson5, ReadsTheExampleOfTheSpecification) {
  const Json5Document document = ParseJson5(R"(// comments
{
  unquoted: 'and you can quote me on that',
  singleQuotes: 'I can use "double quotes" here',
  lineBreaks: "Look, Mom! \
No \\n's!",
  hexadecimal: 0xdecaf,
  leadingDecimalPoint: .8675309, andTrailing: 8675309.,
  positiveSign: +1,
  trailingComma: 'in objects', andIn: ['arrays',],
  "backwardsCompatible": "with JSON",
})");
  EXPECT_TRUE(document.errors.empty());
  const auto text = [&](std::string_view name) {
    const Json5Value* member = document.root.Member(name);
    return member == nullptr ? "missing" : member->text;
  };
  EXPECT_EQ(text("unquoted"), "and you can quote me on that");
  EXPECT_EQ(text("singleQuotes"), "I can use \"double quotes\" here");
  EXPECT_EQ(text("lineBreaks"), "Look, Mom! No \\n's!");
  EXPECT_EQ(text("hexadecimal"), "0xdecaf");
  EXPECT_EQ(text("leadingDecimalPoint"), ".8675309");
  EXPECT_EQ(text("andTrailing"), "8675309.");
  EXPECT_EQ(text("positiveSign"), "+1");
  EXPECT_EQ(text("backwardsCompatible"), "with JSON");
  ASSERT_NE(document.root.Member("andIn"), nullptr);
  EXPECT_EQ(document.root.Member("andIn")->items.size(), 1U);
}

TEST(ParseJson5, KnowsWhereAStringBegins) {
  const std::string text = "{a: [1, \"x\", 'y']}";
  const Json5Document document = ParseJson5(text);
  const Json5Value& array = *document.root.Member("a");
  EXPECT_EQ(array.offset, text.find('['));
  EXPECT_EQ(array.items[0].offset, text.find('1'));
  EXPECT_EQ(array.items[1].offset, text.find('x'));
  EXPECT_EQ(array.items[2].offset, text.find('y'));
  EXPECT_EQ(document.root.names[0].offset, text.find('a'));
}

TEST(ParseJson5, ResolvesEscapes) {
  const auto string_of = [](std::string_view text) { return ParseJson5(text).root.text; };
  EXPECT_EQ(string_of(R"("\b\f\n\r\t\v\'\"\\\a\/")"), "\b\f\n\r\t\v'\"\\a/");
  EXPECT_EQ(string_of(R"("\x41\u00e9\uD83D\uDE00")"), "A\u00e9\U0001F600");
  EXPECT_EQ(string_of(R"("\uD83Dx")"), "\uFFFDx");  // half of a pair
  EXPECT_EQ(string_of(R"("a\0b")"), std::string("a\0b", 3));
  EXPECT_EQ(string_of("'a\\\r\nb'"), "ab");
  EXPECT_EQ(string_of("'a\u2028b'"), "a\u2028b");
  const Json5Document named = ParseJson5(R"({\u0061b: 1})");
  EXPECT_NE(named.root.Member("ab"), nullptr);
}

TEST(ParseJson5, TakesEveryKindOfSpace) {
  EXPECT_TRUE(ParseJson5("\uFEFF \t\v\f\u00A0\u3000[\u2028/* a */1\u2029]// end").errors.empty());
}

TEST(ParseJson5, TakesEveryKindOfNumber) {
  for (const char* number : {"0", "-0", "1.5", "-.5e+10", "+2E-3", "5.", "0XaF", "Infinity",
                             "-Infinity", "+NaN", "0.0"}) {
    const Json5Document document = ParseJson5(number);
    EXPECT_TRUE(document.errors.empty()) << number;
    EXPECT_EQ(document.root.kind, Kind::kNumber) << number;
    EXPECT_EQ(document.root.text, number);
  }
  for (const char* bad : {"01", "1e", "0x", ".", "+", "1.2.3", "1_000", "0xg", "--1", "1e5.5"}) {
    EXPECT_EQ(ParseJson5(bad).errors.size(), 1U) << bad;
  }
}

TEST(ParseJson5, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(ErrorOf(""), "0: the end of the text, expected a value");
  EXPECT_EQ(ErrorOf("{a 1}"), "3: '1' after the name \"a\", expected ':'");
  EXPECT_EQ(ErrorOf("{a: 1 b: 2}"),
            "6: 'b' in the object that begins in line 1, expected ',' or '}'");
  EXPECT_EQ(ErrorOf("[1\n2]"), "3: '2' in the array that begins in line 1, expected ',' or ']'");
  EXPECT_EQ(ErrorOf("[1"),
            "2: the end of the text in the array that begins in line 1, expected ',' or ']'");
  EXPECT_EQ(ErrorOf("'a\nb'"),
            "2: the string that begins in line 1 has no end before the line ends");
  EXPECT_EQ(ErrorOf("/* x"), "0: a comment /* without */");
  EXPECT_EQ(ErrorOf("{a: b}"), "4: 'b' is no value; a string needs quotes");
  EXPECT_EQ(ErrorOf("{1a: 2}"), "1: a name without quotes begins with '1'");
  EXPECT_EQ(ErrorOf("1 2"), "2: '2' after the end of the value");
  EXPECT_EQ(ErrorOf("[,]"), "1: ',', expected a value");
  EXPECT_EQ(ErrorOf(R"("\1")"), R"(1: '\1' is no escape of JSON5)");
  EXPECT_EQ(ErrorOf("{a: 1,\n a: 2}"),
            "8: the name \"a\" stands twice in one object, first in line 1");
}

TEST(ParseJson5, KeepsWhatStandsBeforeAnError) {
  const Json5Document document = ParseJson5("{a: 'x', b: ['y', }");
  ASSERT_EQ(document.errors.size(), 1U);
  ASSERT_NE(document.root.Member("a"), nullptr);
  EXPECT_EQ(document.root.Member("a")->text, "x");
  EXPECT_EQ(document.root.Member("b")->items[0].text, "y");
}

TEST(ParseJson5, OfTwoMembersWithOneNameTheLastCounts) {
  const Json5Document document = ParseJson5("{a: 'x', a: 'y'}");
  EXPECT_EQ(document.root.Member("a")->text, "y");
}

TEST(ParseJson5, IsBounded) {
  EXPECT_THAT(ErrorOf(std::string(100'000, '[')), HasSubstr("nested more than 200 deep"));
  std::string many = "[";
  for (int i = 0; i < 600'000; ++i) many += "0,";
  EXPECT_THAT(ErrorOf(many + "]"), HasSubstr("more than 500000 values"));
  EXPECT_THAT(ErrorOf("{" + std::string(5000, 'a') + ": 1}"), HasSubstr("a name of 5000 bytes"));
  EXPECT_THAT(ErrorOf(std::string((16 << 20) + 1, ' ')), HasSubstr("at most 16777216 are read"));
}

// JSON is a part of JSON5, so what a reader of JSON accepts is accepted, with the same strings.
void ExpectAgreement(const nlohmann::json& json, const Json5Value& value, const std::string& text) {
  if (json.is_string()) {
    EXPECT_EQ(value.text, json.get<std::string>()) << text;
  } else if (json.is_structured()) {
    ASSERT_EQ(value.items.size(), json.size()) << text;
    for (size_t i = 0; i < value.items.size(); ++i) {
      ExpectAgreement(json.is_object() ? json[value.names[i].text] : json[i], value.items[i], text);
    }
  }
}

TEST(ParseJson5, AgreesWithAReaderOfJson) {
  const std::string text =
      R"({"nodes": {"a": {"rev": "0\u00e9\"", "n": [1, -2.5e3, true, null, {}]}}, "v": 7})";
  int accepted = 0;
  for (const std::string& mutation : Mutations(text)) {
    const Json5Document document = ParseJson5(mutation);
    const nlohmann::json json =
        nlohmann::json::parse(mutation, /*cb=*/nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) continue;
    ++accepted;
    // A name that stands twice is none of JSON's errors.
    if (!document.errors.empty()) {
      EXPECT_THAT(document.errors[0].message, HasSubstr("stands twice")) << mutation;
      continue;
    }
    ExpectAgreement(json, document.root, mutation);
  }
  EXPECT_GT(accepted, 20);
}

}  // namespace
}  // namespace lre_audit
