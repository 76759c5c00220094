#include "base/paths.h"

#include <gtest/gtest.h>

namespace lre_audit {
namespace {

TEST(Paths, WithinAndBelow) {
  EXPECT_TRUE(IsWithin("/nix/store", "/nix/store"));
  EXPECT_TRUE(IsWithin("/nix/store/x", "/nix/store"));
  EXPECT_FALSE(IsWithin("/nix/store2/x", "/nix/store"));
  EXPECT_FALSE(IsWithin("/nix", "/nix/store"));
  EXPECT_FALSE(IsWithin("", "/nix/store"));

  EXPECT_FALSE(IsBelow("/nix/store", "/nix/store"));
  EXPECT_TRUE(IsBelow("/nix/store/", "/nix/store"));
  EXPECT_TRUE(IsBelow("/nix/store/x", "/nix/store"));
  EXPECT_FALSE(IsBelow("/nix/store2/x", "/nix/store"));
  EXPECT_FALSE(IsBelow("/nix", "/nix/store"));
}

TEST(Paths, DirectoryOf) {
  EXPECT_EQ(DirectoryOf("/a/b/c"), "/a/b");
  EXPECT_EQ(DirectoryOf("/a/b"), "/a");
  EXPECT_EQ(DirectoryOf("/a"), "/");
  EXPECT_EQ(DirectoryOf("/"), "/");
}

}  // namespace
}  // namespace lre_audit
