// Lists of ids, each once. A long list is kept as a list of runs that other lists may share:
// command lines repeat the same flags, and spawns the same inputs.
#ifndef LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_
#define LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace lre_audit::cache {

// Where the list lies: its length, and then the ids. 0 is the empty list.
using ListId = uint32_t;

class ListPool {
 public:
  ListPool();
  ListPool(ListPool&&) = default;
  ListPool& operator=(ListPool&&) = default;

  // For lists of which many are the same: they have the same id.
  ListId Intern(std::span<const uint32_t> ids);
  // For lists of which no two are.
  ListId Add(std::span<const uint32_t> ids);
  // For long lists that share parts: cut into runs of some `length` ids where the ids themselves
  // say so, hence in the same places in other lists. The interned runs, in order.
  std::vector<ListId> Runs(std::span<const uint32_t> ids, uint32_t length);
  // The interned list of its runs: the same for the same ids and length.
  ListId InternRuns(std::span<const uint32_t> ids, uint32_t length);

  std::span<const uint32_t> Get(ListId id) const {
    const uint32_t* const list = blocks_[id >> kShift] + (id & (kBlockIds - 1));
    return {list + 1, *list};
  }
  // The ids that InternRuns() was given.
  std::vector<uint32_t> GetRuns(ListId id) const;

  // No more lists fit: those that Add() is given are lost, and 0 is returned. 16 GiB are taken.
  bool full() const { return full_; }

 private:
  static constexpr uint32_t kShift = 16;
  static constexpr size_t kBlockIds = size_t{1} << kShift;

  std::vector<std::unique_ptr<uint32_t[]>> memory_;
  std::vector<uint32_t*> blocks_;  // a list that is longer than a block takes several in a row
  size_t next_ = 0;                // in all blocks
  bool full_ = false;
  struct Slot {
    uint32_t hash = 0;
    ListId id = 0;  // 0: free
  };
  std::vector<Slot> slots_;  // of interned lists, open addressing
  size_t interned_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_
