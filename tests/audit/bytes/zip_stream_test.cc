// Archives of real tools, read as they go by, against Python's reader; and damaged ones.
#include "audit/bytes/zip_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class Entries : public ZipSink {
 public:
  explicit Entries(uint64_t limit = UINT64_MAX) : left_(limit) {}
  void BeginEntry(std::string_view name) override {
    EXPECT_FALSE(open_);
    open_ = true;
    entries.emplace_back(name, "");
  }
  bool Data(std::string_view piece) override {
    EXPECT_TRUE(open_);
    if (piece.size() > left_) return false;
    left_ -= piece.size();
    entries.back().second += piece;
    return true;
  }
  void EndEntry() override {
    EXPECT_TRUE(open_);
    open_ = false;
  }
  void Limit(const absl::Status& status) override { limits.push_back(status); }

  std::vector<std::pair<std::string, std::string>> entries;
  std::vector<absl::Status> limits;

 private:
  bool open_ = false;
  uint64_t left_;
};

Entries Read(std::string_view archive, size_t piece = 65536, uint64_t limit = UINT64_MAX) {
  Entries entries(limit);
  ZipStream zip({}, entries);
  for (size_t i = 0; i < archive.size(); i += std::min(piece, archive.size() - i)) {
    // A buffer of its own, so that a read past the piece is one past the buffer.
    const std::string bytes(archive.substr(i, piece));
    zip.Push(bytes);
  }
  zip.Finish();
  return entries;
}

class ZipStreamTest : public testing::Test {
 protected:
  ZipStreamTest() {
    Shell(
        "cd " + scratch_.path() +
        " && seq 1 30000 > numbers && echo small > small && : > empty && head -c 3000 /dev/urandom "
        "> random");
    for (const std::string name : {"numbers", "small", "empty", "random"}) {
      expected_.emplace_back(name, ReadFile(scratch_ / name));
    }
  }
  std::string Make(const std::string& command) {
    Shell("cd " + scratch_.path() + " && rm -f a.zip && " + command);
    return ReadFile(scratch_ / "a.zip");
  }
  TemporaryDirectory scratch_;
  std::vector<std::pair<std::string, std::string>> expected_;
};

TEST_F(ZipStreamTest, WhatRealToolsWriteWhateverThePieces) {
  const std::string files = " numbers small empty random";
  for (const std::string& command :
       {"zip -q a.zip" + files, "zip -q0 a.zip" + files, "python3 -m zipfile -c a.zip" + files,
        // Sizes that follow the data, as a pipe needs them; so does jar.
        "cat /dev/null | zip -q - " + files + " | cat > a.zip", "zip -qfz a.zip" + files,
        std::string("python3 -c 'import zipfile, sys\n"
                    "with zipfile.ZipFile(\"a.zip\", \"w\", zipfile.ZIP_BZIP2) as z:\n"
                    "  for n in sys.argv[1:]: z.write(n)'") +
            files}) {
    const std::string archive = Make(command);
    ASSERT_FALSE(archive.empty()) << command;
    for (const size_t piece :
         {size_t{1}, size_t{2}, size_t{3}, size_t{31}, size_t{4096}, archive.size()}) {
      // An entry that is stored, of a size that follows, may end anywhere: zip writes empty ones
      // so.
      std::string found, expected;
      for (const auto& [name, data] : Read(archive, piece).entries) {
        if (!data.empty() && !name.starts_with("META-INF"))
          found += name + " " + Sha256Of(data) + "\n";
      }
      for (const auto& [name, data] : expected_) {
        if (!data.empty()) expected += name + " " + Sha256Of(data) + "\n";
      }
      EXPECT_EQ(found, expected) << command << ", pieces of " << piece;
    }
  }
}

TEST_F(ZipStreamTest, WhatStandsBeforeAndBetweenIsPassedOver) {
  const std::string one = Make("zip -q a.zip small"), two = Make("zip -q - numbers > a.zip");
  // Something that begins like a header, and is none.
  const std::string archive = "#!/usr/bin/env python3\nPK\3\4PK\3" + std::string(40, '\xff') + one +
                              "padding PK" + two + "trailing";
  for (const size_t piece : {size_t{1}, size_t{5}, archive.size()}) {
    EXPECT_THAT(Read(archive, piece).entries, ElementsAre(Pair("small", "small\n"), expected_[0]));
  }
}

TEST_F(ZipStreamTest, DamagedEncryptedAndUnknownEntriesAreLeftOut) {
  std::string damaged = Make("zip -q a.zip numbers small");
  std::fill_n(damaged.begin() + 200, 300, '\xff');
  std::vector<std::pair<std::string, std::string>> entries = Read(damaged).entries;
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_LT(entries[0].second.size(), expected_[0].second.size());
  EXPECT_EQ(entries[1], expected_[1]);

  EXPECT_THAT(Read(Make("zip -q -P secret a.zip numbers && zip -q a.zip small")).entries,
              ElementsAre(expected_[1]));

  std::string unknown = Make("zip -q a.zip numbers small");
  unknown[8] = 99;  // the method of the first entry
  EXPECT_THAT(Read(unknown).entries, ElementsAre(expected_[1]));
}

TEST_F(ZipStreamTest, CutAnywhere) {
  const std::string archive = Make("zip -q a.zip small random numbers");
  for (size_t size = 0; size < archive.size(); size += size < 4000 ? 1 : 997) {
    const Entries read = Read(archive.substr(0, size));
    EXPECT_THAT(read.limits, IsEmpty());
    for (const auto& [name, data] : read.entries) {
      const auto whole = std::find_if(expected_.begin(), expected_.end(),
                                      [&](const auto& entry) { return entry.first == name; });
      ASSERT_NE(whole, expected_.end()) << name;
      EXPECT_EQ(whole->second.substr(0, data.size()), data);
    }
  }
}

TEST_F(ZipStreamTest, TheSinkStopsIt) {
  const std::string archive =
      Make("head -c 50000000 /dev/zero > zeros && zip -q a.zip zeros small");
  const Entries read = Read(archive, 65536, 1 << 20);
  ASSERT_THAT(read.entries, SizeIs(1));
  EXPECT_LE(read.entries[0].second.size(), size_t{1} << 20);
}

}  // namespace
}  // namespace lre_audit
