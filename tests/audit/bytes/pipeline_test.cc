#include "audit/bytes/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "audit/bytes/inflate.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;

// Numbers as pieces, "0 ", "1 ", ..., then the end or an error. All come from as few buffers as the
// contract allows, so that a piece which is read too late is another one.
class Numbers : public ByteSource {
 public:
  Numbers(int count, bool holds, absl::Status end = absl::OkStatus())
      : count_(count), holds_(holds), end_(std::move(end)) {}

  absl::StatusOr<std::string_view> Next() override {
    EXPECT_FALSE(ended_) << "a call after the end or an error";
    callers.insert(std::this_thread::get_id());
    if (calls == count_) {
      ended_ = true;
      if (!end_.ok()) return end_;
      return std::string_view();
    }
    std::string& buffer = buffers_[calls % buffers_.size()];
    buffer = std::to_string(calls++) + " ";
    return std::string_view(buffer);
  }
  bool Hold(size_t pieces) override {
    if (holds_) buffers_.resize(std::max(buffers_.size(), pieces));
    return holds_;
  }

  std::atomic<int> calls = 0;
  std::set<std::thread::id> callers;

 private:
  const int count_;
  const bool holds_;
  const absl::Status end_;
  bool ended_ = false;
  std::vector<std::string> buffers_ = std::vector<std::string>(1);
};

std::string All(ByteSource& source, absl::Status* status = nullptr) {
  std::string all;
  while (true) {
    const absl::StatusOr<std::string_view> piece = source.Next();
    if (!piece.ok() && status != nullptr) *status = piece.status();
    if (!piece.ok() || piece->empty()) return all;
    std::this_thread::yield();
    all += *piece;
  }
}

std::string Counted(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += std::to_string(i) + " ";
  return all;
}

TEST(PipelinedSourceTest, DeliversAllInOrderWhoeverProducesIt) {
  for (const int spare : {0, 1, 2}) {
    for (const bool holds : {false, true}) {
      Numbers source(2000, holds);
      SpareThreads threads(spare);
      {
        PipelinedSource first(source, &threads, PipelinedSource::kHolds);
        PipelinedSource second(first, &threads);
        second.StartAfter(first);
        EXPECT_EQ(All(second), Counted(2000)) << spare << holds;
        EXPECT_EQ(first.running(), spare >= 1);
        // With one thread for two, the second may take it when the first is through.
        EXPECT_TRUE(second.running() || spare < 2);
        EXPECT_TRUE(second.Next()->empty()) << "the end stays the end";
      }
      EXPECT_EQ(source.callers.size(), spare >= 1 ? 2u : 1u);
      std::vector<std::thread> again(spare);
      for (std::thread& thread : again) {
        EXPECT_TRUE(threads.Start([] {}, &thread)) << "a stage kept its thread";
        if (thread.joinable()) thread.join();
      }
    }
  }
}

TEST(PipelinedSourceTest, RunsInItsReadersThreadWithoutThreads) {
  Numbers source(20, false);
  PipelinedSource pipelined(source, nullptr);
  EXPECT_EQ(All(pipelined), Counted(20));
  EXPECT_THAT(source.callers, testing::ElementsAre(std::this_thread::get_id()));
}

TEST(PipelinedSourceTest, TakesAThreadAsSoonAsOneIsSpare) {
  Numbers source(2000, false);
  SpareThreads threads(0);
  PipelinedSource pipelined(source, &threads);
  std::string all;
  for (int i = 0; i < 100; ++i) all += *pipelined.Next();
  EXPECT_FALSE(pipelined.running());
  threads.Give();
  all += All(pipelined);
  EXPECT_TRUE(pipelined.running());
  EXPECT_EQ(all, Counted(2000));
}

TEST(PipelinedSourceTest, ErrorsComeBehindTheBytesBeforeThem) {
  Numbers source(100, false, absl::DataLossError("damaged"));
  SpareThreads threads(1);
  PipelinedSource pipelined(source, &threads);
  absl::Status status;
  EXPECT_EQ(All(pipelined, &status), Counted(100));
  EXPECT_EQ(status, absl::DataLossError("damaged"));
}

// A reader that stops early, as at a limit: nothing hangs, and no more is read than may wait.
TEST(PipelinedSourceTest, StopsWithItsReader) {
  for (const int read : {0, 1, 2, 10}) {
    Numbers source(1'000'000, false);
    SpareThreads threads(1);
    {
      PipelinedSource pipelined(source, &threads);
      for (int i = 0; i < read; ++i) ASSERT_TRUE(pipelined.Next().ok());
    }
    EXPECT_LE(source.calls, read + static_cast<int>(PipelinedSource::kAhead) + 1);
    std::thread thread;
    EXPECT_TRUE(threads.Start([] {}, &thread));
    thread.join();
  }
}

TEST(PipelinedSourceTest, ReadsAheadNoFurtherThanItMay) {
  Numbers source(1000, true);
  SpareThreads threads(1);
  PipelinedSource pipelined(source, &threads);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pipelined.Next().ok());
  // However long the reader takes.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_LE(source.calls, 5 + static_cast<int>(PipelinedSource::kAhead));
}

// The chain that a layer flows through, with and without threads, over all compressions.
TEST(PipelineTest, AnInflaterInAChainGivesTheSameBytesAndHashes) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() +
        " && (seq 1 900000; head -c 3000000 /dev/urandom) > plain && gzip -k plain && "
        "zstd -q -k plain");
  const std::string plain = ReadFile(scratch / "plain");
  for (const char* name : {"plain", "plain.gz", "plain.zst"}) {
    for (const int spare : {0, 1, 2, 3}) {
      SpareThreads threads(spare);
      uint64_t size = 0;
      auto file = OpenRegularFile(AT_FDCWD, scratch / name, &size);
      ASSERT_TRUE(file.ok()) << file.status();
      FileSource source(*file, 0, size);
      DigestHasher of_file(Digest::Algorithm::kSha256), of_contents(Digest::Algorithm::kSha256);
      HashingSource hashed(source, &of_file);
      PipelinedSource compressed(hashed, &threads);
      Inflater inflater(compressed, DecodeLimits());
      PipelinedSource inflated(inflater, &threads, PipelinedSource::kHolds);
      HashingSource contents(inflated, &of_contents);
      PipelinedSource bytes(contents, &threads);
      bytes.StartAfter(inflated);
      compressed.StartAfter(inflated);
      EXPECT_TRUE(All(bytes) == plain) << name << " with " << spare;
      EXPECT_EQ(of_contents.Finish().hex, Sha256Of(plain));
      EXPECT_EQ(of_file.Finish().hex, Sha256Of(ReadFile(scratch / name)));
      EXPECT_EQ(contents.size(), plain.size());
      EXPECT_EQ(hashed.size(), size);
    }
  }
}

TEST(HelperTest, DoesAllInOrderAndBesideItsOwner) {
  for (const int spare : {0, 1}) {
    SpareThreads threads(spare);
    Sha256 hash;
    std::string all;
    std::set<std::thread::id> workers;
    {
      Helper helper([&](std::string_view piece) {
        workers.insert(std::this_thread::get_id());
        hash.Update(piece);
      });
      helper.Employ(threads);
      for (int i = 0; i < 300; ++i) {
        const std::string piece(i % 3 == 0 ? 100 : 100'000, static_cast<char>('a' + i % 26));
        helper.Begin(piece);
        all += piece;
        helper.Wait();
      }
    }
    EXPECT_EQ(hash.FinishHex(), Sha256Of(all));
    EXPECT_EQ(workers.size(), 1u + spare);
    EXPECT_TRUE(spare == 0 || threads.Take());
  }
}

TEST(HelperTest, GoesWithItsOwnerThoughNobodyWaited) {
  SpareThreads threads(1);
  std::atomic<int> done = 0;
  const std::string piece(100'000, 'x');
  {
    Helper helper([&](std::string_view) { ++done; });
    helper.Employ(threads);
    helper.Begin(piece);
  }
  EXPECT_EQ(done, 1);
}

TEST(RunParallelTest, DoesEachOnceOnAsManyThreadsAsItMay) {
  for (const int jobs : {1, 3, 8}) {
    SpareThreads threads(jobs);
    std::vector<std::atomic<int>> done(50);
    std::atomic<int> running = 0, most = 0;
    RunParallel(std::vector<uint64_t>(done.size(), 1), threads, [&](size_t i) {
      const int now = ++running;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++done[i];
      --running;
    });
    for (const std::atomic<int>& count : done) EXPECT_EQ(count, 1);
    EXPECT_THAT(most.load(), AllOf(Ge(1), Le(jobs)));
    int spare = 0;
    while (threads.Take()) ++spare;
    EXPECT_EQ(spare, jobs) << "a thread was not given back";
  }
}

// The largest work item is begun first, and those who find nothing left are spare meanwhile.
TEST(RunParallelTest, LeavesIdleThreadsToTheWorkItself) {
  SpareThreads threads(2);
  std::atomic<bool> helped = false;
  RunParallel({1, 1000}, threads, [&](size_t i) {
    if (i == 0) return;
    while (!helped) {
      std::thread thread;
      if (threads.Start([&] { helped = true; }, &thread)) thread.join();
    }
  });
  EXPECT_TRUE(helped);
}

}  // namespace
}  // namespace lre_audit
