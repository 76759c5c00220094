// The merged view of an image's layers, as a container runtime unpacks them.
// Source: OCI image-spec layer.md ("Applying Changesets"); containerd archive/tar.go and umoci
// oci/layer/tar_extract.go where the specification is silent.
#ifndef LRE_AUDIT_AUDIT_TREES_OVERLAY_H_
#define LRE_AUDIT_AUDIT_TREES_OVERLAY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// An entry of a layer: Entry::index within the layer's stream.
struct EntryRef {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t layer = kNone, index = kNone;
  bool present() const { return layer != kNone; }
  bool operator==(const EntryRef&) const = default;
};

// Takes layers bottom to top, each in stream order: BeginLayer(), then Add() for each entry.
// Two million files take about 200 MB.
class Overlay {
 public:
  // Alterations are collected below `watched` ("/nix/store"): what a later layer does to an entry
  // of that directory which an earlier layer brought.
  explicit Overlay(std::string_view watched);
  ~Overlay();
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  void BeginLayer();
  void Add(const Entry& entry);

  // A path of the merged view.
  struct File {
    std::string path;
    Entry::Type type = Entry::Type::kRegular;  // of a hard link: its target's
    EntryRef entry;    // whose path it is; absent for a directory that no entry describes
    EntryRef content;  // whose contents it has; another entry for a hard link
  };
  // All of them, in NAR order: a directory before what it holds, names bytewise.
  void ForEach(const std::function<void(const File&)>& visit) const;
  size_t size() const { return live_ - 1; }  // the root does not count

  struct Alteration {
    enum class How {
      kAdded,     // inside an entry of `watched` that was complete before
      kReplaced,  // another type, target, size, mode, or (see maybe_identical) other contents
      kRemoved,   // by a whiteout, an opaque directory, or what stands now above it; with all below
      kMetadata,  // a directory's mode or owner
    };
    How how = How::kAdded;
    std::string path;
    EntryRef lower, upper;  // `lower` is absent for kAdded; `upper` is of the layer that alters
    // Two regular files with the same size, mode and owner: no alteration after all if the contents
    // are the same, which only the caller can tell.
    bool maybe_identical = false;
    // Whose contents the altered path has then: not `upper` where that is a hard link.
    EntryRef upper_content = {};
  };
  const std::vector<Alteration>& alterations() const { return alterations_; }

  // The same path twice in one layer, which the specification forbids: the last one counts.
  struct Duplicate {
    std::string path;
    EntryRef first, second;
    EntryRef first_content, second_content;  // another entry's for a hard link
  };
  const std::vector<Duplicate>& duplicates() const { return duplicates_; }

  // An entry that a runtime could not unpack: its parent is a file, its hard link has no target.
  struct Refusal {
    std::string path;
    EntryRef entry;
    std::string message;
  };
  const std::vector<Refusal>& refusals() const { return refusals_; }

 private:
  using Id = uint32_t;
  static constexpr Id kNoId = ~Id{0};

  struct Node {
    Id parent = kNoId, first_child = kNoId, next = kNoId, previous = kNoId;
    const char* name = nullptr;
    uint32_t name_size = 0;
    uint32_t target = 0;  // in targets_, for symlinks
    EntryRef entry, content;
    uint64_t metadata = 0;  // fingerprint of mode, owner and attributes
    uint64_t shape = 0;     // of type, size and target
    uint32_t born = 0;      // the layer that brought it
    Entry::Type type = Entry::Type::kDirectory;
  };
  struct ByName;

  std::string_view NameOf(const Node& node) const { return {node.name, node.name_size}; }
  std::string PathOf(Id id) const;
  std::string_view Keep(std::string_view text);
  Id Find(Id parent, std::string_view name) const;
  Id Create(Id parent, std::string_view name);
  // The directory that `path` names, through symlinks inside the root; made where it is missing.
  // kNoId if a file stands in the way.
  Id ResolveParent(std::string_view path, bool create, std::string* why);
  void Erase(Id id);
  // Whether the current layer brought it.
  bool IsOwn(Id id) const;
  // Remove what lower layers put at and below `id`, or below `directory`. What the current layer
  // has brought stays, with the directories above it: whiteouts are about lower layers, wherever
  // they stand in the layer's stream.
  void EraseLower(Id id);
  void EraseLowerChildren(Id directory);
  void ReportRemoved(Id id, EntryRef upper);
  // The entry of `watched` that holds `id` or is it; kNoId if there is none.
  Id UnitOf(Id id) const;
  void Refuse(const Entry& entry, std::string message);
  void Place(const Entry& entry, Id parent, std::string_view name);

  const std::string watched_;
  Id watched_id_ = kNoId;
  uint32_t layer_ = EntryRef::kNone;
  std::deque<Node> nodes_;
  std::vector<Id> free_;
  size_t live_ = 1;
  std::unique_ptr<ByName> by_name_;
  std::vector<std::unique_ptr<char[]>> text_;
  size_t text_left_ = 0;
  char* text_at_ = nullptr;
  std::vector<std::string> targets_;
  std::vector<Alteration> alterations_;
  std::vector<Duplicate> duplicates_;
  std::vector<Refusal> refusals_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_OVERLAY_H_
