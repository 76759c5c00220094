// Bytes of one file that are kept while it streams by: up to tens of MiB, for a moment, again and
// again. Ordinary allocation would copy them as they grow, and spend a fifth of an audit's time on
// giving pages back to the system and having them cleared anew.
#ifndef LRE_AUDIT_AUDIT_SCAN_KEPT_BYTES_H_
#define LRE_AUDIT_AUDIT_SCAN_KEPT_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace lre_audit {

class KeptBytes {
 public:
  KeptBytes() = default;
  ~KeptBytes();
  KeptBytes(KeptBytes&& other) noexcept { swap(other); }
  KeptBytes& operator=(KeptBytes&& other) noexcept {
    swap(other);
    return *this;
  }

  // Room for `bytes` in all; there must be none kept yet. Address space only: memory follows the
  // bytes that come, never the size that a header claims.
  void Reserve(uint64_t bytes);
  // Within the room.
  void Append(std::string_view piece);
  // Keeps the room and its memory.
  void Clear() { size_ = 0; }

  std::string_view view() const { return {data_, size_}; }
  bool empty() const { return size_ == 0; }
  uint64_t room() const { return room_; }

  void swap(KeptBytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(room_, other.room_);
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0, room_ = 0;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_KEPT_BYTES_H_
