// Input roots of the spawns of one log. Spawns share most of their inputs, so each directory with
// the same contents is put together and hashed once, whichever spawns have it.
#ifndef LRE_AUDIT_AUDIT_CACHE_INPUT_ROOTS_H_
#define LRE_AUDIT_AUDIT_CACHE_INPUT_ROOTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/merkle_tree.h"

namespace lre_audit::cache {

class InputRoots {
 public:
  // `log` must outlive this.
  explicit InputRoots(const ExecutionLog& log) : log_(log), walker_(log) {}

  // What MerkleRoot() makes of the spawn's inputs, with the same errors; FailedPrecondition, too,
  // where part of them could not be read.
  absl::StatusOr<BlobDigest> Root(const Spawn& spawn, const std::vector<std::string>& directories,
                                  const MerkleOptions& options);

  uint64_t hashed() const { return hashed_; }  // Directory messages

 private:
  using Node = uint32_t;  // a directory's path: index into nodes_; 0 is the root
  using Leaf = uint32_t;  // an ArtifactId, or kOwn and an index into own_leaves_
  static constexpr Leaf kOwn = uint32_t{1} << 31;
  static constexpr Leaf kNoLeaf = 0;
  static constexpr Node kNoNode = UINT32_MAX;  // of a path that is none

  struct NodeInfo {
    Node parent = 0;
    uint32_t depth = 0;
    std::string name;
    // Of the current spawn, `round` says:
    uint32_t round = 0;
    std::vector<Leaf> leaves;
    std::vector<Node> children;
    uint64_t low = 0, high = 0;  // a fingerprint of both
    BlobDigest digest;
  };
  struct OwnLeaf {  // of a tree, whose files' paths are no strings of the log
    std::string name;
    ArtifactId artifact;  // 0: an empty file
  };
  using Expansion = std::vector<std::pair<Node, Leaf>>;
  struct CacheKey {
    Node node;
    DigestFunction function;
    uint64_t low, high;
    bool operator==(const CacheKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const CacheKey& key) {
      return H::combine(std::move(h), key.node, key.function, key.low, key.high);
    }
  };

  // nullopt where names are not as simple as this takes them to be.
  std::optional<BlobDigest> FastRoot(const std::vector<ArtifactId>& artifacts,
                                     const std::vector<std::string>& directories,
                                     DigestFunction function);
  Node Child(Node parent, std::string_view name);
  Node NodeOf(std::string_view path);
  Node NodeOfDirectory(const StringTable::Parts& parts);
  const Expansion& Expand(ArtifactId id);
  bool Add(Node node, Leaf leaf);
  std::string_view NameOf(Leaf leaf) const;
  bool Encode(NodeInfo& node, DigestFunction function);

  const ExecutionLog& log_;
  SetWalker walker_;
  uint32_t round_ = 0;
  uint64_t hashed_ = 0;
  std::vector<NodeInfo> nodes_ = std::vector<NodeInfo>(1);
  absl::flat_hash_map<std::pair<Node, std::string>, Node> children_;
  std::vector<Node> of_directory_;  // by StringTable's directory; 0: not known yet
  std::vector<OwnLeaf> own_leaves_ = std::vector<OwnLeaf>(1);
  absl::flat_hash_map<ArtifactId, Expansion> expansions_;
  std::vector<Node> touched_;
  absl::flat_hash_map<CacheKey, BlobDigest> digests_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_INPUT_ROOTS_H_
