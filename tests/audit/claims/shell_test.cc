#include "audit/claims/shell.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace lre_audit {
namespace {

// A command as "A=x [word] [word]?f": expansions are <$>, `?` conditional, `f` in a function.
std::string Line(const ShellCommand& command) {
  std::string line;
  for (const ShellAssignment& assignment : command.assignments) {
    absl::StrAppend(&line, assignment.name, assignment.append ? "+=" : "=");
    for (const ShellWord& value : assignment.values) absl::StrAppend(&line, value.text, ";");
  }
  for (const ShellWord& word : command.words) {
    EXPECT_EQ(word.text.size(), word.offsets.size());
    absl::StrAppend(&line, "[", word.text, "]");
  }
  if (command.conditional) line += "?";
  if (command.in_function) line += "f";
  return absl::StrReplaceAll(line, {{std::string(1, '\0'), "<$>"}});
}

std::vector<std::string> Parse(std::string_view text) {
  const ShellScript script = ParseShell(text);
  std::vector<std::string> lines;
  for (const ShellCommand& command : script.commands) lines.push_back(Line(command));
  if (!script.valid) lines.push_back("INVALID");
  return lines;
}

using Lines = std::vector<std::string>;

TEST(Shell, Table) {
  const struct {
    const char* text;
    Lines expected;
  } kCases[] = {
      {"a b  c # d\n#e\nf#g", {"[a][b][c]", "[f#g]"}},
      {"a 'b c' \"d e\"f g\\ h $'i\\'j'", {"[a][b c][d ef][g h][i'j]"}},
      {"a $b ${c} \"${d:-x}\" ${e//'/x}'/y}", {"[a][<$>][<$>][<$>][<$>]"}},
      {"a \\\n b", {"[a][b]"}},
      {"a; b & c && d || e\nf | g", {"[a]", "[b]", "[c]", "[d]?", "[e]?", "[f]", "[g]"}},
      {"a &&\n b\nc", {"[a]", "[b]?", "[c]"}},
      {"a && {\n b\n}\nc", {"[a]", "[b]?", "[c]"}},
      {"{ a; }\n(b; c)\nd", {"[a]", "[b]", "[c]", "[d]"}},
      {"if a; then b; elif c; then d; else e; fi; f",
       {"[a]?", "[b]?", "[c]?", "[d]?", "[e]?", "[f]"}},
      {"for x in /a /b; do c; done; d", {"[c]?", "[d]"}},
      {"for x\ndo a; done\nfor ((i=0; i<2; i++)); do b; done", {"[a]?", "[b]?"}},
      {"while read -r x; do a; done < /x; b", {"[read][-r][x]?", "[a]?", "[b]"}},
      {"if true; then a; else b; fi; c", {"[true]?", "[a]", "[b]?", "[c]"}},
      {"a && b $(c `d`)\ne", {"[a]", "[d]?", "[c][<$>]?", "[b][<$>]?", "[e]"}},
      {"case $x in a|b) c;; (/d) e ;; *) f; esac; g", {"[c]?", "[e]?", "[f]?", "[g]"}},
      {"case x in esac; a", {"[a]"}},
      {"f() { a; }\ng ()\n{\n b\n}\nfunction h { c; }\nfunction i() (d)\ne",
       {"[a]f", "[b]f", "[c]f", "[d]f", "[e]"}},
      {"A=b C+=d e F=g", {"A=b;C+=d;[e][F=g]"}},
      {"A=(b 'c d' # e\n /f)\ndeclare -a G=(h)", {"A=b;c d;/f;", "G=h;[declare][-a]"}},
      {"a >b 2>&1 <c &>d e >>f <<<g >|h", {"[a][e]"}},
      {"a <<E b\n/c $(d)\nE\ne", {"[a][b]", "[e]"}},
      {"a <<-'E'\n\t/c\n\tE\ne", {"[a]", "[e]"}},
      {"a <<E; b <<F\n1\nE\n2\nF\nc", {"[a]", "[b]", "[c]"}},
      {"a $(b c) `d` <(e) \"$(f \"g\")\"",
       {"[b][c]", "[d]", "[e]", "[f][g]", "[a][<$>][<$>][<$>][<$>]"}},
      {"a $((1 << 2)) b\n((x++))\nc", {"[a][<$>][b]", "[c]"}},
      {"[[ $a =~ ^(b|c)$ && d > e ]] && f", {"[[[][<$>][=~][^(b|c)$][&&][d][>][e][]]]", "[f]?"}},
      {"if [[ -x /a ]]; then b; fi", {"[[[][-x][/a][]]]?", "[b]?"}},
      {"a\nexit 0\n) garbage '", {"[a]", "[exit][0]"}},
      {"exec a\n((( '", {"[exec][a]"}},
      {"if a; then exit; fi\nb", {"[a]?", "[exit]?", "[b]"}},
      {"exec 3>/x\na", {"[exec]", "[a]"}},
      {"a\r\nb\r\n", {"[a]", "[b]"}},
      {"shopt -s extglob; a @(b|c) !(d)", {"[shopt][-s][extglob]", "[a][@<$>][!<$>]"}},
      {"\"if\" a", {"[if][a]"}},
      {"a 'b", {"INVALID"}},
      {"if a; then b", {"[a]?", "[b]?", "INVALID"}},
      {"a )", {"[a]", "INVALID"}},
      {"fi", {"INVALID"}},
      {"a ${b", {"INVALID"}},
  };
  for (const auto& c : kCases) EXPECT_EQ(Parse(c.text), c.expected) << c.text;
}

TEST(Shell, OffsetsLeadToTheText) {
  const std::string text = "x=\"a\"'/b' ; exec -a \"$0\" \"/c/d\" /e";
  const ShellScript script = ParseShell(text);
  ASSERT_EQ(script.commands.size(), 2);
  const ShellWord& value = script.commands[0].assignments[0].values[0];
  EXPECT_EQ(value.text, "a/b");
  EXPECT_EQ(value.offset(), text.find('a'));
  EXPECT_EQ(value.offsets[1], text.find("/b"));
  EXPECT_EQ(script.commands[1].words[3].offset(), text.find("/c"));
}

TEST(Shell, ExpansionsKeepNameAndWord) {
  const ShellScript script = ParseShell("a b$c\"${d:+':'}\"${e-/f}");
  const ShellWord& word = script.commands[0].words[1];
  ASSERT_EQ(word.expansions.size(), 3);
  EXPECT_EQ(word.expansions[0].name, "c");
  EXPECT_EQ(word.expansions[1].operation, ":+");
  EXPECT_EQ(word.expansions[2].name, "e");
  EXPECT_EQ(word.expansions[2].word.text, "/f");
  EXPECT_EQ(word.From(2).expansions.size(), 2);
}

}  // namespace
}  // namespace lre_audit
