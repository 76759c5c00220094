// Whatever happens to a file of kept facts, it is noticed.
#include "audit/facts/kept_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lre_audit {
namespace {

using ::testing::HasSubstr;

const KeptName kName = {std::string(64, 'a'), std::string(64, 'b')};

std::string Facts() {
  std::string facts;
  for (int i = 0; i < 300; ++i) facts += "/nix/store/" + std::to_string(i * 7919) + "\n";
  return facts;
}

TEST(KeptFile, WhatIsKeptIsHadBack) {
  for (const std::string& facts : {Facts(), std::string(), std::string("\0\xff", 2)}) {
    const auto file = EncodeKept(kName, facts);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(CheckKept(*file).ok());
    const auto back = DecodeKept(*file, kName);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, facts);
    const auto name = PeekKept(file->substr(0, kKeptHeaderBytes));
    ASSERT_TRUE(name.ok()) << name.status();
    EXPECT_EQ(name->version, kName.version);
    EXPECT_EQ(name->key, kName.key);
  }
}

TEST(KeptFile, EveryFlippedBitIsNoticed) {
  const std::string file = *EncodeKept(kName, Facts());
  for (size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_EQ(CheckKept(flipped).code(), absl::StatusCode::kDataLoss) << i << " " << bit;
      EXPECT_FALSE(DecodeKept(flipped, kName).ok()) << i << " " << bit;
    }
  }
}

TEST(KeptFile, EveryOtherLengthIsNoticed) {
  const std::string file = *EncodeKept(kName, Facts());
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(DecodeKept(file.substr(0, size), kName).ok()) << size;
  }
  EXPECT_FALSE(DecodeKept(file + '\0', kName).ok());
  EXPECT_FALSE(DecodeKept(file + file, kName).ok());
}

TEST(KeptFile, AnothersFactsAreNotTaken) {
  const std::string file = *EncodeKept(kName, Facts());
  const KeptName other_key = {kName.version, std::string(64, 'c')};
  EXPECT_EQ(DecodeKept(file, other_key).status().code(), absl::StatusCode::kInvalidArgument);
  const KeptName other_version = {std::string(64, 'c'), kName.key};
  EXPECT_EQ(DecodeKept(file, other_version).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(KeptFile, SaysWhatItExpected) {
  EXPECT_THAT(std::string(CheckKept("").message()), HasSubstr("has 0 bytes, the header alone 128"));
  EXPECT_THAT(std::string(CheckKept(std::string(200, 'x')).message()),
              HasSubstr("begins with \"xxxxxxxx\", expected \"LREFACTS\""));
  std::string next_format = *EncodeKept(kName, Facts());
  next_format[8] = 2;
  EXPECT_THAT(std::string(CheckKept(next_format).message()),
              HasSubstr("is of format 2, expected 1"));
  const std::string cut = EncodeKept(kName, "facts")->substr(0, 130);
  EXPECT_THAT(std::string(CheckKept(cut).message()), HasSubstr("has 2 bytes after the header"));
}

}  // namespace
}  // namespace lre_audit
