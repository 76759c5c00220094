// What is kept of a stream that need not end.
#include "audit/trees/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::HasSubstr;

// An archive of GNU tar, then `behind` again and again; each piece takes `step` of a clock.
class Stream : public ByteSource {
 public:
  Stream(std::string archive, std::string behind, absl::Duration step = absl::ZeroDuration())
      : archive_(std::move(archive)), behind_(std::move(behind)), step_(step) {}
  absl::StatusOr<std::string_view> Next() override {
    now_ += step_;
    if (std::exchange(begun_, true)) return std::string_view(behind_);
    return std::string_view(archive_);
  }
  absl::Time now() const { return now_; }

 private:
  const std::string archive_, behind_;
  const absl::Duration step_;
  absl::Time now_ = absl::UnixEpoch();
  bool begun_ = false;
};

std::string Archive() {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() + " && seq 100000 > a && tar -cf a.tar a");
  return ReadFile(scratch / "a.tar");
}

std::string Contents(const Spooled& spooled) {
  FileSource file(spooled.file, 0, spooled.size);
  return *ReadAll(file, uint64_t{1} << 30);
}

TEST(Spool, KeepsAll) {
  const std::string archive = Archive();
  Stream stream(archive, "");
  const auto spooled = Spool(stream);
  ASSERT_TRUE(spooled.ok()) << spooled.status();
  EXPECT_TRUE(spooled->broke.ok()) << spooled->broke;
  EXPECT_TRUE(Contents(*spooled) == archive);
}

TEST(Spool, EndlessStreams) {
  const std::string archive = Archive();
  for (const std::string& behind : {std::string(65536, '\0'), std::string(1000, 'x'), archive}) {
    Stream stream(archive, behind);
    const auto spooled = Spool(stream);
    ASSERT_TRUE(spooled.ok()) << spooled.status();
    EXPECT_THAT(std::string(spooled->broke.message()), HasSubstr("behind the end of the archive"));
    EXPECT_TRUE(absl::IsResourceExhausted(spooled->broke));
    EXPECT_LT(spooled->size, archive.size() + (2 << 20));
    EXPECT_EQ(Contents(*spooled).substr(0, archive.size()), archive);
  }
  // Files without end.
  const std::string file = TarBuilder().File("a", std::string(100000, 'x')).bytes();
  Stream files(file, file);
  const auto spooled = Spool(files, {.bytes = 10 << 20});
  ASSERT_TRUE(spooled.ok()) << spooled.status();
  EXPECT_THAT(std::string(spooled->broke.message()), HasSubstr("more than the limit of 10485760"));
  EXPECT_LE(spooled->size, uint64_t{10} << 20);
}

TEST(Spool, SlowStreams) {
  const std::string file = TarBuilder().File("a", std::string(1 << 20, 'x')).bytes();
  Stream slow(file, file, absl::Seconds(2));
  const auto spooled = Spool(slow, {.now = [&] { return slow.now(); }});
  ASSERT_TRUE(spooled.ok()) << spooled.status();
  EXPECT_THAT(std::string(spooled->broke.message()), HasSubstr("less than 1048576 a second"));
  // Half as long for each, and it may go on.
  Stream fast(file, file, absl::Milliseconds(900));
  const auto whole = Spool(fast, {.bytes = 300 << 20, .now = [&] { return fast.now(); }});
  EXPECT_THAT(std::string(whole->broke.message()), HasSubstr("more than the limit"));
}

}  // namespace
}  // namespace lre_audit
