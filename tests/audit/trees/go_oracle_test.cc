// archive/tar and regexp of Go themselves are the oracles for what is made here as they make it.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/trees/go_regexp.h"
#include "audit/trees/go_tar.h"
#include "base/text.h"
#include "gtest/gtest.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

// Reads lines of fields in hex, and writes one line for each.
constexpr std::string_view kGoMain = R"(package main

import ("archive/tar"; "bufio"; "bytes"; "encoding/hex"; "fmt"; "os"; "path"; "regexp"; "strconv"
"strings"; "time")

func unhex(s string) string { b, err := hex.DecodeString(s); if err != nil { panic(err) }; return string(b) }
func number(s string) int64 { n, err := strconv.ParseInt(s, 10, 64); if err != nil { panic(err) }; return n }

func header(f []string) string {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	epoch := time.Unix(0, 0)
	err := w.WriteHeader(&tar.Header{Typeflag: f[0][0], Name: unhex(f[1]), Linkname: unhex(f[2]),
		Uname: unhex(f[3]), Gname: unhex(f[4]), Mode: number(f[5]), Uid: int(number(f[6])),
		Gid: int(number(f[7])), Size: number(f[8]), ModTime: time.Unix(number(f[9]), 0),
		AccessTime: epoch, ChangeTime: epoch})
	if err != nil { return "error" }
	return hex.EncodeToString(out.Bytes())
}

func replaced(f []string) string {
	re, err := regexp.Compile(unhex(f[0]))
	if err != nil { return "error" }
	text := []byte(unhex(f[2]))
	return fmt.Sprint(re.Match(text), " ", hex.EncodeToString(re.ReplaceAll(text, []byte(unhex(f[1])))))
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1 << 24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		f := strings.Split(in.Text(), " ")
		switch f[0] {
		case "header": fmt.Fprintln(out, header(f[1:]))
		case "replace": fmt.Fprintln(out, replaced(f[1:]))
		case "clean": fmt.Fprintln(out, hex.EncodeToString([]byte(path.Clean(unhex(f[1])))))
		}
	}
}
)";

std::string ToHex(std::string_view bytes) { return absl::BytesToHexString(ToAbsl(bytes)); }

// Go's answers, one for each question.
std::vector<std::string> AskGo(const std::vector<std::string>& questions) {
  const TemporaryDirectory scratch;
  PutFile(scratch / "main.go", kGoMain);
  std::string input;
  for (const std::string& question : questions) absl::StrAppend(&input, question, "\n");
  PutFile(scratch / "in", input);
  const std::string output = Shell(absl::StrCat(
      "cd ", scratch.path(), " && GO111MODULE=off GOCACHE=$PWD/cache go run main.go < in"));
  std::vector<std::string> answers = absl::StrSplit(output, '\n', absl::SkipEmpty());
  EXPECT_EQ(answers.size(), questions.size());
  answers.resize(questions.size());
  return answers;
}

std::string Question(const GoTarHeader& header) {
  return absl::StrCat("header ", std::string(1, header.type), " ", ToHex(header.name), " ",
                      ToHex(header.target), " ", ToHex(header.user), " ", ToHex(header.group), " ",
                      header.mode, " ", header.uid, " ", header.gid, " ", header.size, " ",
                      header.mtime);
}

// A store path's file of `length` bytes, with a slash after every `stride`.
std::string NameOf(size_t length, size_t stride) {
  std::string name = "/nix/store/";
  while (name.size() < length) name += name.size() % stride == stride - 1 ? '/' : 'n';
  name.resize(length);
  if (name.size() > 1 && name.back() == '/') name.back() = 'n';
  return name;
}

TEST(GoTarTest, HeadersAreThoseOfArchiveTar) {
  std::vector<GoTarHeader> headers;
  std::vector<std::string> names = {"/",
                                    "/nix",
                                    "relative",
                                    "relative/file",
                                    "../up",
                                    "..",
                                    ".",
                                    "/n\u00e4me",
                                    "/a/\xff\xfe",
                                    "/a/\x80",
                                    "/\u65e5\u672c/\u8a9e",
                                    "",
                                    std::string("/a\0b", 4),
                                    "/with\nnewline",
                                    "/trailing/"};
  for (size_t stride : {3, 7, 20, 40, 90, 99, 100, 101, 150, 300, 1000}) {
    for (size_t length = 90; length < 110; ++length) names.push_back(NameOf(length, stride));
    for (size_t length = 150; length < 162; ++length) names.push_back(NameOf(length, stride));
    for (size_t length = 250; length < 262; ++length) names.push_back(NameOf(length, stride));
    for (size_t length : {500, 980, 1000, 4096, 10000}) names.push_back(NameOf(length, stride));
  }
  // A name that is cut behind a slash, and one whose non-ASCII letters fall away.
  names.push_back(std::string(99, 'a') + "/" + std::string(120, 'b'));
  names.push_back("/" + std::string(96, 'a') + "//" + std::string(120, 'b'));
  names.push_back("/\u00e9" + std::string(98, 'a') + "/" + std::string(50, 'b'));
  names.push_back("/dir\u00e9/" + std::string(150, 'a') + "/b");
  // Records whose length grows by a digit with their own length.
  for (size_t length = 80; length < 100; ++length)
    names.push_back("\u00e9" + std::string(length, 'a'));
  for (size_t length = 980; length < 1000; ++length) names.push_back(std::string(length, 'a'));
  for (const std::string& name : names) {
    for (char type : {'0', '5', '2'}) {
      GoTarHeader header;
      header.name = name;
      header.type = type;
      header.mode = 0555;
      header.mtime = 1;
      if (type == '2') header.target = name;
      if (type == '0') header.size = 12345;
      headers.push_back(header);
    }
  }
  const std::string long_name = NameOf(200, 20);
  const std::string user31(31, 'u'), user32(32, 'u'), user33(33, 'u');
  for (int64_t number : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{2097151}, int64_t{2097152},
                         int64_t{-1}, INT64_MAX, INT64_MIN}) {
    GoTarHeader header;
    header.name = long_name;
    header.mtime = 1;
    header.uid = number;
    headers.push_back(header);
    header.gid = number;
    headers.push_back(header);
    header.name = "/short";
    headers.push_back(header);
  }
  for (std::string_view user :
       {std::string_view("nobody"), std::string_view(user31), std::string_view(user32),
        std::string_view(user33), std::string_view("\u00fcser"), std::string_view("")}) {
    GoTarHeader header;
    header.name = "/f";
    header.user = user;
    headers.push_back(header);
    header.group = user;
    headers.push_back(header);
  }
  for (int64_t mode : {0, 07, 0444, 0755, 01777, 07777, 0100644, 07777777}) {
    GoTarHeader header;
    header.name = "/f";
    header.mode = mode;
    headers.push_back(header);
  }
  for (int64_t size : {int64_t{0}, int64_t{1}, int64_t{511}, (int64_t{1} << 33) - 1,
                       int64_t{1} << 33, int64_t{1} << 40, INT64_MAX}) {
    GoTarHeader header;
    header.name = long_name;
    header.size = size;
    headers.push_back(header);
  }

  std::vector<std::string> questions;
  for (const GoTarHeader& header : headers) questions.push_back(Question(header));
  const std::vector<std::string> answers = AskGo(questions);
  size_t extended = 0;
  for (size_t i = 0; i < headers.size(); ++i) {
    std::string bytes;
    const absl::Status status = AppendGoTarHeader(headers[i], &bytes);
    EXPECT_EQ(status.ok() ? ToHex(bytes) : "error", answers[i]) << questions[i] << status;
    EXPECT_EQ(status.ok(), !bytes.empty());
    extended += bytes.size() > 512;
  }
  EXPECT_GT(extended, 100u);
  EXPECT_LT(extended, headers.size() - 100);
}

TEST(GoTarTest, ModesBeyondTheFieldAreRefused) {
  for (int64_t mode : {int64_t{-1}, int64_t{010000000}}) {
    GoTarHeader header;
    header.name = "/f";
    header.mode = mode;
    std::string bytes = "before";
    EXPECT_EQ(AppendGoTarHeader(header, &bytes).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(bytes, "before");
  }
}

TEST(GoTarTest, CleanPaths) {
  const std::vector<std::string> paths = {
      "",         ".",       "..",         "/",         "//",           "///a",
      "a",        "a/",      "/a/",        "a//b",      "./",           "./a",
      "a/.",      "a/./b",   "/..",        "/../a",     "../a",         "../../a",
      "a/..",     "a/../..", "/a/../../b", "a/../b/",   "/a/b/../../c", "...",
      "/...",     "a/...",   "..a",        "/..a/../b", "./..",         "../.",
      "\xff/../b"};
  std::vector<std::string> questions;
  for (const std::string& path : paths) questions.push_back(absl::StrCat("clean ", ToHex(path)));
  const std::vector<std::string> answers = AskGo(questions);
  for (size_t i = 0; i < paths.size(); ++i) {
    EXPECT_EQ(ToHex(GoCleanPath(paths[i])), answers[i]) << paths[i];
  }
}

TEST(GoRegexpTest, MatchesAndReplacesAsGo) {
  const std::string file = "/nix/store/x896lxz471i4rgicjxygfh37a0appv7l-nix-database/bin/b\u00e4r";
  const std::vector<std::string> patterns = {
      "^/nix/store/x896lxz471i4rgicjxygfh37a0appv7l-nix-database",
      "^/nix/store/[^/]*",
      "/nix",
      "",
      "a*",
      "a|b",
      "()",
      "(x)|(n)",
      "(?P<first>n)(?P<second>i)?",
      "(a)(b)?",
      "\\.",
      ".",
      "(?s).",
      "[^/]+",
      "\\b",
      "$",
      "^",
      "(?i)NIX",
      "\\pL+",
      "\\xff",
      "\ufffd",
      "[[:alpha:]]+",
      "(?m)^.",
      "x*?",
      "(",
      "a{2000}",
      "*",
      "\\8",
      "(?<bad",
      "[b-a]"};
  const std::vector<std::string> replacements = {"",
                                                 "/",
                                                 "$0",
                                                 "$1",
                                                 "${1}",
                                                 "$1x",
                                                 "${1}x",
                                                 "$2$1",
                                                 "$first-${second}",
                                                 "$$",
                                                 "$",
                                                 "$$1",
                                                 "${",
                                                 "${1",
                                                 "$01",
                                                 "$99",
                                                 "${99999999999}",
                                                 "\\1",
                                                 "$\u00e4",
                                                 "${first}",
                                                 "a$",
                                                 "$ $"};
  const std::vector<std::string> texts = {file,
                                          "/",
                                          "aab",
                                          "baac",
                                          "nix",
                                          "\n",
                                          "a\nb",
                                          "\xff",
                                          "a\xff\xfe"
                                          "b",
                                          "\u65e5\u672c",
                                          "\xe6\x97",
                                          "\xed\xa0\x80",
                                          "\xf0\x9f\x98\x80x",
                                          "\xc0\x80",
                                          "x\xf4\x90\x80\x80"};
  std::vector<std::string> questions;
  for (const std::string& pattern : patterns) {
    for (const std::string& replacement : replacements) {
      for (const std::string& text : texts) {
        questions.push_back(
            absl::StrCat("replace ", ToHex(pattern), " ", ToHex(replacement), " ", ToHex(text)));
      }
    }
  }
  const std::vector<std::string> answers = AskGo(questions);
  size_t i = 0, errors = 0;
  for (const std::string& pattern : patterns) {
    const absl::StatusOr<GoRegexp> compiled = GoRegexp::Compile(pattern);
    for (const std::string& replacement : replacements) {
      const absl::StatusOr<GoRewrite> rewrite = GoRewrite::Compile(pattern, replacement);
      for (const std::string& text : texts) {
        std::string answer = "error";
        if (compiled.ok() && rewrite.ok()) {
          answer = absl::StrCat(compiled->Matches(text) ? "true " : "false ",
                                ToHex(rewrite->Apply(text, 1 << 20).value()));
        }
        errors += answer == "error";
        EXPECT_EQ(answer, answers[i++])
            << pattern << " -> " << replacement << ": " << Escaped(text);
      }
    }
  }
  EXPECT_LT(errors, questions.size() / 3);
}

TEST(GoRegexpTest, ResultsAreBounded) {
  const absl::StatusOr<GoRewrite> rewrite = GoRewrite::Compile("(.)", "$1$1$1$1");
  ASSERT_TRUE(rewrite.ok());
  EXPECT_EQ(rewrite->Apply("abc", 12), "aaaabbbbcccc");
  EXPECT_EQ(rewrite->Apply("abc", 11), std::nullopt);
  const absl::StatusOr<GoRewrite> literal = GoRewrite::Compile("b", std::string(4000, 'x'));
  ASSERT_TRUE(literal.ok());
  EXPECT_EQ(literal->Apply("abc", 4001), std::nullopt);
  EXPECT_EQ(literal->Apply("aac", 3), "aac");
}

TEST(GoRegexpTest, PatternsThatTakeTooMuch) {
  EXPECT_EQ(GoRegexp::Compile("((a{100}){100}){100}").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lre_audit
