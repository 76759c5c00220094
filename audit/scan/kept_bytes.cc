#include "audit/scan/kept_bytes.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace lre_audit {
namespace {

// Of x86-64; where it is another, madvise(2) has no effect or a smaller one.
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

KeptBytes::~KeptBytes() {
  if (data_ != nullptr) munmap(data_, room_);
}

void KeptBytes::Reserve(uint64_t bytes) {
  if (bytes <= room_) return;
  const size_t room = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* const data = mmap(nullptr, room, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();  // as any other allocation
  madvise(data, room, MADV_HUGEPAGE);
  if (data_ != nullptr) munmap(data_, room_);
  data_ = static_cast<char*>(data);
  size_ = 0;
  room_ = room;
}

void KeptBytes::Append(std::string_view piece) {
  if (piece.size() > room_ - size_) piece = piece.substr(0, room_ - size_);
  std::memcpy(data_ + size_, piece.data(), piece.size());
  size_ += piece.size();
}

}  // namespace lre_audit
