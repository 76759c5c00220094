// The pools that logs keep what is shared in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

#include "audit/cache/list_pool.h"
#include "audit/cache/string_table.h"

namespace lre_audit::cache {
namespace {

TEST(StringTable, OneIdForEachString) {
  StringTable table;
  std::mt19937 random(1);
  std::map<std::string, StringId> known = {{"", 0}};
  for (int i = 0; i < 30000; ++i) {
    std::string text;
    const int length = static_cast<int>(random() % 7);
    for (int j = 0; j < length; ++j) text += "ab/-\0"[random() % 5];
    const auto [found, is_new] = known.try_emplace(text, table.Intern(text));
    EXPECT_EQ(table.Intern(text), found->second);
    EXPECT_EQ(table.Find(text), found->second);
  }
  EXPECT_EQ(table.size(), known.size());
  for (const auto& [text, id] : known) EXPECT_EQ(table.Get(id), text);
  EXPECT_EQ(table.Find("not there"), 0u);
}

TEST(StringTable, Splits) {
  StringTable table;
  const StringTable::Parts whole = table.Split(table.Intern("name"));
  const StringTable::Parts root = table.Split(table.Intern("/name"));
  const StringTable::Parts deep = table.Split(table.Intern("a/b/c"));
  const StringTable::Parts sibling = table.Split(table.Intern("a/b/"));
  EXPECT_EQ(whole.directory, 0u);
  EXPECT_NE(root.directory, 0u);
  EXPECT_EQ(root.directory_text, "");
  EXPECT_EQ(deep.directory_text, "a/b");
  EXPECT_EQ(deep.tail, "c");
  EXPECT_EQ(sibling.directory, deep.directory);
  EXPECT_EQ(sibling.tail, "");
}

TEST(StringTable, LargeStrings) {
  StringTable table;
  const std::string large(1 << 20, 'x');
  const StringId id = table.Intern(large + "/" + large);
  const StringId small = table.Intern("a/b");
  EXPECT_EQ(table.Get(id), large + "/" + large);
  EXPECT_EQ(table.Get(small), "a/b");
}

TEST(ListPool, OneIdForEachInternedList) {
  ListPool pool;
  std::mt19937 random(1);
  std::map<std::vector<uint32_t>, ListId> known = {{{}, 0}};
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint32_t> list(random() % 6);
    for (uint32_t& id : list) id = random() % 5;
    const auto [found, is_new] = known.try_emplace(list, pool.Intern(list));
    EXPECT_EQ(pool.Intern(list), found->second);
  }
  for (const auto& [list, id] : known) {
    EXPECT_THAT(pool.Get(id), ::testing::ElementsAreArray(list));
  }
}

TEST(ListPool, ListsLongerThanABlock) {
  ListPool pool;
  std::map<ListId, std::vector<uint32_t>> lists;
  for (const size_t size : {1, 65534, 65535, 65536, 65537, 3, 200000, 131071, 131072, 5}) {
    std::vector<uint32_t> list(size);
    std::iota(list.begin(), list.end(), static_cast<uint32_t>(size));
    lists[pool.Add(list)] = list;
  }
  EXPECT_EQ(lists.size(), 10u);
  for (const auto& [id, list] : lists) {
    EXPECT_TRUE(std::ranges::equal(pool.Get(id), list)) << list.size();
  }
  EXPECT_FALSE(pool.full());
}

TEST(ListPool, RunsAreShared) {
  ListPool pool;
  std::vector<uint32_t> list(2000);
  std::iota(list.begin(), list.end(), 1);
  const ListId whole = pool.InternRuns(list, 8);
  EXPECT_EQ(pool.GetRuns(whole), list);
  EXPECT_EQ(pool.InternRuns(list, 8), whole);
  const std::vector<ListId> before = pool.Runs(list, 8);
  EXPECT_GT(before.size(), 100u);
  list[1000] = 77777;
  const std::vector<ListId> after = pool.Runs(list, 8);
  std::map<ListId, int> seen;
  for (const ListId run : before) ++seen[run];
  int others = 0;
  for (const ListId run : after) others += seen.contains(run) ? 0 : 1;
  EXPECT_GE(others, 1);
  EXPECT_LE(others, 2);
}

}  // namespace
}  // namespace lre_audit::cache
