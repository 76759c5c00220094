// An array that grows without being copied: logs have millions of small records, and doubling a
// vector of them would need twice the memory just when it is scarce.
#ifndef LRE_AUDIT_AUDIT_CACHE_CHUNKED_ARRAY_H_
#define LRE_AUDIT_AUDIT_CACHE_CHUNKED_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lre_audit::cache {

template <typename T>
class ChunkedArray {
 public:
  static constexpr size_t kShift = 12;
  static constexpr size_t kChunk = size_t{1} << kShift;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return chunks_[i >> kShift][i & (kChunk - 1)]; }
  const T& operator[](size_t i) const { return chunks_[i >> kShift][i & (kChunk - 1)]; }
  T& back() { return (*this)[size_ - 1]; }

  // Returns the index of the new element.
  uint32_t Add(T value) {
    if ((size_ >> kShift) == chunks_.size()) chunks_.push_back(std::make_unique<T[]>(kChunk));
    (*this)[size_] = std::move(value);
    return static_cast<uint32_t>(size_++);
  }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  size_t size_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_CHUNKED_ARRAY_H_
