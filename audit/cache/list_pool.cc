#include "audit/cache/list_pool.h"

#include <algorithm>
#include <string_view>

#include "absl/hash/hash.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

uint32_t HashOf(std::span<const uint32_t> ids) {
  return static_cast<uint32_t>(absl::HashOf(ToAbsl({reinterpret_cast<const char*>(ids.data()),
                                                    ids.size() * sizeof(uint32_t)})) >>
                               16);
}

}  // namespace

ListPool::ListPool() : slots_(1024) {
  // The empty list lies at 0.
  memory_.push_back(std::make_unique<uint32_t[]>(kBlockIds));
  blocks_.push_back(memory_.back().get());
  next_ = 1;
}

ListId ListPool::Add(std::span<const uint32_t> ids) {
  if (ids.empty()) return 0;
  const size_t need = ids.size() + 1;
  if ((next_ & (kBlockIds - 1)) == 0 || (next_ & (kBlockIds - 1)) + need > kBlockIds) {
    const size_t count = (need + kBlockIds - 1) >> kShift;
    if (blocks_.size() + count > kBlockIds) {
      full_ = true;
      return 0;
    }
    next_ = blocks_.size() << kShift;
    memory_.push_back(std::make_unique_for_overwrite<uint32_t[]>(count << kShift));
    for (size_t i = 0; i < count; ++i) blocks_.push_back(memory_.back().get() + (i << kShift));
  }
  const ListId id = static_cast<ListId>(next_);
  uint32_t* const list = blocks_[id >> kShift] + (id & (kBlockIds - 1));
  *list = static_cast<uint32_t>(ids.size());
  std::copy(ids.begin(), ids.end(), list + 1);
  next_ += need;
  // What a long list leaves of its last block is left: the block's begin may not be its own.
  if (need > kBlockIds) next_ = blocks_.size() << kShift;
  return id;
}

ListId ListPool::Intern(std::span<const uint32_t> ids) {
  if (ids.empty()) return 0;
  if (interned_ * 4 > slots_.size() * 3) {
    const std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.size() * 2, {});
    for (const Slot& kept : old) {
      if (kept.id == 0) continue;
      size_t slot = kept.hash & (slots_.size() - 1);
      while (slots_[slot].id != 0) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = kept;
    }
  }
  const uint32_t hash = HashOf(ids);
  size_t slot = hash & (slots_.size() - 1);
  for (; slots_[slot].id != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot].hash != hash) continue;
    const std::span<const uint32_t> found = Get(slots_[slot].id);
    if (std::equal(found.begin(), found.end(), ids.begin(), ids.end())) return slots_[slot].id;
  }
  const ListId id = Add(ids);
  if (id == 0) return 0;
  ++interned_;
  slots_[slot] = {hash, id};
  return id;
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
