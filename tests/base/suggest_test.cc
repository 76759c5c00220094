#include "base/suggest.h"

#include <gtest/gtest.h>

namespace lre_audit {
namespace {

TEST(EditDistance, CountsEditsAndSwaps) {
  struct Case {
    std::string_view a, b;
    size_t distance;
  };
  const Case kCases[] = {
      {"", "", 0},          {"", "abc", 3},           {"abc", "", 3},         {"image", "image", 0},
      {"image", "imge", 1}, {"image", "imgae", 1},    {"image", "imagee", 1}, {"image", "inage", 1},
      {"ca", "abc", 3},  // restricted: the unrestricted distance is 2
      {"JSON", "json", 0},  {"kitten", "sitting", 3}, {"store", "rule", 4},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(EditDistance(c.a, c.b), c.distance) << c.a << " " << c.b;
    EXPECT_EQ(EditDistance(c.b, c.a), c.distance) << c.b << " " << c.a;
  }
}

TEST(DidYouMean, NamesTheNearestWordOnly) {
  const std::string_view kWords[] = {"image", "store", "elf", "rule"};
  EXPECT_EQ(DidYouMean("imgae", kWords), "; did you mean 'image'?");
  EXPECT_EQ(DidYouMean("stroe", kWords), "; did you mean 'store'?");
  EXPECT_EQ(DidYouMean("ELF", kWords), "; did you mean 'elf'?");
  EXPECT_EQ(DidYouMean("rules", kWords), "; did you mean 'rule'?");
}

TEST(DidYouMean, IsSilentWhenNothingIsNear) {
  const std::string_view kWords[] = {"image", "store", "elf", "rule"};
  EXPECT_EQ(DidYouMean("frobnicate", kWords), "");
  EXPECT_EQ(DidYouMean("", kWords), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
  EXPECT_EQ(DidYouMean(std::string(1 << 20, 'e'), kWords), "");
}

}  // namespace
}  // namespace lre_audit
