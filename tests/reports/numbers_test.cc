#include "reports/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lre_audit {
namespace {

TEST(Grouped, PutsCommasBetweenThousands) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(123456), "123,456");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(Counted, HasAPlural) {
  EXPECT_EQ(Counted(0, "file"), "0 files");
  EXPECT_EQ(Counted(1, "file"), "1 file");
  EXPECT_EQ(Counted(20315, "file"), "20,315 files");
}

TEST(HumanBytes, RoundsToTwoOrThreeDigits) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(9949), "9.9 kB");
  EXPECT_EQ(HumanBytes(9960), "10 kB");
  EXPECT_EQ(HumanBytes(999499), "999 kB");
  EXPECT_EQ(HumanBytes(999600), "1.0 MB");
  EXPECT_EQ(HumanBytes(495000000), "495 MB");
  EXPECT_EQ(HumanBytes(UINT64_MAX), "18 EB");
}

TEST(HumanSeconds, PicksTheUnit) {
  EXPECT_EQ(HumanSeconds(0), "0 ms");
  EXPECT_EQ(HumanSeconds(-1), "0 ms");
  EXPECT_EQ(HumanSeconds(std::nan("")), "0 ms");
  EXPECT_EQ(HumanSeconds(0.0123), "12 ms");
  EXPECT_EQ(HumanSeconds(0.0999), "0.1 s");
  EXPECT_EQ(HumanSeconds(1.24), "1.2 s");
  EXPECT_EQ(HumanSeconds(9.96), "10 s");
  EXPECT_EQ(HumanSeconds(59.7), "1 min 00 s");
  EXPECT_EQ(HumanSeconds(3599.4), "59 min 59 s");
  EXPECT_EQ(HumanSeconds(84643), "23 h 30 min");
  EXPECT_EQ(HumanSeconds(185), "3 min 05 s");
}

TEST(AsCount, TakesAnyDouble) {
  EXPECT_EQ(AsCount(20315), 20315u);
  EXPECT_EQ(AsCount(-3), 0u);
  EXPECT_EQ(AsCount(std::nan("")), 0u);
  EXPECT_EQ(AsCount(std::numeric_limits<double>::infinity()), uint64_t{1} << 53);
}

}  // namespace
}  // namespace lre_audit
