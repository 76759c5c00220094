// The shortest chains of a graph from its roots to what was asked for.
#ifndef LRE_AUDIT_AUDIT_WHY_CHAINS_H_
#define LRE_AUDIT_AUDIT_WHY_CHAINS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/why/graph.h"

namespace lre_audit::why {

// What is led to: a path and everything below it, or a library by the name that objects need it by.
struct Goal {
  std::string path;  // absolute; empty if `name` is given
  std::string name;  // "libz.so.1"
};

// What the user's PATH stands for: an absolute path (".." is taken as text), "<hash>-<name>" with
// or without a path inside, or a bare name. InvalidArgument for anything else.
absl::StatusOr<Goal> ParseGoal(std::string_view path, std::string_view store_directory);

struct Chain {
  size_t root = 0;  // index
  Node begin = 0;   // what the root names
  std::vector<const Step*> steps;
  Node end() const { return steps.empty() ? begin : steps.back()->to; }
};

struct Found {
  std::vector<Chain> chains;  // shortest first; of equally long ones, fewer vague steps first
  size_t roots = 0;           // that lead to the goal
  bool cut = false;           // there are more chains than were wanted
  // Without chains: a file that names the goal though no root leads to the file; null if none does.
  const Step* named_by = nullptr;
  // Without that either: the closest directory above the goal that something names; empty if none.
  std::string_view named_above;
};

// With `all`, every shortest chain of every root, up to `most` of them, fewer where they are very
// long; else the first. Time is linear in the graph, and in the chains returned.
Found FindChains(const Graph& graph, const std::vector<Root>& roots, const Goal& goal, bool all,
                 size_t most);

}  // namespace lre_audit::why

#endif  // LRE_AUDIT_AUDIT_WHY_CHAINS_H_
