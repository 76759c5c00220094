// The NAR reader against what Nix writes, and against all that Nix would not write.
#include "audit/nix/nar_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "audit/nix/nar.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Delivers a string in pieces of `piece` bytes.
class Pieces : public ByteSource {
 public:
  Pieces(std::string_view bytes, size_t piece) : bytes_(bytes), piece_(piece) {}
  absl::StatusOr<std::string_view> Next() override {
    const std::string_view piece = bytes_.substr(0, piece_);
    bytes_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view bytes_;
  size_t piece_;
};

// Writes down what it is told, and hashes it anew.
class Listing : public NarVisitor {
 public:
  void Directory(std::string_view path) override {
    lines.push_back(absl::StrCat("d ", std::string(path)));
    ok &= hasher.Directory(path).ok();
  }
  void Symlink(std::string_view path, std::string_view target) override {
    lines.push_back(absl::StrCat("l ", std::string(path), " -> ", std::string(target)));
    ok &= hasher.Symlink(path, target).ok();
  }
  void Regular(std::string_view path, bool executable, uint64_t size) override {
    lines.push_back(absl::StrCat(executable ? "x " : "f ", std::string(path), " ", size));
    ok &= hasher.Regular(path, executable, size).ok();
  }
  void Data(std::string_view piece) override { ok &= hasher.Data(piece).ok(); }

  std::vector<std::string> lines;
  NarHasher hasher;
  bool ok = true;
};

absl::Status Read(std::string_view bytes, NarVisitor& visitor, size_t piece = 4096) {
  Pieces source(bytes, piece);
  StreamReader reader(source);
  return ReadNar(reader, visitor);
}

std::string Number(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}
std::string String(std::string_view text) {
  std::string bytes = Number(text.size()) + std::string(text);
  bytes.resize((bytes.size() + 7) / 8 * 8, '\0');
  return bytes;
}
template <typename... Words>
std::string Nar(const Words&... words) {
  return absl::StrCat(String("nix-archive-1"), String(words)...);
}
std::string MessageOf(std::string_view nar) {
  NarVisitor nobody;
  const absl::Status status = Read(nar, nobody);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  return std::string(status.message());
}

class NarReaderTest : public ::testing::Test {
 protected:
  NarReaderTest() {
    RunShell("mkdir -p " + directory_ / "t/b" + " && cd " + directory_ / "t" +
             " && printf hello > a && printf '#!/bin/sh' > run && chmod +x run && : > b/empty && "
             "ln -s ../a b/link && touch b.c && head -c 300000 /dev/zero > zeros && nix-store "
             "--dump . > ../nar && nix-hash --type sha256 . > ../hash");
    nar_ = ReadFileOrFail(directory_ / "nar");
  }
  TemporaryDirectory directory_;
  std::string nar_;
};

TEST_F(NarReaderTest, WhatNixWrites) {
  for (const size_t piece : {1, 7, 8, 4096, 1 << 20}) {
    Listing listing;
    ASSERT_TRUE(Read(nar_, listing, piece).ok());
    EXPECT_THAT(listing.lines, ElementsAre("d ", "f a 5", "d b", "f b/empty 0", "l b/link -> ../a",
                                           "f b.c 0", "x run 9", "f zeros 300000"));
    EXPECT_TRUE(listing.ok);
    const auto result = listing.hasher.Finish();
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->hash, "sha256:" + Lines(ReadFileOrFail(directory_ / "hash")).at(0));
    EXPECT_EQ(result->size, nar_.size());
  }
}

TEST_F(NarReaderTest, TruncatedAnywhere) {
  for (size_t size = 0; size < nar_.size();
       size += size < 2000 || size + 600 > nar_.size() ? 1 : 997) {
    NarVisitor nobody;
    const absl::Status status = Read(std::string_view(nar_).substr(0, size), nobody);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_THAT(std::string(status.message()), HasSubstr("truncated"));
  }
}

// A byte that the format fixes may not be another: only contents, names, targets and lengths vary.
TEST_F(NarReaderTest, DamagedAnywhere) {
  for (size_t i = 0; i < 1200; ++i) {
    std::string damaged = nar_;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x81);
    Listing listing;
    if (!Read(damaged, listing).ok()) continue;
    const auto result = listing.hasher.Finish();
    ASSERT_TRUE(result.ok()) << i;
    EXPECT_EQ(result->size, nar_.size()) << i;
    EXPECT_NE(result->hash, "sha256:" + Lines(ReadFileOrFail(directory_ / "hash")).at(0)) << i;
  }
}

TEST(NarReader, WhatNixWouldNotWrite) {
  const auto entry = [](std::string_view name) {
    return absl::StrCat(String("entry"), String("("), String("name"), String(name), String("node"),
                        String("("), String("type"), String("regular"), String("contents"),
                        Number(0), String(")"), String(")"));
  };
  const std::string directory = Nar("(", "type", "directory");
  NarVisitor nobody;
  EXPECT_TRUE(Read(directory + entry("a") + entry("b") + String(")"), nobody).ok());
  EXPECT_THAT(MessageOf(directory + entry("b") + entry("a")), HasSubstr("names must ascend"));
  EXPECT_THAT(MessageOf(directory + entry("a") + entry("a")), HasSubstr("names must ascend"));
  for (const std::string& name : {std::string("."), std::string(".."), std::string(),
                                  std::string("a/b"), std::string("a\0b", 3)}) {
    EXPECT_THAT(MessageOf(directory + entry(name)), HasSubstr("where a file's name should be"));
  }
  EXPECT_THAT(MessageOf(directory + entry(std::string(256, 'a'))), HasSubstr("at most 255"));
  EXPECT_THAT(MessageOf(Nar("(", "type", "symlink", "target", std::string(4096, 'a'))),
              HasSubstr("at most 4095"));
  EXPECT_THAT(MessageOf(Nar("(", "type", "symlink", "target", "")), HasSubstr("symlink's target"));
  EXPECT_THAT(MessageOf(Nar("(", "type", "fifo")), HasSubstr("\"fifo\" where"));
  EXPECT_THAT(MessageOf(Nar("(", "type", "regular", "executable", "x")), HasSubstr("\"x\" where"));
  EXPECT_THAT(MessageOf(Nar("(", "type", "regular", ")")), HasSubstr("\"contents\" should be"));
  EXPECT_THAT(MessageOf(String("nix-archive-2")), HasSubstr("\"nix-archive-1\" should be"));
  EXPECT_THAT(MessageOf(Number(uint64_t{1} << 60)), HasSubstr("at most 13"));
  std::string padding = Nar("(", "type", "symlink", "target", "a");
  padding.back() = 1;
  EXPECT_THAT(MessageOf(padding), HasSubstr("padding that is not zero"));
  // A length that no file has is never believed.
  EXPECT_THAT(MessageOf(Nar("(", "type", "regular", "contents") + Number(~uint64_t{0}) + "abc"),
              HasSubstr("bytes of contents are missing"));
}

TEST(NarReader, DepthIsBounded) {
  std::string nar = Nar("(", "type", "directory");
  for (int i = 0; i < 100'000; ++i) {
    for (const char* word : {"entry", "(", "name", "d", "node", "(", "type", "directory"}) {
      nar += String(word);
    }
  }
  NarVisitor nobody;
  const absl::Status status = Read(nar, nobody);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("deeper than 64 levels"));
}

}  // namespace
}  // namespace lre_audit::nix
