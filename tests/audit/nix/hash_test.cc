#include "audit/nix/hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kHex =
    "9ed96a331c25df76744e1515a69c9abeab6f0a7bfe018793c618206a037d347d";
constexpr std::string_view kNix32 = "0z9lgl1nl80qqs9qf0gygc56zaxykafac58m9rs7dpr53hrnmncy";
constexpr std::string_view kBase64 = "ntlqMxwl33Z0ThUVppyavqtvCnv+AYeTxhggagN9NH0=";

std::string Chain(std::initializer_list<std::string_view> parts) {
  std::string whole;
  for (std::string_view part : parts) whole += part;
  return whole;
}

std::string NormalisedOrError(std::string_view text, std::string_view algorithm = {}) {
  const auto hash = NormaliseHash(text, algorithm);
  return hash.ok() ? *hash : std::string(hash.status().message());
}

TEST(Nix32, KnownVector) {
  const std::string bytes = absl::HexStringToBytes(std::string(kHex));
  EXPECT_EQ(ToNix32(bytes), kNix32);
  EXPECT_EQ(*FromNix32(kNix32, 32), bytes);
  EXPECT_EQ(ToNix32(""), "");
  EXPECT_EQ(*FromNix32("", 0), "");
}

TEST(Nix32, AgreesWithNixHash) {
  std::mt19937 random(1);
  std::string hexes, expected;
  for (int i = 0; i < 50; ++i) {
    std::string bytes(32, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (i == 0) bytes.assign(32, '\xff');
    hexes += " " + std::string(absl::BytesToHexString(bytes));
    expected += ToNix32(bytes) + "\n";
    EXPECT_EQ(*FromNix32(ToNix32(bytes), 32), bytes);
  }
  EXPECT_EQ(RunShell("nix-hash --type sha256 --to-base32" + hexes), expected);
}

TEST(Nix32, EveryLengthRoundTrips) {
  std::mt19937 random(2);
  for (size_t size = 1; size <= 64; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(ToNix32(bytes).size(), (8 * size - 1) / 5 + 1);
    EXPECT_EQ(*FromNix32(ToNix32(bytes), size), bytes);
  }
}

TEST(Nix32, RefusesWhatIsNone) {
  EXPECT_FALSE(FromNix32(kNix32.substr(1), 32).ok());
  EXPECT_FALSE(FromNix32(Chain({"e", kNix32.substr(1)}), 32).ok());
  EXPECT_FALSE(FromNix32(Chain({"Z", kNix32.substr(1)}), 32).ok());
  // 52 digits are 260 bits: the first digit may only be 0 or 1.
  EXPECT_TRUE(FromNix32(Chain({"1", kNix32.substr(1)}), 32).ok());
  EXPECT_FALSE(FromNix32(Chain({"2", kNix32.substr(1)}), 32).ok());
}

TEST(NormaliseHash, EverySpelling) {
  const std::string expected = Chain({"sha256:", kHex});
  EXPECT_EQ(NormalisedOrError(Chain({"sha256:", kHex})), expected);
  EXPECT_EQ(NormalisedOrError(Chain({"sha256:", kNix32})), expected);
  EXPECT_EQ(NormalisedOrError(Chain({"sha256:", kBase64})), expected);
  EXPECT_EQ(NormalisedOrError(Chain({"sha256-", kBase64})), expected);
  EXPECT_EQ(NormalisedOrError(kHex, "sha256"), expected);
  EXPECT_EQ(NormalisedOrError(kNix32, "sha256"), expected);
  std::string upper(kHex);
  for (char& c : upper) c = static_cast<char>(toupper(c));
  EXPECT_EQ(NormalisedOrError(upper, "sha256"), expected);
}

TEST(NormaliseHash, SaysWhatIsWrong) {
  EXPECT_THAT(NormalisedOrError(kHex), HasSubstr("does not name its algorithm"));
  EXPECT_THAT(NormalisedOrError("sha256:abc"), HasSubstr("has 3 digits"));
  EXPECT_THAT(NormalisedOrError("sha512:abc"), HasSubstr("\"sha512\" is not supported"));
  EXPECT_THAT(NormalisedOrError("md5:abc", "sha256"), HasSubstr("is not sha256"));
  EXPECT_THAT(NormalisedOrError(Chain({"sha256-", kHex})), HasSubstr("base64 digits"));
  EXPECT_THAT(NormalisedOrError(Chain({"sha256:g", kHex.substr(1)})), HasSubstr("'g' is no hex"));
  EXPECT_THAT(NormalisedOrError(Chain({"sha256-!", kBase64.substr(1)})), HasSubstr("base64"));
  EXPECT_THAT(NormalisedOrError(""), HasSubstr("algorithm"));
  EXPECT_THAT(NormalisedOrError("sha256:\x1b[31m"), HasSubstr("\\x1b"));
}

}  // namespace
}  // namespace lre_audit::nix
