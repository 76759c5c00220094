#include "audit/bytes/pipeline.h"

#include <algorithm>
#include <utility>

namespace lre_audit {
namespace {

// Below this, waking another thread takes longer than the work.
constexpr size_t kWorthHandingOver = 32 << 10;

bool IsLast(const absl::StatusOr<std::string_view>& piece) { return !piece.ok() || piece->empty(); }

}  // namespace

absl::StatusOr<std::string_view> HashingSource::Next() {
  absl::StatusOr<std::string_view> piece = source_.Next();
  if (piece.ok()) {
    size_ += piece->size();
    if (hasher_ != nullptr) hasher_->Update(*piece);
  } else {
    failed_ = true;
  }
  return piece;
}

PipelinedSource::~PipelinedSource() {
  if (!running()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool PipelinedSource::Hold(size_t pieces) {
  if (running()) return pieces <= reader_holds_;
  reader_holds_ = std::max(reader_holds_, pieces);  // from the start on, should it run later
  return source_.Hold(pieces);
}

std::string_view PipelinedSource::Lasting(std::string_view piece) {
  if (held_) return piece;
  copies_.resize(kAhead + reader_holds_);
  last_copy_ = (last_copy_ + 1) % copies_.size();
  return copies_[last_copy_] = piece;
}

void PipelinedSource::Produce() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || queue_.size() < kAhead; });
      if (stop_) return;
    }
    absl::StatusOr<std::string_view> piece = source_.Next();
    const bool last = IsLast(piece);
    if (!last) *piece = Lasting(*piece);
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(piece));
    }
    changed_.notify_all();
    if (last) return;
  }
}

absl::StatusOr<std::string_view> PipelinedSource::Next() {
  if (finished_) return std::string_view();
  // What is over with its first piece needs no thread.
  if (begun_ && !running() && threads_ != nullptr && (after_ == nullptr || after_->running())) {
    held_ = source_.Hold(kAhead + reader_holds_);
    running_ = threads_->Start([this] { Produce(); }, &thread_);
  }
  absl::StatusOr<std::string_view> piece;
  if (running()) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !queue_.empty(); });
      piece = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.notify_all();
  } else {
    piece = source_.Next();
  }
  begun_ = true;
  finished_ = IsLast(piece);
  return piece;
}

Helper::~Helper() {
  if (!employed_) return;
  Wait();
  state_.store(State::kStop, std::memory_order_release);
  state_.notify_all();
  thread_.join();
}

void Helper::Employ(SpareThreads& threads) {
  if (!employed_) employed_ = threads.Start([this] { Run(); }, &thread_);
}

void Helper::Begin(std::string_view piece) {
  if (!employed_ || piece.size() < kWorthHandingOver) return work_(piece);
  piece_ = piece;
  state_.store(State::kBusy, std::memory_order_release);
  state_.notify_all();
}

void Helper::Wait() {
  if (employed_) state_.wait(State::kBusy, std::memory_order_acquire);
}

void Helper::Run() {
  while (true) {
    state_.wait(State::kIdle, std::memory_order_acquire);
    if (state_.load(std::memory_order_acquire) == State::kStop) return;
    work_(piece_);
    state_.store(State::kIdle, std::memory_order_release);
    state_.notify_all();
  }
}

}  // namespace lre_audit
