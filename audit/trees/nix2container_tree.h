// "nix:FILE": an image that nix2container has described and nobody has written. Its layers'
// archives pass by in memory, made of the store's files, byte for byte as nix2container would write
// them: so they are audited and their digests held against the description, and no archive is made.
#ifndef LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_TREE_H_
#define LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_TREE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/image.h"
#include "audit/trees/nix2container.h"
#include "audit/trees/store_files.h"
#include "audit/trees/tree.h"

namespace lre_audit {

class Nix2containerTree : public ImageTree {
 public:
  // Files are read from `store` and nowhere else. If it could not be opened, its error is a problem
  // of every layer.
  Nix2containerTree(NixImage image, absl::StatusOr<std::shared_ptr<const StoreFiles>> store,
                    const TreeLimits& limits);

  void Stream(size_t part, bool verify, EntrySink& sink,
              std::vector<Problem>& problems) const override;
  bool Verify(size_t part, const std::string& diff_id,
              std::vector<Problem>& problems) const override;

 private:
  // Whether the part's archive has to be made.
  bool IsMade(size_t part) const { return layers_[part].layer_path.empty() && layers_[part].paths; }

  const std::vector<NixLayer> layers_;
  const absl::StatusOr<std::shared_ptr<const StoreFiles>> store_;
  const TreeLimits limits_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_TREE_H_
