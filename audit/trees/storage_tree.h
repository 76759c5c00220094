// The layers of an image that a container engine has unpacked into directories, as a tree.
#ifndef LRE_AUDIT_AUDIT_TREES_STORAGE_TREE_H_
#define LRE_AUDIT_AUDIT_TREES_STORAGE_TREE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/image.h"
#include "audit/trees/tree.h"

namespace lre_audit {

class StorageTree : public Tree {
 public:
  struct Layer {
    std::string directory;  // its files, relative to the storage's root
    std::string tar_split;  // the description of its archive, may be absent
    // Where `directory` holds the files of all layers below, too (vfs). That of the next one below
    // is the part's before.
    bool is_stacked = false;
    uint64_t size_hint = 0;
  };

  // `layers` are those of `image`, in the same order. Files of `owner`:`group` are root's inside.
  StorageTree(Image image, std::vector<Layer> layers, std::shared_ptr<FileHandle> root,
              uint64_t owner, uint64_t group, const TreeLimits& limits);

  const std::string& reference() const override { return image_.reference; }
  std::string digest() const override { return image_.digest; }
  std::vector<std::string> names() const override { return image_.names; }
  const std::vector<Part>& parts() const override { return parts_; }
  const ImageConfig& config() const override { return image_.config; }
  const std::vector<Problem>& problems() const override { return image_.problems; }
  bool is_nar_ordered() const override { return true; }
  void Stream(size_t part, bool verify, EntrySink& sink,
              std::vector<Problem>& problems) const override;

 private:
  const Image image_;
  const std::vector<Layer> layers_;
  const std::shared_ptr<FileHandle> root_;
  const uint64_t owner_, group_;
  const TreeLimits limits_;
  std::vector<Part> parts_;
};

// Opens the regular file `path` inside `root`, as OpenDirectoryInRoot does a directory. The file
// itself may be no symlink.
absl::StatusOr<std::shared_ptr<FileHandle>> OpenFileInRoot(int root, const std::string& path,
                                                           uint64_t* size);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_STORAGE_TREE_H_
