// A bound on what all workers together hold in memory, whatever the headers of their files claim.
#ifndef LRE_AUDIT_AUDIT_SCAN_MEMORY_BUDGET_H_
#define LRE_AUDIT_AUDIT_SCAN_MEMORY_BUDGET_H_

#include <algorithm>
#include <cstdint>

#include "absl/synchronization/mutex.h"

namespace lre_audit {

// Thread-safe. A holder must not wait for more: that could wait for ever.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes) : total_(bytes), free_(bytes) {}

  // Waits until `bytes` are free and takes them; a request above the whole budget takes all of it.
  // Returns what was taken, for Release.
  uint64_t Acquire(uint64_t bytes) {
    const uint64_t taken = std::min(bytes, total_);
    absl::MutexLock lock(&mutex_);
    const auto enough = [&] { return free_ >= taken; };
    mutex_.Await(absl::Condition(&enough));
    free_ -= taken;
    return taken;
  }

  void Release(uint64_t taken) {
    absl::MutexLock lock(&mutex_);
    free_ += taken;
  }

  // For the one file whose decoders may have large windows. Taken after Acquire(), never before.
  void AcquireLargeWindow() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&large_window_free_));
    large_window_free_ = false;
  }
  void ReleaseLargeWindow() {
    absl::MutexLock lock(&mutex_);
    large_window_free_ = true;
  }

 private:
  const uint64_t total_;
  uint64_t free_ ABSL_GUARDED_BY(mutex_);
  bool large_window_free_ ABSL_GUARDED_BY(mutex_) = true;
  absl::Mutex mutex_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_MEMORY_BUDGET_H_
