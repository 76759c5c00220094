#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "audit/toolchain/read_config.h"
#include "tests/audit/toolchain/config_text.h"

namespace lre_audit {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ConfigFacts Read(std::string_view text) {
  ConfigFacts facts = ReadFlakeLock("flake.lock", text);
  ExpectPlacesIn(text, facts);
  return facts;
}

std::vector<std::string> Contexts(const ConfigFacts& facts) {
  std::vector<std::string> contexts;
  for (const Setting& setting : facts.settings()) contexts.push_back(setting.context());
  return contexts;
}

// As Nix 2.18 writes it.
constexpr std::string_view kLock = R"({
  "nodes": {
    "nativelink": {
      "inputs": {
        "nixpkgs": [
          "nixpkgs"
        ],
        "parts": "parts"
      },
      "locked": {
        "lastModified": 1,
        "narHash": "sha256-x",
        "owner": "TraceMachina",
        "repo": "nativelink",
        "rev": "f9ff630e09a3c22d6a3abea68d1bacc775eac6bb",
        "type": "github"
      },
      "original": {"owner": "TraceMachina", "repo": "nativelink", "type": "github"}
    },
    "nixpkgs": {
      "locked": {
        "rev": "0123456789abcdef0123456789abcdef01234567",
        "revCount": 1,
        "type": "git",
        "url": "ssh://git@github.com/NixOS/nixpkgs.git"
      },
      "original": {"id": "nixpkgs", "type": "indirect"}
    },
    "parts": {
      "locked": {"host": "git.example.org", "owner": "a%2Fb", "repo": "parts", "type": "gitlab",
                 "rev": "1123456789abcdef0123456789abcdef01234567"},
      "original": {"type": "gitlab"}
    },
    "root": {
      "inputs": {
        "alias": ["nativelink", "parts"],
        "nativelink": "nativelink",
        "nixpkgs": "nixpkgs"
      }
    },
    "stray": {"locked": {"rev": "2", "type": "github"}}
  },
  "root": "root",
  "version": 7
}
)";

TEST(ReadFlakeLock, FollowsInputsFromTheRoot) {
  const ConfigFacts facts = Read(kLock);
  EXPECT_THAT(
      Lines(facts),
      ElementsAre(
          "31:26 PIN git.example.org/a/b/parts=1123456789abcdef0123456789abcdef01234567",
          "15:17 PIN github.com/tracemachina/nativelink=f9ff630e09a3c22d6a3abea68d1bacc775eac6bb",
          "22:17 PIN github.com/nixos/nixpkgs=0123456789abcdef0123456789abcdef01234567"));
  EXPECT_THAT(Contexts(facts), ElementsAre("alias", "nativelink", "nixpkgs"));
  EXPECT_EQ(facts.settings(1).excerpt(), "\"rev\": \"f9ff630e09a3c22d6a3abea68d1bacc775eac6bb\",");
}

// A lock of one input, "x".
std::string LockOf(std::string_view locked) {
  return absl::StrCat(R"({"nodes":{"root":{"inputs":{"x":"n"}},"n":{"locked":)",
                      std::string(locked), R"(}},"root":"root","version":7})");
}

TEST(ReadFlakeLock, ReadsEveryTypeOfInput) {
  const auto pin_of = [](std::string_view locked) {
    const ConfigFacts facts = Read(LockOf(locked));
    EXPECT_EQ(facts.defects_size(), 0) << locked;
    return facts.settings_size() == 1
               ? absl::StrCat(facts.settings(0).key(), "=", facts.settings(0).value().substr(0, 3))
               : "none";
  };
  const std::string rev = R"("rev":"f9ff630e09a3c22d6a3abea68d1bacc775eac6bb")";
  EXPECT_EQ(pin_of("{\"type\":\"sourcehut\",\"owner\":\"~u\",\"repo\":\"r\"," + rev + "}"),
            "git.sr.ht/~u/r=f9f");
  EXPECT_EQ(pin_of("{\"type\":\"hg\",\"url\":\"https://hg.x.org/r\"," + rev + "}"),
            "hg.x.org/r=f9f");
  EXPECT_EQ(pin_of("{\"type\":\"tarball\",\"url\":\"https://github.com/o/r/archive/main.tar.gz\"," +
                   rev + "}"),
            "github.com/o/r=f9f");
  EXPECT_EQ(pin_of(R"({"type":"tarball","url":"https://github.com/o/r/archive/)"
                   R"(f9ff630e09a3c22d6a3abea68d1bacc775eac6bb.tar.gz"})"),
            "github.com/o/r=f9f");
  EXPECT_EQ(pin_of(R"({"type":"tarball","url":"https://x.org/r.tar.gz"})"), "none");
  EXPECT_EQ(pin_of(R"({"type":"file","url":"https://x.org/r.h"})"), "none");
  EXPECT_EQ(pin_of(R"({"type":"path","path":"./x"})"), "=");
}

TEST(ReadFlakeLock, SaysWhatIsWrong) {
  const auto defect_of = [](std::string_view text) {
    const ConfigFacts facts = Read(text);
    EXPECT_EQ(facts.defects_size(), 1) << text;
    EXPECT_EQ(facts.settings_size(), 0) << text;
    return facts.defects_size() == 0 ? "" : facts.defects(0).message();
  };
  EXPECT_EQ(defect_of(LockOf(R"({"type":"github","owner":"o","repo":"r"})")),
            "the input x has no \"rev\"");
  EXPECT_EQ(defect_of(LockOf(R"({"type":"github","rev":"main"})")),
            "the input x is locked to \"main\", expected a commit of 40 or 64 hexadecimal digits");
  EXPECT_THAT(defect_of(LockOf(R"({"type":"indirect","id":"nixpkgs"})")),
              HasSubstr("locked by type \"indirect\", expected github"));
  EXPECT_EQ(defect_of(LockOf("null")), "the input x is not locked");
  EXPECT_EQ(defect_of(LockOf(R"({"type":"git"})")), "the input x has no \"url\"");
  EXPECT_EQ(defect_of(R"({"nodes":{"root":{"inputs":{"x":"y"}}},"root":"root","version":7})"),
            "the input x: there is no node \"y\"");
  EXPECT_EQ(defect_of(R"({"nodes":{"root":{"inputs":{"x":["y"]}}},"root":"root","version":7})"),
            "the input x: it follows \"y\", which is no input there");
  EXPECT_EQ(defect_of(R"({"nodes":{},"root":"root","version":7})"),
            "the root \"root\" is none of the nodes");
  EXPECT_EQ(defect_of(R"({"root":"root","version":7})"),
            "no object \"nodes\": this is no flake.lock");
  EXPECT_EQ(defect_of(R"({"nodes":{"root":{}},"root":"root","version":8})"),
            "the lock file's version is 8, expected 5 to 7");
}

TEST(ReadFlakeLock, CyclesEnd) {
  const ConfigFacts facts =
      Read(R"({"nodes":{"root":{"inputs":{"a":["b"],"b":["a"]}}},"root":"root","version":7})");
  EXPECT_THAT(Lines(facts),
              ElementsAre("1:33 defect: the input a: it leads through more than 100 inputs",
                          "1:43 defect: the input b: it leads through more than 100 inputs"));
  EXPECT_THAT(
      Lines(Read(R"({"nodes":{"root":{"inputs":{"a":"root"}}},"root":"root","version":7})")),
      IsEmpty());
}

TEST(ReadFlakeLock, DepthIsBounded) {
  std::string nodes = R"("root":{"inputs":{"x":"n0"}})";
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&nodes, R"(,"n)", i, R"(":{"locked":{"type":"path"},"inputs":{"x":"n)", i + 1,
                    R"("}})");
  }
  const ConfigFacts facts = Read("{\"nodes\":{" + nodes + "},\"root\":\"root\",\"version\":7}");
  EXPECT_EQ(facts.settings_size(), 100);
  EXPECT_THAT(Lines(facts, "defect:"),
              ElementsAre(HasSubstr("inputs nest more than 100 deep; the rest is not audited")));
}

TEST(ReadFlakeLock, WhatStandsBeforeAnErrorIsKept) {
  const size_t cut = kLock.find("\"stray\"");
  const ConfigFacts facts = Read(kLock.substr(0, cut));
  EXPECT_EQ(Lines(facts, "PIN").size(), 3U);
  EXPECT_THAT(Lines(facts, "defect:"),
              ElementsAre(HasSubstr("the end of the text, expected a name or '}'")));
}

TEST(ReadFlakeLock, SurvivesWhateverStandsThere) {
  for (const std::string& text : Mutations(kLock)) Read(text);
}

}  // namespace
}  // namespace lre_audit
