#include "base/store_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kHash = "8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn";

std::string Chain(std::initializer_list<std::string_view> parts) {
  std::string whole;
  for (std::string_view part : parts) whole += part;
  return whole;
}

TEST(Nix32Value, OfDigitsAndOthers) {
  for (size_t i = 0; i < kNix32Digits.size(); ++i) EXPECT_EQ(Nix32Value(kNix32Digits[i]), i);
  for (char c : {'e', 'o', 'u', 't', 'A', '\0', '\xff'}) EXPECT_FALSE(IsNix32(c)) << c;
}

TEST(StartsWithHash, NeedsTheHyphen) {
  EXPECT_TRUE(StartsWithHash(Chain({kHash, "-x"})));
  EXPECT_TRUE(StartsWithHash(Chain({kHash, "-"})));
  EXPECT_FALSE(StartsWithHash(kHash));
  EXPECT_FALSE(StartsWithHash(Chain({kHash, "_x"})));
  EXPECT_FALSE(StartsWithHash(Chain({"e", kHash.substr(1), "-x"})));
}

// The names that Nix itself takes or refuses, asked of Nix.
TEST(ParseBaseName, AgreesWithNixOnNames) {
  const NixStore store(NixStore::Layout::kChroot);
  for (const std::string& name :
       {std::string("x"), std::string("a+b-c._?=Z9"), std::string("e-o-u-t"), std::string(".x"),
        std::string("..."), std::string("-"), std::string("a b"), std::string("a~b"),
        std::string("a:b"), std::string("a@b"), std::string("\xc3\xa9"), std::string(211, 'n'),
        std::string(212, 'n')}) {
    const std::string said = store.Run("nix-instantiate --eval -E 'builtins.toFile \"" + name +
                                       "\" \"\"' >/dev/null 2>&1 && echo yes || echo no");
    EXPECT_EQ(ParseBaseName(Chain({kHash, "-", name})).ok(), said == "yes\n") << name << said;
  }
}

TEST(ParseBaseName, SplitsAndSaysWhatIsWrong) {
  const std::string base_name = Chain({kHash, "-make-4.3"});
  const auto parsed = ParseBaseName(base_name);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->hash, kHash);
  EXPECT_EQ(parsed->name, "make-4.3");

  const auto error = [](const std::string& text) {
    return std::string(ParseBaseName(text).status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("too short"));
  EXPECT_THAT(error(Chain({kHash, "-"})), HasSubstr("too short"));
  EXPECT_THAT(error(Chain({"e", kHash.substr(1), "-x"})), HasSubstr("'e' at 0"));
  EXPECT_THAT(error(Chain({kHash, "_x"})), HasSubstr("no '-'"));
  EXPECT_THAT(error(Chain({kHash, "-a/b"})), HasSubstr("'/' at 34"));
  EXPECT_THAT(error(Chain({kHash, "-", std::string(212, 'a')})), HasSubstr("212 bytes"));
  // Newer Nix refuses these, older ones did not: src/libstore/path.cc, checkName.
  for (const char* name : {".", "..", ".-x", "..-x"}) {
    EXPECT_FALSE(ParseBaseName(Chain({kHash, "-", name})).ok()) << name;
  }
  EXPECT_TRUE(ParseBaseName(Chain({kHash, "-...-x"})).ok());
}

TEST(StorePathOf, CutsBelowTheStorePath) {
  const std::string path = Chain({"/nix/store/", kHash, "-make-4.3"});
  EXPECT_EQ(StorePathOf(path, "/nix/store"), path);
  EXPECT_EQ(StorePathOf(path + "/bin/make", "/nix/store"), path);
  EXPECT_EQ(StorePathOf(path + "/", "/nix/store"), path);
  EXPECT_EQ(StorePathOf("/nix/store", "/nix/store"), std::nullopt);
  EXPECT_EQ(StorePathOf("/nix/store/", "/nix/store"), std::nullopt);
  EXPECT_EQ(StorePathOf("/nix/store/.links/x", "/nix/store"), std::nullopt);
  EXPECT_EQ(StorePathOf("/nix/stores/" + path.substr(11), "/nix/store"), std::nullopt);
  EXPECT_EQ(StorePathOf("/x" + path, "/nix/store"), std::nullopt);
  EXPECT_EQ(StorePathOf(path, "/gnu/store"), std::nullopt);
}

TEST(PackageName, OfPathAndBaseName) {
  EXPECT_EQ(PackageName(Chain({"/nix/store/", kHash, "-glibc-2.42"})), "glibc-2.42");
  EXPECT_EQ(PackageName(Chain({kHash, "-glibc-2.42"})), "glibc-2.42");
  EXPECT_EQ(PackageName("/nix/store/short"), "short");
  EXPECT_EQ(PackageName(""), "");
}

}  // namespace
}  // namespace lre_audit::nix
