// The directory into which a container engine unpacked one layer, as a part of a tree: what the
// overlay file system makes of it, and whether it still is what the layer's archive was.
// Sources: Linux Documentation/filesystems/overlayfs.rst; containers/storage
// pkg/archive/archive_linux.go; fuse-overlayfs.
#ifndef LRE_AUDIT_AUDIT_TREES_OVERLAY_LAYER_H_
#define LRE_AUDIT_AUDIT_TREES_OVERLAY_LAYER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// Between DirectoryWalk and the sink of a part: whiteouts and opaque directories of overlayfs and
// fuse-overlayfs become those of Entry, the engine's own attributes are taken away, and files of
// the storage's owner become root's.
class OverlayLayerSink : public EntrySink {
 public:
  // `directory` is the unpacked layer's. All must outlive this.
  OverlayLayerSink(const FileHandle& directory, uint64_t owner, uint64_t group, EntrySink& sink)
      : directory_(directory), owner_(owner), group_(group), sink_(sink) {}

  void BeginEntry(const Entry& entry) override;
  void Data(std::string_view piece) override;
  void EndEntry(bool complete) override;

 private:
  void Deliver(Entry& entry);

  const FileHandle& directory_;
  const uint64_t owner_, group_;
  EntrySink& sink_;
  uint64_t next_index_ = 0;
  std::string opaque_;      // a directory to be told of as opaque once its entry has ended
  bool passed_on_ = false;  // the entry that is open
};

// Remembers entries without their contents, to find out how an unpacked layer differs from its
// archive: which files either lacks, and types, modes, sizes and targets.
class LayerListing : public EntrySink {
 public:
  // Passes on what it receives, if there is somebody.
  explicit LayerListing(EntrySink* next = nullptr) : next_(next) {}

  void BeginEntry(const Entry& entry) override;
  void Data(std::string_view piece) override {
    if (next_ != nullptr) next_->Data(piece);
  }
  void EndEntry(bool complete) override {
    if (next_ != nullptr) next_->EndEntry(complete);
  }

  // What `unpacked` has otherwise than `archive`, one text each ("/a is not in the archive"),
  // sorted; at most `limit`, and the number of all.
  static std::pair<std::vector<std::string>, size_t> Differences(const LayerListing& archive,
                                                                 const LayerListing& unpacked,
                                                                 size_t limit);
  // The same where the unpacked directory holds what is below the layer, too: `directory` is all of
  // it, `changes` what it has otherwise than the one below (StackedLayerSink).
  static std::pair<std::vector<std::string>, size_t> StackedDifferences(
      const LayerListing& archive, const LayerListing& directory, const LayerListing& changes,
      size_t limit);

 private:
  struct File {
    Entry::Type type = Entry::Type::kRegular;
    uint32_t mode = 0;
    uint64_t size = 0;
    std::string target;
  };
  // What the file `path` has otherwise unpacked, "" if nothing.
  static std::string Difference(const std::string& path, const File& packed, const File& unpacked);
  // Whether the archive removes `path` of the layers below, or puts something in its parents'
  // place.
  bool Removes(std::string_view path) const;

  EntrySink* const next_;
  absl::flat_hash_map<std::string, File> files_;
  absl::flat_hash_set<std::string> opaque_;
};

// Whether an extended attribute of that name makes overlayfs, or fuse-overlayfs, hide or replace
// what lower layers have.
bool HidesLowerFiles(std::string_view name);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_OVERLAY_LAYER_H_
