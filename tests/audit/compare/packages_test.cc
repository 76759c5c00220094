// Names and versions of store paths, and which of two sides' paths are one package.
#include "audit/compare/packages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Path(char hash, const std::string& name) {
  return "/nix/store/" + std::string(32, hash) + "-" + name;
}

struct NameAndVersion {
  const char *full, *name, *version;
};

constexpr NameAndVersion kNames[] = {
    {"glibc-2.42", "glibc", "2.42"},
    {"glibc-2.42-67", "glibc", "2.42-67"},
    {"glibc-2.42-67-dev", "glibc-dev", "2.42-67"},
    {"gcc-13.2.0-lib", "gcc-lib", "13.2.0"},
    {"bash-interactive-5.2p37", "bash-interactive", "5.2p37"},
    {"python3.12-numpy-1.26.4", "python3.12-numpy", "1.26.4"},
    {"source", "source", ""},
    {"stdenv-linux", "stdenv-linux", ""},
    {"gmp-with-cxx-6.3.0", "gmp-with-cxx", "6.3.0"},
    {"zlib-1.2.13.dfsg", "zlib", "1.2.13.dfsg"},
    {"linux-6.6-static", "linux-static", "6.6"},
    {"x-1.0-rc1", "x", "1.0-rc1"},
    {"odd-", "odd", ""},
};

TEST(PackageOf, NameAndVersion) {
  for (const NameAndVersion& expected : kNames) {
    const Package package = PackageOf(Path('0', expected.full));
    EXPECT_EQ(package.name, expected.name) << expected.full;
    EXPECT_EQ(package.version, expected.version) << expected.full;
  }
}

// Nix splits alike: the oracle for all names without an output's.
TEST(PackageOf, AsNixParsesIt) {
  for (const char* full : {"glibc-2.42-67", "bash-interactive-5.2p37", "python3.12-numpy-1.26.4",
                           "source", "stdenv-linux", "gmp-with-cxx-6.3.0", "x-1.0-rc1", "a--b",
                           "a-_b-1", "hello-2.12.1-unstable-2024-01-01"}) {
    const std::string parsed = nix::RunShell(
        std::string("nix-instantiate --eval --strict -E 'let d = builtins.parseDrvName \"") + full +
        "\"; in d.name + \"|\" + d.version'");
    const Package package = PackageOf(Path('0', full));
    EXPECT_EQ("\"" + package.name + "|" + package.version + "\"\n", parsed);
  }
}

std::vector<std::string> Differences(const SizedPaths& a, const SizedPaths& b) {
  std::vector<std::string> lines;
  for (const PackageDifference& package : ComparePackages(a, b)) {
    lines.push_back(PackageDifference::Kind_Name(package.kind()) + " " + package.name() + " " +
                    package.version_a() + ">" + package.version_b());
    EXPECT_EQ(package.path_a().empty(), package.kind() == PackageDifference::ADDED);
    EXPECT_EQ(package.path_b().empty(), package.kind() == PackageDifference::GONE);
    EXPECT_EQ(package.nar_size_a(), package.path_a().empty() ? 0 : a.at(package.path_a()));
    EXPECT_EQ(package.nar_size_b(), package.path_b().empty() ? 0 : b.at(package.path_b()));
  }
  return lines;
}

TEST(ComparePackages, UpdatedRebuiltAddedGone) {
  const SizedPaths a = {{Path('0', "same-1"), 1},
                        {Path('1', "glibc-2.38"), 2},
                        {Path('2', "glibc-2.38-dev"), 3},
                        {Path('3', "bash-5.2"), 4},
                        {Path('4', "perl-5"), 5}};
  const SizedPaths b = {{Path('0', "same-1"), 1},
                        {Path('5', "glibc-2.42"), 6},
                        {Path('6', "glibc-2.42-dev"), 7},
                        {Path('7', "bash-5.2"), 8},
                        {Path('8', "zlib-1"), 9}};
  EXPECT_THAT(Differences(a, b),
              ElementsAre("REBUILT bash 5.2>5.2", "UPDATED glibc 2.38>2.42",
                          "UPDATED glibc-dev 2.38>2.42", "GONE perl 5>", "ADDED zlib >1"));
  EXPECT_THAT(Differences(a, a), IsEmpty());
}

TEST(ComparePackages, SeveralOfOneName) {
  const SizedPaths a = {
      {Path('1', "gcc-12"), 0}, {Path('2', "gcc-13"), 0}, {Path('3', "gcc-14"), 0}};
  const SizedPaths b = {{Path('4', "gcc-13"), 0}, {Path('5', "gcc-15"), 0}};
  EXPECT_THAT(Differences(a, b),
              ElementsAre("REBUILT gcc 13>13", "UPDATED gcc 12>15", "GONE gcc 14>"));
  EXPECT_THAT(Differences(b, a),
              ElementsAre("REBUILT gcc 13>13", "UPDATED gcc 15>12", "ADDED gcc >14"));
}

TEST(PackageMoves, WhatFollowsFromThem) {
  const std::string gcc_a = Path('1', "gcc-13.2.0"), gcc_b = Path('2', "gcc-14.1.0");
  const std::string bash_a = Path('3', "bash-5"), bash_b = Path('4', "bash-5");
  Comparison comparison;
  for (PackageDifference& package : ComparePackages(
           {{gcc_a, 0}, {bash_a, 0}, {Path('5', "gone"), 0}}, {{gcc_b, 0}, {bash_b, 0}})) {
    *comparison.add_packages() = std::move(package);
  }
  const PackageMoves moves(comparison.packages());
  EXPECT_TRUE(moves.Explain(gcc_a, gcc_b));
  EXPECT_TRUE(moves.Explain("-B" + gcc_a + "/lib", "-B" + gcc_b + "/lib"));
  EXPECT_TRUE(moves.Explain(gcc_a + "/lib/gcc/13.2.0/x", gcc_b + "/lib/gcc/14.1.0/x"));
  EXPECT_TRUE(moves.Explain(bash_a + "/bin:" + gcc_a + "/bin", bash_b + "/bin:" + gcc_b + "/bin"));
  EXPECT_FALSE(moves.Explain(bash_a + "/bin:" + gcc_a + "/bin", gcc_b + "/bin:" + bash_b + "/bin"));
  EXPECT_FALSE(moves.Explain(gcc_a + "/bin/ld", gcc_b + "/bin/ld.mold"));
  EXPECT_FALSE(moves.Explain("glibc_13.2.0", "glibc_14.1.0"));
  EXPECT_FALSE(moves.Explain(gcc_a, ""));
  EXPECT_FALSE(moves.Explain(Path('5', "gone"), ""));
  EXPECT_FALSE(moves.Explain("", gcc_b));
  EXPECT_FALSE(PackageMoves(Comparison().packages()).Explain("a", "b"));
}

TEST(StorePathsIn, EveryOne) {
  const std::string a = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-a-1.0";
  const std::string b = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-b";
  EXPECT_THAT(StorePathsIn("PATH=" + a + "/bin:" + b + ":" + a, "/nix/store"),
              ::testing::ElementsAre(a, b, a));
  EXPECT_THAT(StorePathsIn("/nix/store /nix/store/ /nix/store/x /nix/stores", "/nix/store"),
              ::testing::IsEmpty());
  EXPECT_THAT(StorePathsIn(a, "/other/store"), ::testing::IsEmpty());
}

}  // namespace
}  // namespace lre_audit
