// Lists of ids, each once. A long list is kept as a list of runs that other lists may share:
// command lines repeat the same flags, and spawns the same inputs.
#ifndef LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_
#define LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "audit/cache/chunked_array.h"

namespace lre_audit::cache {

// 0 is the empty list.
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

  std::span<const uint32_t> Get(ListId id) const { return {lists_[id].ids, lists_[id].size}; }
  // The ids that InternRuns() was given.
  std::vector<uint32_t> GetRuns(ListId id) const;

 private:
  struct List {
    const uint32_t* ids = nullptr;
    uint32_t size = 0;
  };

  ChunkedArray<List> lists_;
  std::vector<uint32_t> slots_;  // ids of interned lists, open addressing; 0 is free
  size_t interned_ = 0;
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_
