// The entries of the archive that nix2container would write for a layer, in its order, with the
// names and metadata that it would give them.
// Source: nix2container nix/graph.go, nix/tar.go, nix/utils.go (on Linux: macOS stores' case hack
// is not undone).
#ifndef LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_LAYER_H_
#define LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_LAYER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "audit/trees/nix2container.h"
#include "audit/trees/problem_log.h"
#include "audit/trees/store_files.h"
#include "audit/trees/tree.h"

namespace lre_audit {

struct NixTarEntry {
  static constexpr uint32_t kImplied = ~uint32_t{0};

  std::string name;               // in the archive, clean: "/nix/store", or relative
  uint32_t directory = kImplied;  // where its source lies, in NixLayerPlan::directories
  std::string source;             // its source's name there, empty: the last component of `name`
  Entry::Type type = Entry::Type::kDirectory;
  uint32_t file_mode = 0;  // of the source, as stat(2) has it
  int64_t mode = 0755;     // in the archive
  int64_t uid = 0, gid = 0;
  const std::string* user = nullptr;   // null: root; in the NixLayer
  const std::string* group = nullptr;  // the same
  uint64_t size = 0;
  std::string target;               // of a symlink
  const NixPath* origin = nullptr;  // in the NixLayer
};

struct NixLayerPlan {
  std::vector<std::string> directories;  // below the store directory
  std::vector<NixTarEntry> entries;
  // False where nix2container would fail, or some of the files cannot be had here: then nothing is
  // known about the archive's digest.
  bool complete = true;
};

// Walks the paths of `layer`, which must outlive the plan, without following a symlink and without
// reading a file. Everything wrong goes to `log`; the plan holds the rest.
NixLayerPlan PlanNixLayer(const NixLayer& layer, const StoreFiles& store, const TreeLimits& limits,
                          ProblemLog& log);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_LAYER_H_
