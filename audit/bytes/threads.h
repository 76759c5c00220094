// Threads, counted: an audit runs on as many as the user allows, wherever they are of use. What has
// none of its own to start yet leaves them to those who can split their work.
#ifndef LRE_AUDIT_AUDIT_BYTES_THREADS_H_
#define LRE_AUDIT_AUDIT_BYTES_THREADS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace lre_audit {

// How many threads `jobs` stands for: itself, or one per core for 0.
int ThreadsOf(int jobs);

// The threads that may still be started beside those that run. Thread-safe; nobody waits for one.
class SpareThreads {
 public:
  explicit SpareThreads(int count) : free_(count) {}

  // Runs `work` on a thread of its own, which becomes spare again when it returns; `thread`
  // receives it, to be joined. False where none is spare, or the system has none to give.
  bool Start(std::function<void()> work, std::thread* thread);
  // Takes one for a thread that the caller starts; false where none is spare.
  bool Take();
  void Give() { free_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<int> free_;
};

// Runs work(0) .. work(count - 1), largest size first; `sizes` has `count` entries. The caller's
// thread is one of those that work, and one of `threads`; each that finds nothing more to begin
// becomes spare while the others go on.
void RunParallel(const std::vector<uint64_t>& sizes, SpareThreads& threads,
                 const std::function<void(size_t)>& work);
// On `jobs` threads, where the work itself has no use for more.
void RunParallel(const std::vector<uint64_t>& sizes, int jobs,
                 const std::function<void(size_t)>& work);

inline constexpr size_t kPieceOfWork = 4096;
// Runs work(begin, end) for all pieces of 0 .. count - 1, each of kPieceOfWork and the last of what
// is left, on all cores. For steps of some hundred nanoseconds.
void RunInPieces(size_t count, const std::function<void(size_t begin, size_t end)>& work);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_THREADS_H_
