#include "audit/explain/set_fingerprints.h"

#include <span>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

template <typename... Parts>
uint64_t Hash(const Parts&... parts) {
  const uint64_t hash = absl::HashOf(parts...);
  return hash == 0 ? 1 : hash;
}

// What a set begins with: the sets that it takes in, all of them earlier. 0 where one is not known,
// or the set is damaged.
uint64_t OfEarlier(bool damaged, std::span<const uint32_t> sets,
                   const std::vector<uint64_t>& known) {
  uint64_t hash = damaged ? 0 : 1;
  for (const uint32_t set : sets) {
    const uint64_t other = set < known.size() ? known[set] : 0;
    hash = hash == 0 || other == 0 ? 0 : Hash(hash, 's', other);
  }
  return hash;
}

}  // namespace

uint64_t SetFingerprints::OfString(cache::StringId id) const {
  const cache::StringTable::Parts parts = log_.tables->strings.Split(id);
  return Hash(parts.directory != 0, ToAbsl(parts.directory_text), ToAbsl(parts.tail));
}

// 0 where part of it is not known.
uint64_t SetFingerprints::OfArtifact(cache::ArtifactId id) const {
  const cache::Artifact& artifact = log_.tables->artifacts[id];
  if (artifact.damaged) return 0;
  const absl::string_view digest(reinterpret_cast<const char*>(artifact.hash), artifact.length);
  uint64_t hash = Hash(OfString(artifact.path), static_cast<int>(artifact.kind), digest,
                       static_cast<uint64_t>(artifact.size));
  switch (artifact.kind) {
    case cache::Artifact::kSymlink:
      return Hash(hash, OfString(artifact.detail));
    case cache::Artifact::kDirectory:
      for (const cache::ArtifactId file : log_.tables->lists.Get(artifact.detail)) {
        // A directory's files are files.
        if (log_.tables->artifacts[file].kind != cache::Artifact::kFile) return 0;
        const uint64_t of_file = OfArtifact(file);
        if (of_file == 0) return 0;
        hash = Hash(hash, of_file);
      }
      return hash;
    case cache::Artifact::kRunfilesTree: {
      const cache::RunfilesTree& tree = log_.tables->runfiles_trees[artifact.detail];
      // Sets are known in their order, and what is used stands before.
      if (tree.inputs >= sets_.size() || tree.symlinks >= symlinks_.size() ||
          tree.root_symlinks >= symlinks_.size()) {
        return 0;
      }
      const uint64_t inputs = sets_[tree.inputs], symlinks = symlinks_[tree.symlinks],
                     root_symlinks = symlinks_[tree.root_symlinks];
      const uint64_t mapping = tree.repo_mapping == 0 ? 1 : OfArtifact(tree.repo_mapping);
      if (inputs == 0 || symlinks == 0 || root_symlinks == 0 || mapping == 0) return 0;
      hash = Hash(hash, inputs, symlinks, root_symlinks, mapping, tree.legacy_external_runfiles,
                  ToAbsl(log_.workspace_runfiles_directory));
      for (const cache::StringId path : log_.tables->lists.Get(tree.empty_files)) {
        hash = Hash(hash, OfString(path));
      }
      return hash;
    }
    default:
      return hash;
  }
}

SetFingerprints::SetFingerprints(const cache::ExecutionLog& log) : log_(log) {
  symlinks_.reserve(log.tables->symlink_sets.size());
  for (size_t i = 0; i < log.tables->symlink_sets.size(); ++i) {
    const cache::SymlinkSet& set = log.tables->symlink_sets[i];
    uint64_t hash = OfEarlier(set.damaged, log.tables->lists.Get(set.sets), symlinks_);
    const std::span<const uint32_t> pairs = log.tables->lists.Get(set.pairs);
    for (size_t k = 0; hash != 0 && k + 1 < pairs.size(); k += 2) {
      const cache::ArtifactId target = pairs[k + 1];
      const bool is_tree =
          target != 0 && log.tables->artifacts[target].kind == cache::Artifact::kRunfilesTree;
      const uint64_t other = target == 0 ? 1 : is_tree ? 0 : OfArtifact(target);
      hash = other == 0 ? 0 : Hash(hash, OfString(pairs[k]), other);
    }
    symlinks_.push_back(hash);
  }
  sets_.reserve(log.tables->sets.size());
  for (size_t i = 0; i < log.tables->sets.size(); ++i) {
    const cache::InputSet& set = log.tables->sets[i];
    uint64_t hash = OfEarlier(set.damaged, log.tables->lists.Get(set.sets), sets_);
    for (const cache::ArtifactId artifact : log.tables->lists.Get(set.direct)) {
      if (hash == 0) break;
      const uint64_t other = OfArtifact(artifact);
      hash = other == 0 ? 0 : Hash(hash, 'a', other);
    }
    sets_.push_back(hash);
  }
}

}  // namespace lre_audit::explain
