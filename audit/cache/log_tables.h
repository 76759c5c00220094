// What the spawns of logs refer to by small numbers, each once. Two builds of one workspace say
// much the same, so that two logs may share their tables: the second costs little more than its
// spawns.
#ifndef LRE_AUDIT_AUDIT_CACHE_LOG_TABLES_H_
#define LRE_AUDIT_AUDIT_CACHE_LOG_TABLES_H_

#include <cstdint>
#include <span>

#include "absl/container/flat_hash_set.h"
#include "audit/cache/chunked_array.h"
#include "audit/cache/list_pool.h"
#include "audit/cache/string_table.h"

namespace lre_audit::cache {

using ArtifactId = uint32_t;  // index into LogTables::artifacts; 0 is none
using SetId = uint32_t;       // index into LogTables::sets; 0 is the empty set

// What an action reads or writes.
struct Artifact {
  enum Kind : uint8_t { kFile, kDirectory, kSymlink, kRunfilesTree };

  uint8_t hash[32] = {};      // of a file
  uint64_t size : 54 = 0;     // bytes, of a file
  uint64_t kind : 3 = kFile;  // a Kind
  uint64_t length : 6 = 0;    // bytes of `hash` in use; 0: the log has none
  uint64_t damaged : 1 = 0;   // part of it could not be read
  StringId path = 0;          // relative to the execution root; a child's to its directory
  // kDirectory: list of its files' ArtifactIds. kSymlink: StringId of the target. kRunfilesTree:
  // index into LogTables::runfiles_trees.
  uint32_t detail = 0;
};

// A node of the graph of inputs. Its artifacts are those of `sets`, in order, then `direct`; what
// comes twice counts where it comes first. A set refers to earlier sets only.
struct InputSet {
  ListId direct = 0;     // ArtifactIds
  ListId sets = 0;       // SetIds
  bool damaged = false;  // something in it could not be read: no key can be computed
};

// Symlinks of runfiles (compact logs): pairs of a StringId, the path in the tree, and the
// ArtifactId of what it leads to, 0 for an empty file; and earlier sets.
struct SymlinkSet {
  ListId pairs = 0;
  ListId sets = 0;
  bool damaged = false;
};

// A runfiles tree as an input since 7.4; ExpandRunfiles() of spawn_parts.h says what is in it.
struct RunfilesTree {
  SetId inputs = 0;
  uint32_t symlinks = 0, root_symlinks = 0;  // indexes into LogTables::symlink_sets
  ListId empty_files = 0;                    // StringIds
  ArtifactId repo_mapping = 0;               // its path means nothing
  bool legacy_external_runfiles = false;
};

struct LogTables {
  LogTables();

  StringTable strings;
  ListPool lists;
  ChunkedArray<Artifact> artifacts;       // [0] is none
  ChunkedArray<InputSet> sets;            // [0] is empty
  ChunkedArray<SymlinkSet> symlink_sets;  // [0] is empty
  ChunkedArray<RunfilesTree> runfiles_trees;
};

// Finds artifacts and sets of tables by what they are, as the tables were when it was made. Logs of
// one workspace have them in much the same order, so that the next one is looked at first.
class TableIndex {
 public:
  // `tables` must outlive this.
  explicit TableIndex(const LogTables& tables);

  // 0 where there is none; what is damaged is like nothing else.
  ArtifactId Find(const Artifact& artifact);
  SetId Find(std::span<const ArtifactId> direct, std::span<const SetId> sets);

 private:
  struct SetContents {
    std::span<const uint32_t> direct, sets;
  };
  // Of ids, and of what one is looked up by.
  struct ArtifactHash {
    using is_transparent = void;
    const LogTables* tables;
    size_t operator()(ArtifactId id) const { return (*this)(tables->artifacts[id]); }
    size_t operator()(const Artifact& artifact) const;
  };
  struct ArtifactEqual {
    using is_transparent = void;
    const LogTables* tables;
    bool operator()(ArtifactId a, ArtifactId b) const { return a == b; }
    bool operator()(ArtifactId a, const Artifact& b) const;
  };
  struct SetHash {
    using is_transparent = void;
    const LogTables* tables;
    size_t operator()(SetId id) const;
    size_t operator()(const SetContents& set) const;
  };
  struct SetEqual {
    using is_transparent = void;
    const LogTables* tables;
    bool operator()(SetId a, SetId b) const { return a == b; }
    bool operator()(SetId a, const SetContents& b) const;
  };

  const LogTables& tables_;
  const uint32_t artifact_count_, set_count_;
  ArtifactId next_artifact_ = 1;
  SetId next_set_ = 1;
  // Empty until something is not the next one.
  absl::flat_hash_set<ArtifactId, ArtifactHash, ArtifactEqual> artifacts_;
  absl::flat_hash_set<SetId, SetHash, SetEqual> sets_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_LOG_TABLES_H_
