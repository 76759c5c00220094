#include "audit/toolchain/starlark.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = StarlarkValue::Kind;

std::string Show(const StarlarkValue& value);

std::string ShowItems(const StarlarkValue& value) {
  std::string shown;
  for (const StarlarkValue& item : value.items) {
    absl::StrAppend(&shown, shown.empty() ? "" : ", ", Show(item));
  }
  for (const StarlarkValue::Named& argument : value.named) {
    absl::StrAppend(&shown, shown.empty() ? "" : ", ", argument.name, "=", Show(argument.value[0]));
  }
  return shown;
}

// The structure in one line: 'string', identifier, [list], {dict}, call(...), +(...), <other ...>.
std::string Show(const StarlarkValue& value) {
  switch (value.kind) {
    case Kind::kString:
      return absl::StrCat("'", Escaped(value.text), "'");
    case Kind::kNumber:
    case Kind::kIdentifier:
      return value.text;
    case Kind::kList:
      return absl::StrCat("[", ShowItems(value), "]");
    case Kind::kDict:
      return absl::StrCat("{", ShowItems(value), "}");
    case Kind::kCall:
      return absl::StrCat(value.text, "(", ShowItems(value), ")");
    case Kind::kConcatenation:
      return absl::StrCat("+(", ShowItems(value), ")");
    case Kind::kOther:
      break;
  }
  return absl::StrCat("<", value.text, ": ", ShowItems(value), ">");
}

std::vector<std::string> Statements(std::string_view text) {
  std::vector<std::string> shown;
  for (const StarlarkValue& value : ParseStarlark(text).statements) shown.push_back(Show(value));
  return shown;
}

// "line:column message"
std::vector<std::string> Errors(std::string_view text) {
  std::vector<std::string> shown;
  for (const StarlarkError& error : ParseStarlark(text).errors) {
    shown.push_back(
        absl::StrCat(error.position.line, ":", error.position.column, " ", error.message));
  }
  return shown;
}

struct Case {
  std::string_view text;
  std::string expected;  // statements, joined by "; "
};

std::string Joined(const std::vector<std::string>& parts) {
  std::string joined;
  for (const std::string& part : parts) absl::StrAppend(&joined, joined.empty() ? "" : "; ", part);
  return joined;
}

void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(Joined(Statements(c.text)), c.expected) << c.text;
    EXPECT_THAT(Errors(c.text), IsEmpty()) << c.text;
  }
}

TEST(Starlark, Strings) {
  ExpectAll({
      {R"(x('a'))", "x('a')"},
      {R"(x("it's"))", "x('it's')"},
      {R"(x('''a"b'c'''))", "x('a\"b'c')"},
      {"x(\"\"\"a\nb\"\"\")", "x('a\\nb')"},
      {R"(x(r"a\n\"b"))", R"(x('a\\n\\"b'))"},
      {R"(x(b"a", rb'\d', R"\d"))", R"(x('a', '\\d', '\\d'))"},
      {R"(x("\"a\"\\b\t"))", R"(x('"a"\\b\t'))"},
      {R"(x("\x41\101\u0041\U00000041\u00e9\z"))", "x('AAAA\xC3\xA9\\\\z')"},
      {"x(\"a\\\nb\")", "x('ab')"},
      {"x(\"a\\\r\nb\")", "x('ab')"},
      {R"(x("a" 'b' """c"""))", "x('abc')"},
      {"x('a'\n  'b')", "x('ab')"},
      {"x(''  '', \"\", '''''')", "x('', '', '')"},
      {R"(x("//a:b # no comment"))", "x('//a:b # no comment')"},
  });
}

TEST(Starlark, Values) {
  ExpectAll({
      {"x(1, -2, 0x1F, 1.5e-3, .5)", "x(1, -2, 0x1F, 1.5e-3, .5)"},
      {"x(None, True, a.b.c)", "x(None, True, a.b.c)"},
      {"x([], [1,], (), (1,), (1), (1, 2))", "x([], [1], [], [1], 1, [1, 2])"},
      {"x({}, {'a': 1, 'b': [2],})", "x({}, {'a', 1, 'b', [2]})"},
      {"x(a + 'b' + ['c'])", "x(+(a, 'b', ['c']))"},
      {"x(a + b * c - d)", "x(<+: a, <*: b, c>, d>)"},
      {"x('%s/a' % b)", "x(<%: '%s/a', b>)"},
      {"x('{}/a'.format(b, c = 'd'))", "x(.format('{}/a', b, c='d'))"},
      {"x(a['b'][1:2].c('d')('e'))", "x(<(): .c(<[]: <[]: a, 'b'>, 1, 2>, 'd'), 'e'>)"},
      {"x('a' if b == 'c' else 'd')", "x(<if: 'a', <==: b, 'c'>, 'd'>)"},
      {"x(not a in b and c not in d)", "x(<and: <in: <not: a>, b>, <not in: c, d>>)"},
      {"x(*a, **b)", "x(<*: a>, <**: b>)"},
      {"x(lambda y: 'z')", "x(<lambda: 'z'>)"},
      {"x(select({'//a': 'b'}) + ['c'])", "x(+(select({'//a', 'b'}), ['c']))"},
  });
}

TEST(Starlark, CallsAndAssignments) {
  ExpectAll({
      {"f(name = 'a', srcs = ['b'], )", "f(name='a', srcs=['b'])"},
      {"native.f(a, b = 'c')", "native.f(a, b='c')"},
      {"x = 'a'", "<x: 'a'>"},
      {"x += ['a']", "<x: ['a']>"},
      {"x.y = 'a'; x['k'] = 'b'", "<x.y: 'a'>; <x['k']: 'b'>"},
      {"a, b = 'c', 'd'", "<a, b: ['c', 'd']>"},
      {"(a == b)", "<==: a, b>"},
      {"f('a')(b = 'c')",
       ""
       "<(): f('a'), b='c'>"},
  });
}

TEST(Starlark, WhatIsBeyondDataKeepsItsStrings) {
  ExpectAll({
      {"[f(name = t, path = 'bin/' + t) for t in ['a', 'b'] if t != 'c']",
       "<for: f(name=t, path=+('bin/', t)), ['a', 'b'], <if: <!=: t, 'c'>>>"},
      {"x = {k: 'v' for (k, l) in {'a': 'b'}.items()}", "<x: <for: k, 'v', .items({'a', 'b'})>>"},
      {"def f(a, b = 'c', *args, **kw):\n  '''Documents.'''\n  d = 'e'\n  return ['f']\nx = 'y'",
       "<b: 'c'>; 'Documents.'; <d: 'e'>; <return: ['f']>; <x: 'y'>"},
      {"def f(a: str = 'b', *, c = 'd') -> list[str]: return 'e'",
       "<a: 'b'>; <c: 'd'>; <return: 'e'>"},
      {"for a, b in ['c']:\n  f('d')\n", "<for: ['c']>; f('d')"},
      {"if a == 'b':\n  c('d')\nelif e:\n  pass\nelse:\n  g('h')",
       "<if: <==: a, 'b'>>; c('d'); <if: e>; pass; g('h')"},
  });
}

TEST(Starlark, BlanksAndComments) {
  ExpectAll({
      {"", ""},
      {"# x = 'a'\n\n  \t\n", ""},
      {"\xEF\xBB\xBFx = 'a'", "<x: 'a'>"},
      {"f(  # )\n  'a',  # 'b'\r\n)\r\n\r\ng()\r\n", "f('a'); g()"},
      {"x = \\\n  'a' + \\\r\n 'b'\n", "<x: +('a', 'b')>"},
      {"\tf(\n\t\t'a'\t)", "f('a')"},
      {"a = 1; b = 2;\n", "<a: 1>; <b: 2>"},
  });
}

TEST(Starlark, PositionsCountFromOneInBytes) {
  const StarlarkFile file = ParseStarlark(
      "f(\n"
      "\ta = \"x\",\r\n"
      "  'é', r'''y\n"
      "z''', b = [\"1\"])\n");
  ASSERT_EQ(file.statements.size(), 1u);
  std::vector<const StarlarkValue*> strings;
  CollectStrings(file.statements[0], strings);
  std::vector<std::string> positions;
  for (const StarlarkValue* s : strings) {
    positions.push_back(absl::StrCat(Escaped(s->text), " ", s->position.line, ":",
                                     s->position.column, " @", s->OffsetOf(0)));
  }
  EXPECT_THAT(positions, ElementsAre("é 3:4 @17", "y\\nz 3:13 @26", "x 2:7 @9", "1 4:13 @40"));
  EXPECT_EQ(file.statements[0].Argument("a")->text, "x");
  EXPECT_EQ(file.statements[0].Argument("c"), nullptr);
  EXPECT_EQ(file.statements[0].named[1].position.line, 4u);
  EXPECT_EQ(file.statements[0].named[1].position.column, 7u);
}

TEST(Starlark, OffsetsAreThoseOfTheFileBehindEscapesAndJoints) {
  const std::string_view text = R"(x = "-D\"a\" " '\x2dI/b' 'c')";
  const StarlarkFile file = ParseStarlark(text);
  ASSERT_EQ(file.statements.size(), 1u);
  const StarlarkValue& value = file.statements[0].items[0];
  ASSERT_EQ(value.text, "-D\"a\" -I/bc");
  for (std::string_view part : {"-D", "a", "/b", "c"}) {
    EXPECT_EQ(value.OffsetOf(value.text.find(part)), text.find(part)) << part;
  }
}

TEST(Starlark, ErrorsSayWhereAndTheRestIsRead) {
  struct {
    std::string_view text;
    std::string statements, errors;
  } cases[] = {
      {"x = 'a\ny = 'b'", "<x: 'a'>; <y: 'b'>", "1:6 string has no end before the line ends"},
      {"x = '''a\ny = 'b'\n", "<x: 'a'>; <y: 'b'>", "1:8 string has no end"},
      {"f('a'\n\ng(b = 'c')\n", "f('a'); g(b='c')", "1:2 unclosed '('"},
      {"x = [\n  'a',\ny = 'b'\n", "<x: ['a']>; <y: 'b'>", "1:5 unclosed '['"},
      {"f(['a')\ng()", "f(['a']); g()", "1:3 unclosed '[' before ')' in line 1"},
      {"f('a'))\ng()", "f('a'); g()", "1:7 ')' closes nothing"},
      {"f('a' b = 'c')", "f('a', b='c')", "1:7 expected ',' or ')', found 'b'"},
      {"f(= 'a', 'b')", "f(<: 'a'>, 'b')", "1:3 expected an expression, found '='"},
      {"{'a', 'b': 'c'}", "{'a', <: >, 'b', 'c'}", "1:5 expected ':', found ','"},
      {"x = 'a' 1 ['b']\ny = 'c'", "<x: 'a'>; <: 'b'>; <y: 'c'>",
       "1:9 expected the end of the statement, found '1'"},
      {"x = $'a'", "<x: 'a'>", "1:5 unexpected byte 0x24, expected an expression"},
      {"x = \0\0\1'a'\n"sv, "<x: 'a'>", "1:5 unexpected byte 0x0, expected an expression"},
      {"f('a'; b)", "f('a', b)",
       "1:6 unexpected ';' within brackets; 1:8 expected ',' or ')', found 'b'"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Joined(Statements(c.text)), c.statements) << c.text;
    EXPECT_EQ(Joined(Errors(c.text)), c.errors) << c.text;
  }
}

TEST(Starlark, NestingHasALimitBelowWhichStringsAreStillFound) {
  const std::string text =
      absl::StrCat("x = ", std::string(20'000, '['), "'a'", std::string(20'000, ']'), "\ny('b')");
  const StarlarkFile file = ParseStarlark(text);
  EXPECT_THAT(Errors(text), ElementsAre("1:205 nests deeper than 200; only strings are read"));
  ASSERT_EQ(file.statements.size(), 2u);
  std::vector<const StarlarkValue*> strings;
  for (const StarlarkValue& statement : file.statements) CollectStrings(statement, strings);
  ASSERT_EQ(strings.size(), 2u);
  EXPECT_EQ(strings[0]->text, "a");
  EXPECT_EQ(strings[1]->text, "b");
}

TEST(Starlark, ChainsDoNotNest) {
  std::string text = "x = a";
  for (int i = 0; i < 5'000; ++i) text += ".b('c')['d'](e)";
  for (int i = 0; i < 5'000; ++i) text += " - not -1 if 2 else lambda: 3";
  const StarlarkFile file = ParseStarlark(text);
  std::vector<const StarlarkValue*> strings;
  CollectStrings(file.statements.at(0), strings);
  EXPECT_EQ(strings.size(), 10'000u);
}

TEST(Starlark, ValuesHaveALimitThatIsTold) {
  std::string text = "x = [";
  for (int i = 0; i < 300'000; ++i) text += "1,";
  text += "]\n";
  EXPECT_THAT(Errors(text), ElementsAre("1:524290 more than 262144 values; the rest is not read"));
}

// Shapes that invite quadratic time or deep recursion: each is read in one pass or two.
TEST(Starlark, HostileFilesEnd) {
  const auto repeated = [](std::string_view s) {
    std::string text;
    while (text.size() < 1 << 15) text += s;
    return text;
  };
  for (std::string_view s : {"("sv,        "a("sv,         "a(\n"sv,
                             ")"sv,        "[)"sv,         "([{"sv,
                             "\"\"\"\n"sv, "\\\"\"\"\n"sv, "'''\\'''\n"sv,
                             "'\\\n"sv,    "\\\n"sv,       "not "sv,
                             "- "sv,       "lambda:"sv,    "a if "sv,
                             "a."sv,       "a[0]"sv,       "a()"sv,
                             "{a:"sv,      "for a in "sv,  "[x for x in "sv,
                             "\0"sv,       "\xFF"sv,       "def f("sv,
                             "if a:"sv,    ";"sv,          ","sv,
                             "=\n"sv,      "'a'"sv,        "\\x"sv,
                             "'\\"sv,      "\r"sv,         "#\n"sv,
                             "a=(\n"sv,    "*"sv,          "@"sv}) {
    const StarlarkFile file = ParseStarlark(repeated(s));
    EXPECT_LE(file.errors.size(), 101u) << s;
  }
}

constexpr std::string_view kRealShape = R"(# A generated toolchain.
load("@rules_cc//cc:defs.bzl", "cc_toolchain")

package(default_visibility = ["//visibility:public"])

cc_toolchain_config(
    name = "local",
    cxx_builtin_include_directories = [
        "/usr/include",
        r'/opt/a b',
    ],
    link_flags = select({
        "//:x": ["-B/usr/bin", "-D__DATE__=\"redacted\""],
    }) + ["-lm"],
    tool_paths = {"ar": "/usr/bin/ar", 'ld': """/usr/bin/ld"""},
)

def _impl(ctx):
    """Documents."""
    tools = [tool_path(name = n, path = "/bin/{}".format(n)) for n in ["nm"] if n != "x"]
    return tools[0:1] if ctx.attr.a else {"k": ("v", 1)}
)";

TEST(Starlark, EveryTruncationIsReadToItsEnd) {
  ASSERT_THAT(Errors(kRealShape), IsEmpty());
  for (size_t size = 0; size < kRealShape.size(); ++size) {
    // What stood before the cut is read as before.
    const StarlarkFile file = ParseStarlark(kRealShape.substr(0, size));
    const size_t tool_paths = kRealShape.find(",\n)\n\ndef");
    if (size > tool_paths) {
      ASSERT_GE(file.statements.size(), 3u) << size;
      ASSERT_NE(file.statements[2].Argument("tool_paths"), nullptr) << size;
    }
  }
}

TEST(Starlark, EveryMutationIsReadToItsEnd) {
  for (char c : {'(', ']', '"', '\\', '\n'}) {
    for (size_t i = 0; i < kRealShape.size(); ++i) {
      std::string text(kRealShape);
      text[i] = c;
      const StarlarkFile replaced = ParseStarlark(text);
      text = kRealShape;
      text.insert(i, 1, c);
      const StarlarkFile inserted = ParseStarlark(text);
      // One byte does not make the reader lose the file.
      EXPECT_GE(replaced.statements.size(), 2u) << i << c;
      EXPECT_GE(inserted.statements.size(), 2u) << i << c;
    }
  }
}

}  // namespace
}  // namespace lre_audit
