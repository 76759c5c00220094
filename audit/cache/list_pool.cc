#include "audit/cache/list_pool.h"

#include <algorithm>
#include <string_view>

#include "absl/hash/hash.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

constexpr size_t kBlockIds = 64 << 10;

size_t HashOf(std::span<const uint32_t> ids) {
  return absl::HashOf(
      ToAbsl({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(uint32_t)}));
}

}  // namespace

ListPool::ListPool() : slots_(1024) { lists_.Add({}); }

ListId ListPool::Add(std::span<const uint32_t> ids) {
  if (ids.empty()) return 0;
  uint32_t* stored = nullptr;
  if (ids.size() > left_) {
    const bool large = ids.size() > kBlockIds / 8;
    blocks_.push_back(std::make_unique_for_overwrite<uint32_t[]>(large ? ids.size() : kBlockIds));
    if (large) {
      stored = blocks_.back().get();
    } else {
      next_ = blocks_.back().get();
      left_ = kBlockIds;
    }
  }
  if (stored == nullptr) {
    stored = next_;
    next_ += ids.size();
    left_ -= ids.size();
  }
  std::copy(ids.begin(), ids.end(), stored);
  return lists_.Add({stored, static_cast<uint32_t>(ids.size())});
}

ListId ListPool::Intern(std::span<const uint32_t> ids) {
  if (ids.empty()) return 0;
  if (interned_ * 4 > slots_.size() * 3) {
    const std::vector<uint32_t> old = std::move(slots_);
    slots_.assign(old.size() * 2, 0);
    for (const uint32_t id : old) {
      if (id == 0) continue;
      size_t slot = HashOf(Get(id)) & (slots_.size() - 1);
      while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = id;
    }
  }
  size_t slot = HashOf(ids) & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::span<const uint32_t> found = Get(slots_[slot]);
    if (std::equal(found.begin(), found.end(), ids.begin(), ids.end())) return slots_[slot];
  }
  ++interned_;
  return slots_[slot] = Add(ids);
}

std::vector<ListId> ListPool::Runs(std::span<const uint32_t> ids, uint32_t length) {
  std::vector<ListId> runs;
  size_t begin = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    // The golden ratio spreads neighbouring ids; one in `length` ends a run.
    const bool ends = ((uint64_t{ids[i]} * 0x9e3779b1u & 0xffffffffu) * length >> 32) == 0;
    if (ends || i + 1 - begin == size_t{length} * 8 || i + 1 == ids.size()) {
      runs.push_back(Intern(ids.subspan(begin, i + 1 - begin)));
      begin = i + 1;
    }
  }
  return runs;
}

ListId ListPool::InternRuns(std::span<const uint32_t> ids, uint32_t length) {
  return Intern(Runs(ids, length));
}

std::vector<uint32_t> ListPool::GetRuns(ListId id) const {
  std::vector<uint32_t> ids;
  for (const ListId run : Get(id)) {
    const std::span<const uint32_t> part = Get(run);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  return ids;
}

}  // namespace lre_audit::cache
