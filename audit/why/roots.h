// Where chains begin: what starts a container, what builds with a toolchain, what a developer asked
// for.
#ifndef LRE_AUDIT_AUDIT_WHY_ROOTS_H_
#define LRE_AUDIT_AUDIT_WHY_ROOTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "audit/link/tree_index.h"
#include "rules/facts.pb.h"
#include "rules/linked.h"

namespace lre_audit::why {

struct Root {
  enum class Kind {
    kEntrypoint,    // Entrypoint or Cmd
    kEnvironment,   // an element of Env
    kToolchain,     // a claim of a generated toolchain: `file`, and the claim's line
    kStorePath,     // a store path that was asked for
    kUnreferenced,  // of a tree that says nothing of the above: what nothing else refers to
  };
  Kind kind = Kind::kEntrypoint;
  LinkedClaim claim;  // of the last two, text and target alone
  std::string file;
  uint32_t column = 0;
};

// Entrypoint, Cmd, and every path in Env, the loader's variables included.
std::vector<Root> RootsOfImage(const LinkedImage& image, const TreeIndex& index);

// Every path that one file of a toolchain names, looked up in the tree of `index`.
void AddRootsOfToolchain(const ConfigFacts& file, const TreeIndex& index, std::vector<Root>& roots);

std::vector<Root> RootsOfStore(const std::vector<std::string>& store_paths, const TreeIndex& index);

// For an image without Entrypoint, Cmd and Env: the store paths to which no other part of the tree
// refers, and the files outside the store.
std::vector<Root> UnreferencedRoots(const Subject& subject, const TreeIndex& index);

}  // namespace lre_audit::why

#endif  // LRE_AUDIT_AUDIT_WHY_ROOTS_H_
