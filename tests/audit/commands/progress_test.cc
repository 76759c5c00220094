#include "audit/commands/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace lre_audit {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

void PassDrawingInterval() { std::this_thread::sleep_for(std::chrono::milliseconds(110)); }

TEST(Progress, DrawsOneLineInPlaceAndWipesIt) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(true);
    progress.SetPhase("reading \x1b[2Jlayer 3 of 8");
    progress.SetTotal(495'000'000);
    PassDrawingInterval();
    progress.Add(99'000'000);
  }
  const std::string drawn = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(drawn, HasSubstr("\rreading \\x1b[2Jlayer 3 of 8  99 MB of 495 MB (20%)  "));
  EXPECT_THAT(drawn, EndsWith("\r\x1b[K"));
  EXPECT_THAT(drawn, Not(HasSubstr("\n")));
}

TEST(Progress, NeverWrapsTheLine) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(true);
    std::string phase;
    for (int i = 0; i < 5000; ++i) phase += "\xC3\xA9";
    progress.SetPhase(phase);
    PassDrawingInterval();
    progress.Add(1);
  }
  const std::string drawn = ::testing::internal::GetCapturedStderr();
  const size_t size = drawn.find("\x1b[K");
  ASSERT_NE(size, std::string::npos);
  EXPECT_GT(size, 2u);
  EXPECT_EQ(size % 2, 1u) << "cut inside a character";  // the carriage return and whole characters
  EXPECT_LT(size, 5000u);
}

TEST(Progress, AddsUpFromManyThreads) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(true);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) progress.Add(1'000'000);
        progress.SetPhase("hashing");
      });
    }
    for (std::thread& thread : threads) thread.join();
    PassDrawingInterval();
    progress.Add(0);
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("hashing  4.0 GB  "));
}

TEST(Progress, IsSilentWhenDisabled) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(false);
    progress.SetTotal(10);
    progress.SetPhase("x");
    PassDrawingInterval();
    progress.Add(10);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_FALSE(ProgressWanted(/*quiet=*/true));
}

}  // namespace
}  // namespace lre_audit
