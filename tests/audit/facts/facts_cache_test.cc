// What is kept, found, dropped and pruned.
#include "audit/facts/facts_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "audit/facts/upkeep.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FactsCacheTest : public ::testing::Test {
 protected:
  FactsCacheOptions Options(std::string version = "1", uint64_t max_bytes = kDefaultCacheBytes) {
    FactsCacheOptions options;
    options.directory = path_;
    options.version = std::move(version);
    options.max_bytes = max_bytes;
    options.on_note = [this](const std::string& note) {
      const std::lock_guard lock(mutex_);
      notes_.push_back(note);
    };
    return options;
  }
  CacheDirectory Directory() { return *CacheDirectory::Open(path_, /*create=*/true); }
  std::string FileOf(const std::string& key) { return path_ + "/" + KeptFileName(key); }
  void SetUsed(const std::string& file, absl::Time used) {
    const timeval time = absl::ToTimeval(used);
    const timeval times[2] = {time, time};
    ASSERT_EQ(utimes(file.c_str(), times), 0);
  }

  TemporaryDirectory scratch_;
  const std::string path_ = scratch_ / "cache";
  std::mutex mutex_;
  std::vector<std::string> notes_;
};

TEST_F(FactsCacheTest, FindsWhatWasKept) {
  std::string key;
  {
    FactsCache cache(Options());
    key = cache.KeyOf({"a", "b"});
    EXPECT_EQ(cache.Find(key), std::nullopt);
    EXPECT_FALSE(std::filesystem::exists(path_));  // nothing to keep yet
    cache.Keep(key, "facts");
    EXPECT_EQ(cache.Find(key), "facts");
    cache.Keep(key, "better facts");
  }
  EXPECT_EQ(FactsCache(Options()).Find(key), "better facts");
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(FactsCacheTest, KeysTellEverythingApart) {
  FactsCache cache(Options());
  const std::string key = cache.KeyOf({"a", "b"});
  EXPECT_NE(key, cache.KeyOf({"ab", ""}));
  EXPECT_NE(key, cache.KeyOf({"ab"}));
  EXPECT_NE(key, cache.KeyOf({"a", "b", ""}));
  EXPECT_NE(key, cache.KeyOf({"b", "a"}));
  EXPECT_NE(key, FactsCache(Options("2")).KeyOf({"a", "b"}));
  EXPECT_EQ(key, FactsCache(Options()).KeyOf({"a", "b"}));
}

TEST_F(FactsCacheTest, WhatIsNotRightIsDroppedAndTold) {
  FactsCache cache(Options());
  const std::string key = cache.KeyOf({"a"}), other = cache.KeyOf({"b"});
  cache.Keep(other, "facts of b");
  const std::string good = ReadFile(FileOf(other));
  for (const std::string& content : {good, good.substr(0, good.size() - 1), std::string("garbage"),
                                     std::string(), std::string(5000, '\0')}) {
    PutFile(FileOf(key), content);
    ASSERT_EQ(chmod(FileOf(key).c_str(), 0600), 0);
    notes_.clear();
    EXPECT_EQ(cache.Find(key), std::nullopt);
    EXPECT_FALSE(std::filesystem::exists(FileOf(key)));
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("dropped " + KeptFileName(key))));
  }
  EXPECT_EQ(cache.Find(other), "facts of b");
}

TEST_F(FactsCacheTest, AnEntryThatOthersCanWriteToIsNotBelieved) {
  FactsCache cache(Options());
  const std::string key = cache.KeyOf({"a"});
  cache.Keep(key, "facts");
  ASSERT_EQ(chmod(FileOf(key).c_str(), 0666), 0);
  EXPECT_EQ(cache.Find(key), std::nullopt);
}

TEST_F(FactsCacheTest, WithoutAPlaceNothingIsKept) {
  PutFile(path_, "in the way");
  FactsCache cache(Options());
  const std::string key = cache.KeyOf({"a"});
  cache.Keep(key, "facts");
  EXPECT_EQ(cache.Find(key), std::nullopt);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("no facts are kept")));
  EXPECT_EQ(ReadFile(path_), "in the way");
}

TEST_F(FactsCacheTest, AFullDiskEndsTheKeepingAlone) {
  FactsCache cache(Options());
  const std::string small = cache.KeyOf({"small"}), large = cache.KeyOf({"large"});
  cache.Keep(small, "facts");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight = {4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  std::string noise;
  std::minstd_rand random(1);
  while (noise.size() < 100'000) noise += static_cast<char>(random());
  cache.Keep(large, noise);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(cache.Find(large), std::nullopt);
  EXPECT_EQ(cache.Find(small), "facts");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("not kept")));
  EXPECT_EQ(Directory().List()->size(), 1);  // no temporary
}

TEST_F(FactsCacheTest, TheLeastRecentlyUsedGoesFirst) {
  std::vector<std::string> keys;
  uint64_t size = 0;
  {
    FactsCache cache(Options());
    for (int i = 0; i < 5; ++i) {
      keys.push_back(cache.KeyOf({std::to_string(i)}));
      cache.Keep(keys.back(), "facts");
    }
    size = std::filesystem::file_size(FileOf(keys[0]));
    for (int i = 0; i < 5; ++i) {
      SetUsed(FileOf(keys[i]), absl::Now() - absl::Hours(10 - i));
    }
    EXPECT_EQ(cache.Find(keys[0]), "facts");  // used now
  }
  PutFile(path_ + "/foreign", std::string(100'000, 'x'));
  // One that keeps makes room: what is found above goes on being kept.
  std::string sixth;
  {
    FactsCache cache(Options("1", 3 * size));
    sixth = cache.KeyOf({"5"});
    cache.Keep(sixth, "facts");
  }
  FactsCache cache(Options());
  EXPECT_EQ(cache.Find(keys[0]), "facts");
  for (const int i : {1, 2, 3}) EXPECT_EQ(cache.Find(keys[i]), std::nullopt) << i;
  EXPECT_EQ(cache.Find(keys[4]), "facts");
  EXPECT_EQ(cache.Find(sixth), "facts");
  EXPECT_TRUE(std::filesystem::exists(path_ + "/foreign"));
}

TEST_F(FactsCacheTest, WhatIsLargerThanTheLimitIsNotKept) {
  FactsCache cache(Options("1", 100));
  const std::string key = cache.KeyOf({"a"});
  cache.Keep(key, "facts");
  EXPECT_EQ(cache.Find(key), std::nullopt);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("more than the limit of 100")));
}

TEST_F(FactsCacheTest, SurveyPruneAndVerify) {
  std::string old_key, key;
  {
    FactsCache old(Options("0"));
    old_key = old.KeyOf({"a"});
    old.Keep(old_key, "facts");
    FactsCache cache(Options());
    key = cache.KeyOf({"a"});
    cache.Keep(key, "facts");
  }
  SetUsed(FileOf(key), absl::FromUnixSeconds(1'700'000'000));
  // A writer that was killed, one that is at work, and what is none of ours.
  const std::string killed = FileOf(key) + ".17.3.tmp", at_work = FileOf(key) + ".18.0.tmp";
  PutFile(killed, "half");
  PutFile(at_work, "half");
  PutFile(path_ + "/a.tmp", "foreign");
  PutFile(path_ + "/README", "foreign");
  SetUsed(killed, absl::Now() - absl::Hours(2));
  SetUsed(path_ + "/a.tmp", absl::Now() - absl::Hours(2));

  const CacheDirectory directory = Directory();
  const auto survey = SurveyCache(directory, "1");
  ASSERT_TRUE(survey.ok());
  EXPECT_EQ(survey->entries, 2);
  EXPECT_EQ(survey->stale, 1);
  EXPECT_EQ(survey->oldest, absl::FromUnixSeconds(1'700'000'000));

  auto change = PruneCache(directory, kDefaultCacheBytes);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->removed, 1);
  EXPECT_EQ(change->entries, 2);
  EXPECT_FALSE(std::filesystem::exists(killed));
  EXPECT_TRUE(std::filesystem::exists(at_work));
  EXPECT_TRUE(std::filesystem::exists(path_ + "/a.tmp"));

  // Another version's entry is sound: verify leaves it.
  change = VerifyCache(directory);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->entries, 2);
  EXPECT_THAT(change->bad, IsEmpty());

  // One renamed, one damaged.
  const std::string renamed(64, '0');
  std::filesystem::rename(FileOf(old_key), FileOf(renamed));
  std::string damaged = ReadFile(FileOf(key));
  damaged.back() ^= 1;
  PutFile(FileOf(key), damaged);
  change = VerifyCache(directory);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->removed, 2);
  EXPECT_EQ(change->entries, 0);
  ASSERT_EQ(change->bad.size(), 2);
  EXPECT_FALSE(std::filesystem::exists(FileOf(renamed)));
  EXPECT_FALSE(std::filesystem::exists(FileOf(key)));

  change = ClearCache(directory);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->removed, 1);  // who was at work
  EXPECT_TRUE(std::filesystem::exists(path_ + "/README"));
}

TEST_F(FactsCacheTest, PruneStaleRemovesOtherVersions) {
  FactsCache old(Options("0")), cache(Options());
  const std::string old_key = old.KeyOf({"a"}), key = cache.KeyOf({"a"});
  old.Keep(old_key, "old");
  cache.Keep(key, "new");
  const auto change = PruneStale(Directory(), "1");
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->removed, 1);
  EXPECT_EQ(old.Find(old_key), std::nullopt);
  EXPECT_EQ(cache.Find(key), "new");
}

// Writers, readers and pruners of the same few entries, at once: every answer is right or none.
TEST_F(FactsCacheTest, ManyAtOnceGetTheirOwn) {
  std::vector<std::thread> threads;
  std::atomic<int> found = 0, wrong = 0;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(t + 1);
      for (int round = 0; round < 40; ++round) {
        FactsCache cache(Options("1", 2000));
        for (int i = 0; i < 10; ++i) {
          const std::string name = std::to_string(random() % 20);
          const std::string key = cache.KeyOf({name});
          const std::string facts = "facts of " + name;
          const std::optional<std::string> got = cache.Find(key);
          if (!got) {
            cache.Keep(key, facts);
          } else {
            ++(*got == facts ? found : wrong);
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 0);
  EXPECT_THAT(notes_, IsEmpty());
}

}  // namespace
}  // namespace lre_audit
