#include "audit/commands/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "audit/commands/terminal.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int64_t kRedrawMilliseconds = 100;

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

class Progress::Line {
 public:
  ~Line() {
    const std::lock_guard lock(mutex_);
    if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  }

  void SetTotal(uint64_t bytes) { total_.store(bytes, std::memory_order_relaxed); }

  void Add(uint64_t bytes) {
    done_.fetch_add(bytes, std::memory_order_relaxed);
    // The one thread that moves the time of the next drawing draws.
    int64_t next = next_draw_.load(std::memory_order_relaxed);
    const int64_t now = Elapsed();
    if (now < next || !next_draw_.compare_exchange_strong(next, now + kRedrawMilliseconds)) return;
    const std::lock_guard lock(mutex_);
    Draw(now);
  }

  void SetPhase(std::string_view phase) {
    const std::lock_guard lock(mutex_);
    phase_ = Escaped(phase);
  }

 private:
  int64_t Elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_).count();
  }

  // "reading layer 3 of 8  213 MB of 495 MB (43%)  0.7 s", under mutex_.
  void Draw(int64_t now) {
    const uint64_t done = done_.load(std::memory_order_relaxed);
    const uint64_t total = total_.load(std::memory_order_relaxed);
    std::string line = absl::StrCat(phase_, phase_.empty() ? "" : "  ", HumanBytes(done));
    if (total > 0) {
      const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
      absl::StrAppend(&line, " of ", HumanBytes(total), " (", static_cast<int>(share * 100), "%)");
    }
    absl::StrAppend(&line, "  ", HumanSeconds(now / 1000.0));
    // A line that wraps could not be wiped. Cut between characters of UTF-8.
    size_t size = std::min(line.size(), TerminalWidth() - 1);
    while (size > 0 && size < line.size() && (line[size] & 0xC0) == 0x80) --size;
    line.resize(size);
    std::cerr << "\r" << line << "\x1b[K" << std::flush;
    drawn_ = true;
  }

  const Clock::time_point start_ = Clock::now();
  std::atomic<uint64_t> done_{0};
  std::atomic<uint64_t> total_{0};
  std::atomic<int64_t> next_draw_{kRedrawMilliseconds};  // short audits show nothing
  std::mutex mutex_;
  std::string phase_;
  bool drawn_ = false;
};

Progress::Progress(bool enabled) : line_(enabled ? std::make_unique<Line>() : nullptr) {}
Progress::~Progress() = default;

void Progress::SetTotal(uint64_t bytes) {
  if (line_ != nullptr) line_->SetTotal(bytes);
}
void Progress::Add(uint64_t bytes) {
  if (line_ != nullptr) line_->Add(bytes);
}
void Progress::SetPhase(std::string_view phase) {
  if (line_ != nullptr) line_->SetPhase(phase);
}

bool ProgressWanted(bool quiet) {
  const char* term = std::getenv("TERM");
  return !quiet && IsTerminal(std::cerr) && (term == nullptr || std::string_view(term) != "dumb");
}

}  // namespace lre_audit
