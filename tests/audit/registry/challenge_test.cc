#include "audit/registry/challenge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lre_audit::registry {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(Challenge, OfARegistry) {
  const auto all = ParseChallenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].scheme, "bearer");
  EXPECT_THAT(all[0].parameters, UnorderedElementsAre(Pair("realm", "https://auth.docker.io/token"),
                                                      Pair("service", "registry.docker.io"),
                                                      Pair("scope", "repository:a/b:pull,push")));
}

TEST(Challenge, SeveralInOneHeader) {
  const auto all =
      ParseChallenges(R"(Negotiate, Basic Realm = "a \"b\", c" , charset=UTF-8, BEARER realm=x)");
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].scheme, "negotiate");
  EXPECT_THAT(all[0].parameters, IsEmpty());
  EXPECT_THAT(all[1].parameters,
              UnorderedElementsAre(Pair("realm", "a \"b\", c"), Pair("charset", "UTF-8")));
  EXPECT_EQ(all[2].parameters.at("realm"), "x");
}

TEST(Challenge, TheFirstOfTwoParametersCounts) {
  EXPECT_EQ(ParseChallenges(R"(Bearer realm="a",realm="b")")[0].parameters.at("realm"), "a");
}

TEST(Challenge, Garbage) {
  EXPECT_THAT(ParseChallenges(""), IsEmpty());
  EXPECT_THAT(ParseChallenges(",,, ="), IsEmpty());
  EXPECT_THAT(ParseChallenges("realm=\"x\""), IsEmpty());
  EXPECT_THAT(ParseChallenges("Bearer realm=\"never closed\\"), SizeIs(1));
  EXPECT_THAT(ParseChallenges(std::string("\0\xff\x80(", 4)), IsEmpty());
}

}  // namespace
}  // namespace lre_audit::registry
