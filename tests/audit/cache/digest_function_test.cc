#include "audit/cache/digest_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace lre_audit::cache {
namespace {

using ::testing::HasSubstr;

// FIPS 180-4's examples.
TEST(DigestFunction, Sha) {
  EXPECT_EQ(DigestOf(DigestFunction::kSha256, "abc").ToString(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/3");
  EXPECT_EQ(DigestOf(DigestFunction::kSha1, "abc").ToString(),
            "a9993e364706816aba3e25717850c26c9cd0d89d/3");
  EXPECT_EQ(DigestOf(DigestFunction::kSha256, "").ToString(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0");
}

// The BLAKE3 team's own program is the oracle, around the ends of blocks, chunks and subtrees.
TEST(DigestFunction, Blake3IsThatOfB3sum) {
  const std::string path = ::testing::TempDir() + "blake3_input";
  for (const size_t size :
       {0,    1,    3,    63,   64,   65,   127,  1023, 1024, 1025,  2047,  2048,  2049,
        3072, 3073, 4096, 4097, 5121, 6144, 7169, 8192, 8193, 16385, 31744, 102400}) {
    std::string data;
    for (size_t i = 0; i < size; ++i) data += static_cast<char>(i % 251);
    std::ofstream(path, std::ios::binary) << data;
    FILE* const pipe = popen(("b3sum --no-names " + path).c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::array<char, 80> line = {};
    const size_t read = fread(line.data(), 1, line.size() - 1, pipe);
    ASSERT_EQ(pclose(pipe), 0) << "needs b3sum";
    ASSERT_EQ(read, 65u);
    EXPECT_EQ(DigestOf(DigestFunction::kBlake3, data).Hex(), std::string(line.data(), 64)) << size;
  }
  remove(path.c_str());
}

TEST(DigestFunction, Names) {
  for (const char* name : {"SHA256", "SHA-256", "sha-256"}) {
    EXPECT_EQ(ParseDigestFunction(name), DigestFunction::kSha256) << name;
  }
  EXPECT_EQ(ParseDigestFunction("SHA-1"), DigestFunction::kSha1);
  EXPECT_EQ(ParseDigestFunction("BLAKE3"), DigestFunction::kBlake3);
  EXPECT_EQ(ParseDigestFunction("MD5"), std::nullopt);
  EXPECT_EQ(ParseDigestFunction(""), std::nullopt);
}

TEST(DigestFunction, ParsesHashes) {
  const BlobDigest digest = DigestOf(DigestFunction::kSha1, "abc");
  EXPECT_EQ(*ParseBlobDigest(digest.Hex(), 3), digest);
  EXPECT_EQ(*ParseBlobDigest("A9993E364706816ABA3E25717850C26C9CD0D89D", 3), digest);
  EXPECT_THAT(ParseBlobDigest("abc", 3).status().message(), HasSubstr("has 3 digits"));
  EXPECT_THAT(ParseBlobDigest(std::string(64, 'g'), 3).status().message(),
              HasSubstr("no hexadecimal number"));
  EXPECT_FALSE(ParseBlobDigest("", 0).ok());
}

}  // namespace
}  // namespace lre_audit::cache
