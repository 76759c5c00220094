#include "audit/bytes/threads.h"

#include <algorithm>
#include <numeric>
#include <system_error>
#include <utility>

namespace lre_audit {

int ThreadsOf(int jobs) {
  return jobs > 0 ? jobs : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

bool SpareThreads::Take() {
  int free = free_.load(std::memory_order_relaxed);
  while (free > 0) {
    if (free_.compare_exchange_weak(free, free - 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

bool SpareThreads::Start(std::function<void()> work, std::thread* thread) {
  if (!Take()) return false;
  try {
    *thread = std::thread([this, work = std::move(work)] {
      work();
      Give();
    });
  } catch (const std::system_error&) {
    Give();  // a limit on processes: the work is done on fewer
    return false;
  }
  return true;
}

void RunParallel(const std::vector<uint64_t>& sizes, SpareThreads& threads,
                 const std::function<void(size_t)>& work) {
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  std::atomic<size_t> next = 0;
  const auto worker = [&] {
    for (size_t i = next++; i < order.size(); i = next++) work(order[i]);
  };
  const bool counted = threads.Take();  // the caller's
  std::vector<std::thread> started;
  for (size_t i = 1; i < order.size(); ++i) {
    std::thread thread;
    if (!threads.Start(worker, &thread)) break;
    started.push_back(std::move(thread));
  }
  worker();
  if (counted) threads.Give();
  for (std::thread& thread : started) thread.join();
}

void RunParallel(const std::vector<uint64_t>& sizes, int jobs,
                 const std::function<void(size_t)>& work) {
  SpareThreads threads(ThreadsOf(jobs));
  RunParallel(sizes, threads, work);
}

void RunInPieces(size_t count, const std::function<void(size_t begin, size_t end)>& work) {
  const std::vector<uint64_t> sizes((count + kPieceOfWork - 1) / kPieceOfWork, 1);
  RunParallel(sizes, /*jobs=*/0, [&](size_t piece) {
    work(piece * kPieceOfWork, std::min((piece + 1) * kPieceOfWork, count));
  });
}

}  // namespace lre_audit
