// Store paths linked: the tree's against the closure's, and what refers to what.
#ifndef LRE_AUDIT_AUDIT_LINK_LINK_CLOSURE_H_
#define LRE_AUDIT_AUDIT_LINK_LINK_CLOSURE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "audit/link/merge.h"
#include "audit/link/tree_index.h"
#include "audit/nix/closure.h"
#include "rules/linked.h"

namespace lre_audit {

class ClosureLinker {
 public:
  // `closure` may be null: then the tree's own store paths, and what a scan finds, are the closure.
  ClosureLinker(const MergedTree& tree, const TreeIndex& index, const nix::Closure* closure);

  // Whether `store_path` references `other`: as recorded, else as scanned.
  bool References(std::string_view store_path, std::string_view other) const;

  // Fills Subject::store_paths, invalid_entries and every LinkedFile::dangling.
  void Link(Subject& subject) const;

 private:
  struct Package {
    const nix::PathInfo* info = nullptr;  // in the closure
    bool in_tree = false;
    const FileFacts* top = nullptr;  // the store path's own entry
    // Store paths that its files refer to, itself apart, and a file that does.
    absl::flat_hash_map<std::string_view, const FileFacts*> scanned;
    // Paths of the closure that refer to it, itself apart, where the tree has it not; sorted.
    std::vector<std::string_view> referrers;
  };

  void CollectPackages(const MergedTree& tree, const nix::Closure* closure);
  void CollectFingerprints();
  void JoinReferences(const MergedTree& tree);
  void CheckSize(const LinkedStorePath& path, const Package& package, Subject& subject) const;

  const MergedTree& tree_;
  const TreeIndex& index_;
  const nix::Closure* closure_;
  std::vector<InvalidStoreEntry> invalid_;
  // Keys live in the tree's files and the closure.
  absl::flat_hash_map<std::string_view, Package> packages_;
  absl::flat_hash_map<uint64_t, std::string_view> by_fingerprint_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_LINK_CLOSURE_H_
