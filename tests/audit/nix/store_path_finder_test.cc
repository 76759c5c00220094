// Store paths in bytes and in UTF-16: all of them, whatever the pieces, and nothing else.
#include "audit/nix/store_path_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lre_audit::nix {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Encoding = StorePathFinder::Encoding;
using Paths = std::vector<std::pair<uint64_t, std::string>>;

const std::string kZlib = "8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn-zlib-1.3";
const std::string kGlibc = "vcb1spzy0w6h1d1cz0yzmhqysg4aqnlh-glibc-2.42";

Paths Find(const std::string& data, Encoding encoding, size_t piece = SIZE_MAX,
           const std::string& store_directory = "/nix/store") {
  StorePathFinder finder(store_directory, encoding);
  std::vector<StorePathFinder::Found> found;
  for (size_t i = 0; i < data.size(); i += std::min(piece, data.size() - i)) {
    finder.Update(data.substr(i, piece), &found);
  }
  finder.Finish(&found);
  Paths paths;
  for (const StorePathFinder::Found& path : found) paths.emplace_back(path.offset, path.base_name);
  return paths;
}

std::string Utf16(const std::string& text, bool little_endian) {
  std::string bytes;
  for (const char c : text) {
    if (!little_endian) bytes.push_back('\0');
    bytes.push_back(c);
    if (little_endian) bytes.push_back('\0');
  }
  return bytes;
}

// Text, binary data and runs of zeros, by turns, without any store path.
std::string Noise(std::mt19937& random, size_t size) {
  std::string noise;
  while (noise.size() < size) {
    const size_t run = 1 + random() % 200;
    const int kind = static_cast<int>(random() % 4);
    for (size_t i = 0; i < run; ++i) {
      noise.push_back(kind == 0    ? '\0'
                      : kind == 1  ? static_cast<char>('a' + random() % 26)
                      : kind == 2  ? static_cast<char>(random())
                      : i % 2 == 0 ? '\0'
                                   : static_cast<char>('a' + random() % 26));
    }
  }
  return noise;
}

TEST(StorePathFinder, BytesWhateverThePieces) {
  std::mt19937 random(1);
  std::string data = "/nix/store/" + kZlib + "/lib " + Noise(random, 5000);
  Paths expected = {{0, kZlib}};
  expected.emplace_back(data.size(), kGlibc);
  data += "/nix/store/" + kGlibc;
  for (const size_t piece : {1, 2, 7, 64, 223, 224, 225, 255, 1000, 100000}) {
    EXPECT_EQ(Find(data, Encoding::kBytes, piece), expected) << piece;
  }
}

TEST(StorePathFinder, Utf16AtEveryOffsetInBothEndiannesses) {
  std::mt19937 random(2);
  for (const bool little_endian : {true, false}) {
    for (size_t before = 0; before < 200; ++before) {
      std::string data = Noise(random, 300).substr(0, before);
      const uint64_t at = data.size() + (little_endian ? 0 : 1);
      data += Utf16("/nix/store/" + kZlib + "/lib/libz.so", little_endian);
      data += std::string("\xff\xff", 2) + Noise(random, 400);
      EXPECT_THAT(Find(data, Encoding::kUtf16), ElementsAre(std::pair(at, kZlib))) << before;
      for (const size_t piece : {1, 13, 85, 500}) {
        EXPECT_EQ(Find(data, Encoding::kUtf16, piece), Find(data, Encoding::kUtf16))
            << before << ", pieces of " << piece;
      }
    }
  }
}

TEST(StorePathFinder, Utf16OfTwoLinesAndAtTheEnd) {
  for (const bool little_endian : {true, false}) {
    const std::string first = "see /nix/store/" + kZlib + "\n";
    const std::string data = Utf16(first + "/nix/store/" + kGlibc, little_endian);
    const uint64_t one = little_endian ? 0 : 1;
    EXPECT_THAT(Find(data, Encoding::kUtf16),
                ElementsAre(std::pair(8 + one, kZlib), std::pair(2 * first.size() + one, kGlibc)));
  }
}

TEST(StorePathFinder, TheStoreDirectoryMayBeShort) {
  for (size_t before = 0; before < 80; ++before) {
    const std::string data = std::string(before, 'x') + Utf16("/s/" + kZlib, true) + "  ";
    EXPECT_THAT(Find(data, Encoding::kUtf16, SIZE_MAX, "/s"),
                ElementsAre(std::pair(uint64_t{before}, kZlib)))
        << before;
  }
}

TEST(StorePathFinder, NeighboursAreNone) {
  const std::string hash = kZlib.substr(0, 32);
  for (const std::string& text :
       {"/nix/store/" + hash, "/nix/store/" + hash + "-", "/nix/store/" + hash + "/x",
        "/nix/store/" + hash.substr(1) + "-zlib", "/nix/store/" + hash.substr(0, 31) + "e-zlib",
        "/nix/store" + kZlib, "/usr/store/" + kZlib, "/nix/store/.links/" + kZlib}) {
    EXPECT_THAT(Find(text, Encoding::kBytes), IsEmpty()) << text;
    EXPECT_THAT(Find(Utf16(text, true), Encoding::kUtf16), IsEmpty()) << text;
    EXPECT_THAT(Find(Utf16(text, false), Encoding::kUtf16), IsEmpty()) << text;
  }
  // Each encoding is what it is.
  EXPECT_THAT(Find("/nix/store/" + kZlib, Encoding::kUtf16), IsEmpty());
  EXPECT_THAT(Find(Utf16("/nix/store/" + kZlib, true), Encoding::kBytes), IsEmpty());
}

TEST(StorePathFinder, ANameEndsWhereNixsNamesDo) {
  const std::string longest = kZlib.substr(0, 33) + std::string(211, 'n');
  EXPECT_THAT(Find("/nix/store/" + longest + "nn", Encoding::kBytes),
              ElementsAre(std::pair(uint64_t{0}, longest)));
  EXPECT_THAT(Find("/nix/store/" + kZlib + "\"", Encoding::kBytes),
              ElementsAre(std::pair(uint64_t{0}, kZlib)));
}

TEST(StorePathFinder, BeginsAnewAfterFinish) {
  StorePathFinder finder("/nix/store", Encoding::kBytes);
  std::vector<StorePathFinder::Found> found;
  finder.Update("/nix/store/" + kZlib.substr(0, 20), &found);
  finder.Finish(&found);
  finder.Update(kZlib.substr(20) + " /nix/store/" + kZlib, &found);
  finder.Finish(&found);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].offset, kZlib.size() - 20 + 1);
}

}  // namespace
}  // namespace lre_audit::nix
