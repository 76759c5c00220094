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

// Equal in one pool exactly when the lists are, if both were interned in the same way. 0 is empty.
using ListId = uint32_t;

class ListPool {
 public:
  ListPool();
  ListPool(ListPool&&) = default;
  ListPool& operator=(ListPool&&) = default;

  // Kept as it is: for lists that are whole units (an environment, a platform).
  ListId Intern(std::span<const uint32_t> ids);
  // Cut into runs where the ids themselves say so, so that the same run is found in other lists.
  ListId InternInRuns(std::span<const uint32_t> ids);
  // The runs alone, each an interned list.
  std::vector<ListId> Runs(std::span<const uint32_t> ids);
  // Kept, and not looked for: for lists of which no two are the same.
  ListId Add(std::span<const uint32_t> ids);

  // Of a list that was kept as it is.
  std::span<const uint32_t> Get(ListId id) const { return {lists_[id].ids, lists_[id].size}; }
  // Of one that was interned in runs.
  std::vector<uint32_t> GetRuns(ListId id) const;

 private:
  struct List {
    const uint32_t* ids = nullptr;
    uint32_t size = 0;
  };
  uint32_t* Store(std::span<const uint32_t> ids);
  void Grow();

  ChunkedArray<List> lists_;
  std::vector<uint32_t> slots_;
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* next_ = nullptr;
  size_t left_ = 0, interned_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_LIST_POOL_H_
