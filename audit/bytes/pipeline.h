// Sources that work while others do: a chain of them, from the file to the decoded bytes, spreads
// over as many threads as are spare.
//
//   file -> HashingSource -> PipelinedSource -> Inflater -> PipelinedSource -> HashingSource -> tar
#ifndef LRE_AUDIT_AUDIT_BYTES_PIPELINE_H_
#define LRE_AUDIT_AUDIT_BYTES_PIPELINE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/digest.h"
#include "audit/bytes/threads.h"

namespace lre_audit {

// Hashes and counts the bytes of `source` on their way.
class HashingSource : public ByteSource {
 public:
  // Both must outlive this; `hasher` may be null.
  HashingSource(ByteSource& source, DigestHasher* hasher) : source_(source), hasher_(hasher) {}
  absl::StatusOr<std::string_view> Next() override;
  bool Hold(size_t pieces) override { return source_.Hold(pieces); }

  uint64_t size() const { return size_; }
  bool failed() const { return failed_; }  // the source: no call may follow

 private:
  ByteSource& source_;
  DigestHasher* hasher_;
  uint64_t size_ = 0;
  bool failed_ = false;
};

// The bytes of `source`, produced ahead of their reader on a thread of their own, from the moment
// on at which one is spare; until then Next() is the source's. Errors come in their place, behind
// the bytes before them. The destructor waits for the source's current Next(), and for no other.
//
// While it runs, `source` and all that it reads from belong to that thread. When Next() has
// returned the end or an error, they belong to the reader again.
class PipelinedSource : public ByteSource {
 public:
  // How many pieces may wait for the reader: some milliseconds of work, so that neither side waits
  // for the other at every small file.
  static constexpr size_t kAhead = 8;

  // Pieces of its source that are in use at once, where its reader needs one at a time: one is
  // read while others wait and another is made.
  static constexpr size_t kHolds = kAhead + 1;

  // What is pointed to must outlive this. Null `threads`: it never runs. A reader that is itself
  // pipelined holds kHolds pieces.
  PipelinedSource(ByteSource& source, SpareThreads* threads, size_t reader_holds = 1)
      : source_(source), threads_(threads), reader_holds_(reader_holds) {}
  ~PipelinedSource() override;
  PipelinedSource(const PipelinedSource&) = delete;
  PipelinedSource& operator=(const PipelinedSource&) = delete;

  // Takes no thread before `other`, which needs it more, has one. `other` must outlive this, or be
  // what reads it.
  void StartAfter(const PipelinedSource& other) { after_ = &other; }

  absl::StatusOr<std::string_view> Next() override;
  bool Hold(size_t pieces) override;
  bool running() const { return running_.load(std::memory_order_relaxed); }

 private:
  void Produce();
  // `piece`, in memory that stays as it is for as long as the queue and its reader may need it.
  std::string_view Lasting(std::string_view piece);

  ByteSource& source_;
  SpareThreads* const threads_;
  size_t reader_holds_;
  const PipelinedSource* after_ = nullptr;
  // Of the reader:
  std::atomic<bool> running_ = false;
  bool begun_ = false;     // a piece has been delivered
  bool finished_ = false;  // the end or an error has been delivered
  std::thread thread_;

  // Of the thread: copies, used in turn, of pieces that the source does not hold.
  bool held_ = false;
  std::vector<std::string> copies_;
  size_t last_copy_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<absl::StatusOr<std::string_view>> queue_;  // the last one is the end, or an error
  bool stop_ = false;
};

// One more pair of hands for work on the same bytes: what the constructor was given runs beside the
// owner's own work, one piece at a time.
//
//   helper.Begin(piece); ...; helper.Wait();
class Helper {
 public:
  explicit Helper(std::function<void(std::string_view)> work) : work_(std::move(work)) {}
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  // Takes a thread, if there is one and it is of use.
  void Employ(SpareThreads& threads);

  // `piece` must stay valid until Wait(). Without a thread, and for a piece that is not worth the
  // handing over, the work is done here and now.
  void Begin(std::string_view piece);
  void Wait();

 private:
  enum class State { kIdle, kBusy, kStop };
  void Run();

  const std::function<void(std::string_view)> work_;
  bool employed_ = false;
  std::thread thread_;
  std::string_view piece_;
  std::atomic<State> state_ = State::kIdle;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_PIPELINE_H_
