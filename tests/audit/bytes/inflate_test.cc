#include "audit/bytes/inflate.h"

#include <gtest/gtest.h>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

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

struct Decoded {
  explicit Decoded(std::string_view bytes, size_t piece = 65536, const DecodeLimits& limits = {}) {
    Pieces source(bytes, piece);
    Inflater inflater(source, limits);
    while (true) {
      absl::StatusOr<std::string_view> next = inflater.Next();
      if (!next.ok()) status = next.status();
      if (!next.ok() || next->empty()) break;
      size += next->size();
      if (size < 1 << 24) text.append(*next);
    }
    trailing = inflater.trailing_offset();
    consumed = inflater.consumed();
  }
  std::string text;
  uint64_t size = 0, consumed = 0;
  absl::Status status;
  std::optional<uint64_t> trailing;
};

class InflateTest : public testing::Test {
 protected:
  InflateTest() {
    Shell("cd " + scratch_.path() +
          " && (seq 1 60000; head -c 100000 /dev/urandom) > plain && gzip -k plain && "
          "zstd -q -k plain && (gzip -c plain; echo tail | gzip -1) > two.gz && "
          "(zstd -qc plain; echo tail | zstd -qc) > two.zst && xz -k plain && bzip2 -k plain && "
          "(xz -c plain; head -c 8 /dev/zero; echo tail | xz -c --check=sha256) > two.xz && "
          "(bzip2 -c plain; echo tail | bzip2 -1c) > two.bz2 && : | bzip2 -c > none.bz2 && "
          ": | xz -c > none.xz");
    plain_ = ReadFile(scratch_ / "plain");
  }
  std::string File(std::string_view name) { return ReadFile(scratch_ / name); }
  TemporaryDirectory scratch_;
  std::string plain_;
};

TEST_F(InflateTest, ReadsWhatTheToolsWrite) {
  for (const size_t piece : {size_t{1} << 20, size_t{65536}, size_t{7}, size_t{1}}) {
    for (const char* name : {"plain", "plain.gz", "plain.zst", "plain.xz", "plain.bz2"}) {
      const std::string bytes = File(name);
      const Decoded decoded(bytes, piece);
      EXPECT_TRUE(decoded.status.ok()) << name << " " << decoded.status.ToString();
      EXPECT_TRUE(decoded.text == plain_) << name << " in pieces of " << piece;
      EXPECT_EQ(decoded.consumed, bytes.size());
      EXPECT_FALSE(decoded.trailing);
    }
    for (const char* name : {"two.gz", "two.zst", "two.xz", "two.bz2"}) {
      EXPECT_TRUE(Decoded(File(name), piece).text == plain_ + "tail\n") << name;
    }
  }
  for (const char* name : {"none.xz", "none.bz2"}) {
    const Decoded decoded(File(name));
    EXPECT_TRUE(decoded.status.ok()) << decoded.status.ToString();
    EXPECT_EQ(decoded.size, 0u) << name;
  }
  EXPECT_TRUE(Decoded("").status.ok());
  EXPECT_EQ(Decoded("").size, 0u);
}

// Name, comment, extra field and the header's own checksum, cut at every place.
TEST_F(InflateTest, GzipHeader) {
  Shell(
      "cd " + scratch_.path() +
      " && python3 -c \"import sys, zlib, gzip; "
      "header = b'\\x1f\\x8b\\x08\\x1e' + bytes(6) + b'\\5\\0extra' + b'name\\0' + b'comment\\0'; "
      "plain = open('plain', 'rb').read(); "
      "sys.stdout.buffer.write(header + (zlib.crc32(header) & 0xffff).to_bytes(2, 'little') + "
      "gzip.compress(plain)[10:])\" > full.gz");
  const std::string bytes = File("full.gz");
  ASSERT_TRUE(Decoded(bytes).text == plain_);
  for (size_t piece = 1; piece < 48; ++piece) {
    const Decoded decoded(bytes, piece);
    EXPECT_TRUE(decoded.status.ok()) << piece << ": " << decoded.status.ToString();
    EXPECT_TRUE(decoded.text == plain_) << piece;
  }
}

TEST_F(InflateTest, SkippableFrames) {
  const std::string skippable("\x5a\x2a\x4d\x18\x04\0\0\0toc!", 12);
  const Decoded decoded(skippable + File("plain.zst") + skippable, 5);
  EXPECT_TRUE(decoded.status.ok()) << decoded.status.ToString();
  EXPECT_TRUE(decoded.text == plain_);
}

TEST_F(InflateTest, TruncatedAnywhere) {
  for (const char* name : {"plain.gz", "plain.zst", "plain.xz", "plain.bz2"}) {
    const std::string bytes = File(name);
    // Every place near both ends (header, trailer), and some between.
    for (size_t size = kSniffBytes; size < bytes.size();
         size += size < 40 || size + 40 > bytes.size() ? 1 : 9973) {
      const Decoded decoded(std::string_view(bytes).substr(0, std::min(size, bytes.size() - 1)));
      EXPECT_EQ(decoded.status.code(), absl::StatusCode::kDataLoss) << name << " cut at " << size;
      EXPECT_NE(decoded.status.ToString().find("truncated at 0x"), std::string::npos)
          << decoded.status.ToString();
    }
  }
}

TEST_F(InflateTest, DamagedTrailerAndGarbage) {
  std::string bad_crc = File("plain.gz");
  bad_crc[bad_crc.size() - 6] = static_cast<char>(bad_crc[bad_crc.size() - 6] ^ 1);
  EXPECT_NE(Decoded(bad_crc).status.ToString().find("CRC-32"), std::string::npos);
  std::string bad_length = File("plain.gz");
  bad_length.back() = static_cast<char>(bad_length.back() ^ 1);
  EXPECT_FALSE(Decoded(bad_length).status.ok());
  for (const char* name : {"plain.xz", "plain.bz2"}) {
    std::string damaged = File(name);
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
    const absl::Status status = Decoded(damaged).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << name << " " << status.ToString();
    EXPECT_NE(status.ToString().find("damaged"), std::string::npos) << status.ToString();
  }
  for (const char* name : {"plain.gz", "plain.zst", "plain.xz", "plain.bz2"}) {
    const std::string bytes = File(name);
    const Decoded decoded(bytes + "garbage");
    EXPECT_TRUE(decoded.status.ok()) << decoded.status.ToString();
    EXPECT_TRUE(decoded.text == plain_);
    EXPECT_EQ(decoded.trailing, bytes.size()) << name;
  }
}

TEST_F(InflateTest, KnownByNameOnly) {
  const absl::Status status = Decoded(std::string("\x04\x22\x4d\x18", 4) + "rest").status;
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.ToString().find("lz4"), std::string::npos) << status.ToString();
}

// A header may ask for 1.5 GiB.
TEST_F(InflateTest, XzDictionary) {
  Shell("cd " + scratch_.path() + " && xz -c --lzma2=preset=0,dict=512MiB plain > large.xz");
  const Decoded large(File("large.xz"));
  EXPECT_EQ(large.status.code(), absl::StatusCode::kResourceExhausted) << large.status.ToString();
  EXPECT_EQ(large.size, 0u);
  Shell("cd " + scratch_.path() + " && xz -9c plain > nine.xz");
  EXPECT_TRUE(Decoded(File("nine.xz")).text == plain_);
}

TEST_F(InflateTest, Limits) {
  Shell("cd " + scratch_.path() +
        " && head -c 400M /dev/zero | zstd -19 -qc > bomb.zst && "
        "head -c 80M /dev/zero | xz -0 > bomb.xz && head -c 80M /dev/zero | bzip2 > bomb.bz2 && "
        "head -c 300M /dev/zero | zstd -q --ultra --long=28 --no-check -c > window.zst");
  for (const char* name : {"bomb.zst", "bomb.xz", "bomb.bz2"}) {
    const absl::Status bomb = Decoded(File(name)).status;
    EXPECT_EQ(bomb.code(), absl::StatusCode::kResourceExhausted) << bomb.ToString();
  }
  const Decoded window(File("window.zst"));
  EXPECT_EQ(window.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(window.size, 0u);
  DecodeLimits limits;
  limits.bytes = 1000;
  for (const char* name : {"plain", "plain.gz", "plain.zst", "plain.xz", "plain.bz2"}) {
    EXPECT_EQ(Decoded(File(name), 65536, limits).status.code(),
              absl::StatusCode::kResourceExhausted)
        << name;
  }
}

}  // namespace
}  // namespace lre_audit
