// What two spawns say differently, component by component of their keys.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_DIFFERENCES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_DIFFERENCES_H_

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "audit/cache/spawn_parts.h"

namespace lre_audit::explain {

// What of a spawn is exchanged for the other's when a key is computed for a proof.
struct Part {
  enum Kind {
    kArguments,
    kVariable,  // `name` says which
    kProperty,  // likewise
    kInputs,
    kToolMarks,
    kOutputs,
    kTimeout,
    kRemotable,
    kRemoteCacheable,
    kRecipe,  // what is not in the log: Recipe of action_key.h
  };
  Kind kind = kArguments;
  std::string name = {};
  auto operator<=>(const Part&) const = default;
};

struct Difference {
  enum class Kind {
    kConfiguration,  // bazel-out/<this>/ of paths that are the same otherwise
    kVariable,
    kProperty,
    kArgument,  // one argument, or one of each side in the same place
    kArgumentOrder,
    kInput,
    kToolMark,
    kOutput,
    kTimeout,
    kRemotable,
    kRemoteCacheable,
    kRecipe,
    kUnlogged,  // nothing in the logs, and the logged keys differ
  };
  Kind kind = Kind::kArgument;
  // Of a variable or property; a path; an argument's flag where that is the argument before it.
  std::string name = {};
  std::optional<std::string> local = {}, remote = {};  // nullopt: that side has none
  size_t index = 0;                                    // of an argument, where a side has it
  std::string local_before = {}, remote_before = {};   // the argument before it, on each side
  // Of an input: what is there.
  std::optional<cache::InputNode> local_node = {}, remote_node = {};
  std::set<Part> parts = {};  // where it shows
};

// In the order of Kind, then of the components. Empty where no component of the key differs.
std::vector<Difference> FindDifferences(const cache::SpawnParts& local,
                                        const cache::SpawnParts& remote);

// `local` with each of `parts` but kRecipe as `remote` has it.
cache::SpawnParts Exchange(const cache::SpawnParts& local, const cache::SpawnParts& remote,
                           const std::set<Part>& parts);

// Which arguments of two command lines stand in the same place: in order, each once; those of one
// side alone have no index on the other. Configurations in them do not count.
using AlignedArguments = std::vector<std::pair<std::optional<size_t>, std::optional<size_t>>>;
AlignedArguments AlignArguments(const std::vector<std::string>& local,
                                const std::vector<std::string>& remote);

// The elements of a list in which order matters, such as PATH: those of one side alone, in its
// order, each once.
struct ListDifference {
  std::vector<std::string> only_local, only_remote;
};
ListDifference CompareLists(std::string_view local, std::string_view remote, char separator);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_DIFFERENCES_H_
