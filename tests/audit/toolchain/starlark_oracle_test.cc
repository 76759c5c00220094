// Starlark's lexical elements and expressions are Python's: Python's own parser says which strings
// a file has, and where they begin.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/toolchain/starlark.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lre_audit {
namespace {

// Prints "line:column:hexadecimal UTF-8" of each string: columns count UTF-8 bytes from 1 and are
// those of the literal's first byte, prefix and quotes included.
constexpr std::string_view kProgram = R"(
import ast, sys
tree = ast.parse(open(sys.argv[1], 'rb').read())
for n in sorted((n for n in ast.walk(tree) if isinstance(n, ast.Constant)
                 and isinstance(n.value, str)), key=lambda n: (n.lineno, n.col_offset)):
    print('%d:%d:%s' % (n.lineno, n.col_offset + 1, n.value.encode().hex()))
)";

constexpr std::string_view kFile = R"py(
"""Documents
'this'."""
load("@rules_cc//cc:defs.bzl", "cc_library", alias = 'x')
A = 'a"b' ; B = "it's" + '\x41\102\u00e9\n' 'joined' "too"
C = r"\d\"" if A else R'\'' # "comment"
D = ["é", 'ü' 'x', '''multi
line ' '' ''', "a\
b"]
def f(a, b = "default", *args, **kwargs):
    """Docs."""
    for x, (y, z) in [("p", ("q", "r"))]:
        if not x in ["s"] and (y or "t") != "u" % ("v", w):
            return {"k": "v", x: [i + "w" for i in "xyz".split(",") if i not in ("1",)]}
        elif x == -1: pass
    return lambda q: "lambda" + q["sub"]["script"][1:-1].strip("chars")(named = "z", *args, **kwargs)
cc_toolchain_config(
    tool_paths = select({"//x": {"ar": "/usr/bin/ar"}, "//y": {}}) | {"nm": "/usr/bin/nm"},
    link_flags = ["-D__DATE__=\"redacted\""] + [], empty = ("" '' """"""),
)
[f(name = t, n = 1.5e-3 + 0x1F // 2) for t in ["last",]]
)py";

std::vector<std::string> PythonsStrings(const std::string& file, const std::string& program) {
  std::ofstream(file, std::ios::binary) << kFile;
  std::ofstream(program, std::ios::binary) << kProgram;
  const std::string command = absl::StrCat("python3 ", program, " ", file);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<std::string> lines;
  char line[4096];
  while (pipe != nullptr && fgets(line, sizeof(line), pipe.get()) != nullptr) {
    lines.emplace_back(line, std::string_view(line).find('\n'));
  }
  return lines;
}

size_t OffsetOf(Position position) {
  size_t begin = 0;
  while (--position.line > 0) begin = kFile.find('\n', begin) + 1;
  return begin + position.column - 1;
}

TEST(StarlarkOracle, StringsAndPositionsAreThoseOfPython) {
  const std::string base = absl::StrCat(testing::TempDir(), "starlark_oracle");
  const std::vector<std::string> expected = PythonsStrings(base + ".bzl", base + ".py");
  ASSERT_GT(expected.size(), 40u);

  const StarlarkFile parsed = ParseStarlark(kFile);
  EXPECT_THAT(parsed.errors, testing::IsEmpty());
  std::vector<const StarlarkValue*> strings;
  for (const StarlarkValue& statement : parsed.statements) CollectStrings(statement, strings);
  std::vector<std::pair<std::pair<uint32_t, uint32_t>, std::string>> found;
  for (const StarlarkValue* s : strings) {
    // Back over quotes and prefix, to where Python's literal begins.
    const size_t contents = OffsetOf(s->position);
    const std::string_view before = kFile.substr(0, contents);
    uint32_t back = before.ends_with("\"\"\"") || before.ends_with("'''") ? 3 : 1;
    const char prefix = kFile[contents - back - 1];
    if (prefix == 'r' || prefix == 'R') ++back;
    const uint32_t column = s->position.column - back;
    std::string hex;
    for (unsigned char c : s->text) absl::StrAppend(&hex, absl::Hex(c, absl::kZeroPad2));
    found.push_back({{s->position.line, column}, hex});
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> actual;
  for (const auto& [position, hex] : found) {
    actual.push_back(absl::StrCat(position.first, ":", position.second, ":", hex));
  }
  EXPECT_THAT(actual, testing::ElementsAreArray(expected));
}

}  // namespace
}  // namespace lre_audit
