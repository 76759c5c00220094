// Whose directory it is, and what others may have put there.
#include "audit/facts/cache_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kLimit = 1 << 20;

std::vector<std::string> NamesIn(const CacheDirectory& directory) {
  const auto files = directory.List();
  EXPECT_TRUE(files.ok()) << files.status();
  std::vector<std::string> names;
  for (const CacheDirectory::File& file : *files) names.push_back(file.name);
  return names;
}

class CacheDirectoryTest : public ::testing::Test {
 protected:
  CacheDirectory Opened() {
    absl::StatusOr<CacheDirectory> directory = CacheDirectory::Open(path_, /*create=*/true);
    EXPECT_TRUE(directory.ok()) << directory.status();
    return *std::move(directory);
  }

  TemporaryDirectory scratch_;
  const std::string path_ = scratch_ / "a/b/cache";
};

TEST_F(CacheDirectoryTest, IsMadeForTheUserAlone) {
  EXPECT_EQ(CacheDirectory::Open(path_, /*create=*/false).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "a"));
  const CacheDirectory directory = Opened();
  for (const char* name : {"a", "a/b", "a/b/cache"}) {
    struct stat status;
    ASSERT_EQ(stat((scratch_ / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700) << name;
  }
  ASSERT_TRUE(directory.Write("x", "content").ok());
  struct stat status;
  ASSERT_EQ(stat((path_ + "/x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600);
}

TEST_F(CacheDirectoryTest, FilesAreReplacedWhole) {
  const CacheDirectory directory = Opened();
  EXPECT_EQ(directory.Read("x", kLimit, false).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(directory.Write("x", "one").ok());
  ASSERT_TRUE(directory.Write("x", "two").ok());
  EXPECT_EQ(*directory.Read("x", kLimit, false), "two");
  EXPECT_EQ(*directory.ReadHead("x", 2), "tw");
  EXPECT_EQ(*directory.ReadHead("x", 200), "two");
  EXPECT_THAT(NamesIn(directory), ElementsAre("x"));
  EXPECT_EQ(directory.Read("x", 2, false).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(directory.Remove("x"));
  EXPECT_TRUE(directory.Remove("x"));
  EXPECT_THAT(NamesIn(directory), ElementsAre());
}

TEST_F(CacheDirectoryTest, LeastRecentlyUsedFirst) {
  const CacheDirectory directory = Opened();
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(directory.Write(name, name).ok());
    const timeval times[2] = {{1000 + name[0], 0}, {1000 + name[0], 0}};
    ASSERT_EQ(utimes((path_ + "/" + name).c_str(), times), 0);
  }
  EXPECT_THAT(NamesIn(directory), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(directory.Read("b", kLimit, /*use=*/false).ok());
  EXPECT_THAT(NamesIn(directory), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(directory.Read("a", kLimit, /*use=*/true).ok());
  EXPECT_THAT(NamesIn(directory), ElementsAre("b", "c", "a"));
}

TEST_F(CacheDirectoryTest, SymlinksAreNotFollowed) {
  const CacheDirectory directory = Opened();
  PutFile(scratch_ / "elsewhere", "secret");
  ASSERT_EQ(symlink((scratch_ / "elsewhere").c_str(), (path_ + "/x").c_str()), 0);
  EXPECT_FALSE(directory.Read("x", kLimit, true).ok());
  // Replaced, not written through.
  ASSERT_TRUE(directory.Write("x", "facts").ok());
  EXPECT_EQ(ReadFile(scratch_ / "elsewhere"), "secret");
  EXPECT_EQ(*directory.Read("x", kLimit, true), "facts");

  ASSERT_EQ(symlink(path_.c_str(), (scratch_ / "link").c_str()), 0);
  for (const char* name : {"link", "link/", "link//"}) {
    EXPECT_FALSE(CacheDirectory::Open(scratch_ / name, /*create=*/true).ok()) << name;
  }
}

TEST_F(CacheDirectoryTest, WhatOthersCanWriteToIsRefused) {
  const CacheDirectory directory = Opened();
  ASSERT_TRUE(directory.Write("x", "facts").ok());
  for (const mode_t mode : {0620, 0602}) {
    ASSERT_EQ(chmod((path_ + "/x").c_str(), mode), 0);
    EXPECT_EQ(directory.Read("x", kLimit, true).status().code(),
              absl::StatusCode::kPermissionDenied);
  }
  for (const mode_t mode : {0770, 0707}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    const absl::Status refused = CacheDirectory::Open(path_, /*create=*/true).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("chmod go-w"));
  }
  ASSERT_EQ(chmod(path_.c_str(), 0755), 0);
  EXPECT_TRUE(CacheDirectory::Open(path_, /*create=*/true).ok());
}

TEST_F(CacheDirectoryTest, WhatBelongsToOthersIsRefused) {
  std::string others = "/";  // root's
  if (geteuid() == 0) {
    Opened();
    ASSERT_EQ(chown(path_.c_str(), 4711, 4711), 0);
    others = path_;
  }
  EXPECT_EQ(CacheDirectory::Open(others, /*create=*/true).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(CacheDirectoryTest, OnlyRegularFilesAreRead) {
  const CacheDirectory directory = Opened();
  ASSERT_EQ(mkfifo((path_ + "/fifo").c_str(), 0600), 0);
  ASSERT_EQ(mkdir((path_ + "/directory").c_str(), 0700), 0);
  EXPECT_FALSE(directory.Read("fifo", kLimit, true).ok());
  EXPECT_FALSE(directory.Read("directory", kLimit, true).ok());
  EXPECT_THAT(NamesIn(directory), ElementsAre());
  PutFile(scratch_ / "file", "");
  EXPECT_FALSE(CacheDirectory::Open(scratch_ / "file", /*create=*/true).ok());
}

TEST_F(CacheDirectoryTest, FailedWritesLeaveNothingBehind) {
  const CacheDirectory directory = Opened();
  ASSERT_EQ(mkdir((path_ + "/x").c_str(), 0700), 0);  // rename fails
  EXPECT_FALSE(directory.Write("x", "facts").ok());
  EXPECT_THAT(NamesIn(directory), ElementsAre());
}

TEST(DefaultCacheDirectory, FollowsTheXdgSpecification) {
  const auto with = [](const char* own, const char* xdg, const char* home) {
    const auto set = [](const char* name, const char* value) {
      value == nullptr ? unsetenv(name) : setenv(name, value, 1);
    };
    set("LRE_AUDIT_CACHE_DIR", own);
    set("XDG_CACHE_HOME", xdg);
    set("HOME", home);
    return DefaultCacheDirectory();
  };
  EXPECT_EQ(with("/own", "/xdg", "/usr"), "/own");
  EXPECT_EQ(with("own", "/xdg", "/usr"), "own");
  EXPECT_EQ(with("", "/xdg", "/usr"), "/xdg/lre-audit");
  EXPECT_EQ(with(nullptr, "/xdg", "/usr"), "/xdg/lre-audit");
  EXPECT_EQ(with(nullptr, "xdg", "/usr"), "/usr/.cache/lre-audit");
  EXPECT_EQ(with(nullptr, "", "/usr"), "/usr/.cache/lre-audit");
  EXPECT_EQ(with(nullptr, nullptr, nullptr), "");
  EXPECT_EQ(with(nullptr, nullptr, ""), "");
  EXPECT_EQ(with(nullptr, nullptr, "/homeless-shelter"), "");
}

}  // namespace
}  // namespace lre_audit
