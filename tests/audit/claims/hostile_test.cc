// Bad input of every source: no crash, no endless loop, no unbounded result, and valid UTF-8
// always.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/claims/claim_list.h"
#include "audit/claims/claims.h"

namespace lre_audit {
namespace {

using namespace std::string_literals;

const ClaimSource kSources[] = {
    ClaimSource::kNone,        ClaimSource::kShebang,         ClaimSource::kShell,
    ClaimSource::kNixSupport,  ClaimSource::kPkgConfig,       ClaimSource::kLibtool,
    ClaimSource::kCMake,       ClaimSource::kQtPrl,           ClaimSource::kConfigScript,
    ClaimSource::kGccSpecs,    ClaimSource::kPythonSysconfig, ClaimSource::kPerlConfig,
    ClaimSource::kLinkerScript};

// Reads `text` as `source`, and checks what holds for any input.
FileFacts Read(ClaimSource source, const std::string& text) {
  FileFacts facts;
  ExtractClaims(source, "/nix/store/a-x/nix-support/setup-hook", text, "/nix/store", &facts);
  EXPECT_LE(facts.claims_size(), static_cast<int>(ClaimList::kMaxClaims));
  for (const Claim& claim : facts.claims()) {
    EXPECT_LE(claim.offset(), text.size());
    EXPECT_GE(claim.line(), 1);
    EXPECT_GE(claim.count(), 1);
    EXPECT_LE(claim.excerpt().size(), 1000);
  }
  // Only valid UTF-8 survives the way out and in again.
  FileFacts again;
  EXPECT_TRUE(again.ParseFromString(facts.SerializeAsString()));
  return facts;
}

// A text with something for each of the readers.
const std::string kEverything =
    "#!/bin/sh -e\nprefix=/usr\nexport PATH='/usr/bin'${PATH:+':'$PATH}\n"
    "x=$(a \"${b:-$((1+2))}\" `c` <(d)) e=(f 'g' \"h\")\ncase $x in a|b) c;; *) d; esac\n"
    "cat <<-E\n\tx\n\tE\nf() { g; }\n[[ a =~ (b) ]] && h || { i; }\n"
    "Libs: -L${prefix}/lib -Wl,-rpath,/opt/x:/opt/y \\\n -lx\nset(A \"/usr/a;$<B:/usr/b>\" "
    "[[/c]])\n"
    "GROUP ( /usr/lib/a.so, AS_NEEDED(\"/usr/b.so\") ) /* c */\n"
    "*link:\n%{a:/lib/b;:/lib/c}\n{'A': '''/usr/x''', \"B\": '-I/usr/y'}\nfor i in 1 2; do j; "
    "done\n"
    "exec -a \"$0\" /usr/bin/gcc -isystem /usr/include $'k\\n' \"$@\"\n";

TEST(Hostile, EveryTruncation) {
  for (const ClaimSource source : kSources) {
    for (size_t size = 0; size <= kEverything.size(); ++size) {
      Read(source, kEverything.substr(0, size));
      Read(source, kEverything.substr(size));
    }
  }
}

TEST(Hostile, EveryByteChanged) {
  const std::string bytes = "\0\xff\n'\"`$(){}[]\\#;&|<=:,/"s;
  for (const ClaimSource source : kSources) {
    for (size_t i = 0; i < kEverything.size(); i += 3) {
      for (const char byte : bytes) {
        std::string text = kEverything;
        text[i] = byte;
        Read(source, text);
      }
    }
  }
}

TEST(Hostile, RandomBytesAndTokens) {
  std::mt19937 random(7);
  const std::vector<std::string> tokens = {
      "$(",    ")",      "((",       "))",    "${",       "}",       "'",     "\"",     "`",
      "\\",    "\n",     " ",        "if ",   "fi ",      "case ",   " in ",  "esac ",  "do ",
      "done ", "<<E",    "E\n",      "f() {", "[[ ",      "]]",      "&&",    "||",     ";;",
      "#",     "/usr/x", "-L/usr/y", "=",     ":",        "export ", "PATH=", "\"\"\"", "'''",
      "set(",  "[[",     "[=[",      "\r\n",  "\xff\xfe", "exec ",   "-Wl,",  "\0"s};
  for (int round = 0; round < 400; ++round) {
    std::string text = round % 2 == 0 ? "#!/bin/sh\n" : "";
    for (int i = 0; i < 60; ++i) {
      if (random() % 8 == 0) {
        text += static_cast<char>(random());
      } else {
        text += tokens[random() % tokens.size()];
      }
    }
    for (const ClaimSource source : kSources) Read(source, text);
  }
}

// Inputs that make a careless reader quadratic, at a size where that would take minutes.
TEST(Hostile, HugeRepetitions) {
  for (const std::string& part : {"$("s,
                                  "(("s,
                                  "$(("s,
                                  "${a:-"s,
                                  "'"s,
                                  "\"\\"s,
                                  "`\\"s,
                                  "`a` "s,
                                  "`$(a "s,
                                  "GROUP("s,
                                  "/*"s,
                                  "true && "s,
                                  "if true; then "s,
                                  "\"\"\"\\"s,
                                  "'\\"s,
                                  "[="s,
                                  "[[ "s,
                                  "<<E "s,
                                  "-Wl,"s,
                                  "-L/usr/a "s,
                                  "a=("s,
                                  "set("s,
                                  "\n"s,
                                  "/"s,
                                  "if "s,
                                  "case x in "s,
                                  "f() {"s,
                                  "#["s,
                                  "x"s,
                                  "A: '/usr/b' "s,
                                  "$((a) "s,
                                  "\xff"s,
                                  "@("s,
                                  "{ "s,
                                  "export A=/usr/b:"s,
                                  "${"s}) {
    std::string text = "#!/bin/sh\n";
    while (text.size() < (128 << 10)) text += part;
    for (const ClaimSource source : kSources) Read(source, text);
  }
}

TEST(Hostile, ManyClaimsAreALimit) {
  std::string text;
  for (int i = 0; i < 1500; ++i) absl::StrAppend(&text, "Libs: -L/usr/lib/", i, "\n");
  const FileFacts facts = Read(ClaimSource::kPkgConfig, text);
  EXPECT_EQ(facts.claims_size(), 1000);
  ASSERT_EQ(facts.defects_size(), 1);
  EXPECT_EQ(facts.defects(0).kind(), Defect::LIMIT);
  EXPECT_EQ(facts.defects(0).message(), "more than 1000 distinct paths; the rest is not audited");
}

TEST(Hostile, LongTextIsALimit) {
  FileFacts facts;
  facts.set_size(5 << 20);
  ExtractClaims(ClaimSource::kPkgConfig, "/nix/store/a-x/lib/x.pc", "prefix=/usr\n", "/nix/store",
                &facts);
  ASSERT_EQ(facts.defects_size(), 1);
  EXPECT_EQ(facts.defects(0).kind(), Defect::LIMIT);
  EXPECT_EQ(facts.defects(0).message(),
            "text of 5242880 bytes; only the first 4194304 are read for paths");
  EXPECT_EQ(facts.claims_size(), 1);

  // Of a script that is no wrapper, only the first line counts, so nothing is left out.
  FileFacts script;
  script.set_size(5 << 20);
  ExtractClaims(ClaimSource::kShebang, "/nix/store/a-x/bin/x", "#!/bin/sh\n", "/nix/store",
                &script);
  EXPECT_EQ(script.defects_size(), 0);
}

TEST(Hostile, ExcerptsOfLongLinesKeepThePath) {
  const std::string text =
      "Libs: " + std::string(5000, 'x') + " \xc3\xa4 -L/usr/lib " + std::string(5000, 'y');
  const FileFacts facts = Read(ClaimSource::kPkgConfig, text);
  ASSERT_EQ(facts.claims_size(), 1);
  const std::string& excerpt = facts.claims(0).excerpt();
  EXPECT_LE(excerpt.size(), 170);
  EXPECT_NE(excerpt.find("\xc3\xa4 -L/usr/lib"), excerpt.npos);
  EXPECT_EQ(excerpt.substr(0, 4), "...x");
}

}  // namespace
}  // namespace lre_audit
