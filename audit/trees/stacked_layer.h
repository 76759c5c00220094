// What one layer did, where an engine copies the whole image below into each layer's directory
// (driver vfs): the difference between two directories.
// Source: containers/storage drivers/vfs/driver.go, drivers/fsdiff.go (NaiveDiffDriver.Changes).
#ifndef LRE_AUDIT_AUDIT_TREES_STACKED_LAYER_H_
#define LRE_AUDIT_AUDIT_TREES_STACKED_LAYER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// Between the walk of a layer's directory and what receives the layer: passes on what the
// directory of the layer below has not, or otherwise (type, mode, owner, attributes, target,
// contents; times alone are none of a layer's work), and whiteouts for what only that one has.
//
// Contents are compared byte by byte: sizes and times of a Nix store are alike where they are not.
class StackedLayerSink : public EntrySink {
 public:
  // `below` may be null: the bottom layer. All must outlive this.
  StackedLayerSink(std::shared_ptr<FileHandle> directory, std::shared_ptr<FileHandle> below,
                   EntrySink& sink, std::vector<Problem>& problems);

  void BeginEntry(const Entry& entry) override;
  void Data(std::string_view piece) override {
    if (passes_on_) sink_.Data(piece);
  }
  void EndEntry(bool complete) override;

 private:
  // A directory of either tree; the last one is kept, for most files share it with the one before.
  struct Side {
    std::shared_ptr<FileHandle> root;
    std::string path;
    std::shared_ptr<FileHandle> directory;
    absl::StatusOr<std::shared_ptr<FileHandle>> Open(std::string_view wanted);
  };

  bool IsUnchanged(const Entry& entry);
  bool HasSameContents(const Entry& entry, const std::string& directory, const std::string& name);
  // Whiteouts of what was in `path` below.
  void TellRemoved(const std::string& path);

  Side here_, below_;
  EntrySink& sink_;
  std::vector<Problem>& problems_;
  bool passes_on_ = false;
  std::string entered_;    // the directory whose entry is open, if both have it
  std::string new_below_;  // all below this directory is new: below, it is none
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_STACKED_LAYER_H_
