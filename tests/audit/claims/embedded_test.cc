#include "audit/claims/embedded.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace lre_audit {
namespace {

using namespace std::string_literals;

std::vector<std::string> Lines(std::vector<Claim> claims) {
  std::vector<std::string> lines;
  for (const Claim& claim : claims) {
    EXPECT_EQ(claim.kind(), Claim::EMBEDDED);
    lines.push_back(absl::StrCat(claim.text(), "@", claim.offset(), "x", claim.count(),
                                 claim.context().empty() ? "" : " ", claim.context()));
  }
  return lines;
}

// In pieces of `size` bytes.
std::vector<std::string> Scan(std::string_view data, size_t size = std::string_view::npos) {
  EmbeddedPathScanner scanner;
  for (size_t i = 0; i < data.size(); i += std::min(size, data.size() - i)) {
    scanner.Update(data.substr(i, size));
  }
  return Lines(scanner.Finish());
}

using Strings = std::vector<std::string>;

TEST(Embedded, WhereAPathBegins) {
  const struct {
    std::string data;
    Strings expected;
  } kCases[] = {
      {"/usr/lib\0"s, {"/usr/lib@0x1"}},
      {"/usr/lib", {"/usr/lib@0x1"}},
      {"\0/usr/share/locale\0"s, {"/usr/share/locale@1x1"}},
      {"PATH=/bin/x:/usr/bin", {"/bin/x@5x1", "/usr/bin@12x1"}},
      {"\0-L/usr/lib\0-I/opt/x\0"s, {"/usr/lib@3x1", "/opt/x@14x1"}},
      {"\0-Wl,-rpath,/home/me/lib\0"s, {"/home/me/lib@12x1"}},
      {"\0--sysroot=/build/root\0"s, {"/build/root@11x1"}},
      {"\0-isystem/usr/include\0"s, {"/usr/include@9x1"}},
      {"\0/usr/a\0/usr/b\0/usr/a\0"s, {"/usr/a@1x2", "/usr/b@8x1"}},
      {"\0/lib64/ld-linux-x86-64.so.2\0"s, {"/lib64/ld-linux-x86-64.so.2@1x1"}},
      {"\0/Library/Frameworks\0"s, {"/Library/Frameworks@1x1"}},
      {"\0/x=/usr/lib\0"s, {"/usr/lib@4x1"}},
      {"\x48\xb8/usr/libH\x89\x01", {"/usr/lib@2x1"}},  // movabs $..., %rax; mov %rax, (%rcx)
      // No path, or not where a program would take one from.
      {"\0/nix/store/abc/usr/lib\0"s, {}},
      {"\0share/usr/lib\0"s, {}},
      {"\0http://usr/lib\0"s, {}},
      {"\0cannot read /etc/passwd\0"s, {}},
      {"\0/usr\0/usr/\0/user/x\0/\0"s, {}},
      {"\0FL/usr/lib\0"s, {}},
      {"\0s/usr/bin/;\0"s, {}},
  };
  for (const auto& c : kCases) EXPECT_EQ(Scan(c.data), c.expected) << c.data;
}

TEST(Embedded, AtMostEightPathsAreKept) {
  std::string data;
  for (int i = 0; i < 12; ++i) data += absl::StrCat("/usr/lib/", i, std::string(1, '\0'));
  data += "/usr/lib/3";
  EmbeddedPathScanner scanner;
  scanner.Update(data);
  const std::vector<Claim> claims = scanner.Finish();
  ASSERT_EQ(claims.size(), 8);
  EXPECT_EQ(claims[3].count(), 2);
  EXPECT_EQ(claims[7].text(), "/usr/lib/7");
  EXPECT_EQ(claims[7].context(), "and 4 more embedded paths");
  EXPECT_EQ(scanner.total(), 13);
}

TEST(Embedded, LongPathsAreCut) {
  const std::string data = "/usr/" + std::string(10000, 'a') + "\0/usr/b"s;
  for (const size_t size : {1, 1000, 4096, 20000}) {
    EmbeddedPathScanner scanner;
    for (size_t i = 0; i < data.size(); i += size) scanner.Update(data.substr(i, size));
    const std::vector<Claim> claims = scanner.Finish();
    ASSERT_EQ(claims.size(), 2);
    EXPECT_EQ(claims[0].text(), data.substr(0, 4096));
    EXPECT_EQ(claims[0].context(), "longer than 4096 bytes, cut");
    EXPECT_EQ(claims[1].text(), "/usr/b");
  }
}

TEST(Embedded, AStoreInAnyPlaceIsNoneOfTheFindings) {
  EmbeddedPathScanner scanner("/home/me/store");
  scanner.Update("/home/me/store/abc\0/home/me/storehouse\0"s);
  EXPECT_EQ(Lines(scanner.Finish()), Strings{"/home/me/storehouse@19x1"});
}

// Data dense in what matters: parts of roots, options and separators in random order. One piece is
// the reference for every split in two and for pieces of any size.
TEST(Embedded, TheSplitDoesNotMatter) {
  std::mt19937 random(1);
  const std::vector<std::string> parts = {"/usr/",
                                          "/lib64/",
                                          "/usr",
                                          "/",
                                          "-L",
                                          "-I",
                                          "-isystem",
                                          ",-rpath,",
                                          "=",
                                          ":",
                                          "\0"s,
                                          " ",
                                          "a",
                                          "x/y",
                                          "/Applications/",
                                          "\xff",
                                          "-dynamic-linker,",
                                          "\"",
                                          "/home/u"};
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    std::string data;
    while (data.size() < 120) data += parts[random() % parts.size()];
    const Strings expected = Scan(data);
    found += static_cast<int>(expected.size());
    for (size_t split = 0; split <= data.size(); ++split) {
      EmbeddedPathScanner scanner;
      scanner.Update(std::string_view(data).substr(0, split));
      scanner.Update(std::string_view(data).substr(split));
      ASSERT_EQ(Lines(scanner.Finish()), expected) << "split at " << split;
    }
    for (const size_t size : {1, 2, 3, 7, 25}) ASSERT_EQ(Scan(data, size), expected);
  }
  EXPECT_GT(found, 300);
}

TEST(Embedded, Formats) {
  EXPECT_TRUE(
      HoldsEmbeddedPaths("\x7f"
                         "ELF\2\1\1"));
  EXPECT_TRUE(HoldsEmbeddedPaths("!<arch>\nfoo"));
  EXPECT_TRUE(HoldsEmbeddedPaths("\xcf\xfa\xed\xfe\7"));
  EXPECT_TRUE(HoldsEmbeddedPaths("\xca\xfe\xba\xbe\0\0\0\2"s));     // universal Mach-O
  EXPECT_FALSE(HoldsEmbeddedPaths("\xca\xfe\xba\xbe\0\0\0\x34"s));  // a Java class
  EXPECT_FALSE(HoldsEmbeddedPaths("#!/bin/sh"));
  EXPECT_FALSE(HoldsEmbeddedPaths(""));
}

}  // namespace
}  // namespace lre_audit
