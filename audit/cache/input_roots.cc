#include "audit/cache/input_roots.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "audit/cache/spawn_parts.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// Directories that are remembered: some 100 MB.
constexpr size_t kMaxDigests = 1 << 20;

// splitmix64's finaliser: every bit of the value counts for every bit of the result.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

}  // namespace

InputRoots::Node InputRoots::Child(Node parent, std::string_view name) {
  if (name.empty() || name == "." || name == "..") return kNoNode;
  auto [found, is_new] = children_.try_emplace({parent, std::string(name)}, 0);
  if (is_new) {
    found->second = static_cast<Node>(nodes_.size());
    NodeInfo& node = nodes_.emplace_back();
    node.parent = parent;
    node.depth = nodes_[parent].depth + 1;
    node.name = name;
  }
  return found->second;
}

InputRoots::Node InputRoots::NodeOf(std::string_view path) {
  Node node = 0;
  while (node != kNoNode) {
    const size_t slash = path.find('/');
    node = Child(node, path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return node;
}

InputRoots::Node InputRoots::NodeOfDirectory(const StringTable::Parts& parts) {
  if (parts.directory == 0) return 0;
  if (of_directory_.size() <= parts.directory) of_directory_.resize(parts.directory + 1024);
  Node& known = of_directory_[parts.directory];
  if (known == 0) known = NodeOf(parts.directory_text);
  return known;
}

std::string_view InputRoots::NameOf(Leaf leaf) const {
  if ((leaf & kOwn) != 0) return own_leaves_[leaf & ~kOwn].name;
  return log_.tables->strings.Split(log_.tables->artifacts[leaf].path).tail;
}

// The files of a tree. One that holds nothing is a directory without leaves.
const InputRoots::Expansion& InputRoots::Expand(ArtifactId id) {
  const auto [found, is_new] = expansions_.try_emplace(id);
  if (!is_new) return found->second;
  Expansion expansion;
  const auto add_file = [&](const std::string& path, ArtifactId file) {
    const size_t slash = path.rfind('/');
    const Node node = slash == std::string::npos ? 0 : NodeOf(path.substr(0, slash));
    own_leaves_.push_back({path.substr(slash + 1), file});
    expansion.emplace_back(node, static_cast<Leaf>(own_leaves_.size() - 1) | kOwn);
  };
  const auto add_directory = [&](const std::string& path, const Artifact& tree) {
    expansion.emplace_back(NodeOf(path), kNoLeaf);
    for (const ArtifactId file : log_.tables->lists.Get(tree.detail)) {
      add_file(absl::StrCat(path, "/", log_.tables->strings.Get(log_.tables->artifacts[file].path)),
               file);
    }
  };
  const Artifact& artifact = log_.tables->artifacts[id];
  const std::string path = log_.tables->strings.Get(artifact.path);
  if (artifact.kind == Artifact::kDirectory) {
    add_directory(path, artifact);
  } else {
    bool damaged = false;
    // A walker of its own: the caller goes through what its own one has found.
    SetWalker walker(log_);
    for (const auto& [below, file] :
         ExpandRunfiles(log_, log_.tables->runfiles_trees[artifact.detail], walker, &damaged)) {
      const std::string full = absl::StrCat(path, "/", below);
      const Artifact& target = log_.tables->artifacts[file];
      if (file != 0 && target.kind == Artifact::kDirectory) {
        add_directory(full, target);
      } else {
        add_file(full, file);
      }
    }
    if (damaged) expansion.emplace_back(kNoNode, kNoLeaf);
  }
  return found->second = std::move(expansion);
}

// False where the path is none.
bool InputRoots::Add(Node node, Leaf leaf) {
  if (node == kNoNode) return false;
  Node current = node;
  Node child = kNoNode;
  while (true) {
    NodeInfo& info = nodes_[current];
    const bool is_new = info.round != round_;
    if (is_new) {
      info.round = round_;
      info.leaves.clear();
      info.children.clear();
      info.low = info.high = 0;
      touched_.push_back(current);
    }
    if (child != kNoNode) info.children.push_back(child);
    if (!is_new || current == 0) break;
    child = current;
    current = info.parent;
  }
  if (leaf != kNoLeaf) {
    NodeInfo& info = nodes_[node];
    info.leaves.push_back(leaf);
    // Sums, so that the order does not count.
    info.low += Mix(leaf);
    info.high += Mix(leaf + (uint64_t{1} << 32));
  }
  return true;
}

// False where two entries have one name, or a file has no digest: the slow way knows what to do.
bool InputRoots::Encode(NodeInfo& node, DigestFunction function) {
  const auto by_name = [&](Leaf a, Leaf b) { return NameOf(a) < NameOf(b); };
  std::sort(node.leaves.begin(), node.leaves.end(), by_name);
  std::sort(node.children.begin(), node.children.end(),
            [&](Node a, Node b) { return nodes_[a].name < nodes_[b].name; });
  DirectoryMessage message;
  for (size_t i = 0; i < node.leaves.size(); ++i) {
    const Leaf leaf = node.leaves[i];
    const std::string_view name = NameOf(leaf);
    if (name.empty() || name == "." || name == "..") return false;
    if (i > 0 && NameOf(node.leaves[i - 1]) == name) return false;
    const auto child =
        std::lower_bound(node.children.begin(), node.children.end(), name,
                         [&](Node a, std::string_view b) { return nodes_[a].name < b; });
    if (child != node.children.end() && nodes_[*child].name == name) return false;
    const ArtifactId id = (leaf & kOwn) != 0 ? own_leaves_[leaf & ~kOwn].artifact : leaf;
    const Artifact& artifact = log_.tables->artifacts[id];
    if (id != 0 && artifact.damaged) return false;
    if (id != 0 && artifact.kind == Artifact::kSymlink) {
      message.AddSymlink(name, log_.tables->strings.Get(artifact.detail), /*is_marked=*/false);
      continue;
    }
    const BlobDigest digest =
        id == 0 ? DigestOf(log_.digest_function, "") : log_.DigestOfFile(artifact);
    if (!digest.known()) return false;
    message.AddFile(name, digest, /*is_marked=*/false);
  }
  for (const Node child : node.children) {
    message.AddDirectory(nodes_[child].name, nodes_[child].digest);
  }
  node.digest = DigestOf(function, message.Finish());
  ++hashed_;
  return true;
}

std::optional<BlobDigest> InputRoots::FastRoot(const std::vector<ArtifactId>& artifacts,
                                               const std::vector<std::string>& directories,
                                               DigestFunction function) {
  ++round_;
  touched_.clear();
  if (!Add(0, kNoLeaf)) return std::nullopt;
  for (const ArtifactId id : artifacts) {
    const Artifact& artifact = log_.tables->artifacts[id];
    if (artifact.kind == Artifact::kFile || artifact.kind == Artifact::kSymlink) {
      const StringTable::Parts parts = log_.tables->strings.Split(artifact.path);
      if (!Add(NodeOfDirectory(parts), id)) return std::nullopt;
      continue;
    }
    if (artifact.damaged) return std::nullopt;
    for (const auto& [node, leaf] : Expand(id)) {
      if (!Add(node, leaf)) return std::nullopt;
    }
  }
  for (const std::string& directory : directories) {
    if (!Add(NodeOf(directory), kNoLeaf)) return std::nullopt;
  }
  // Children before their parents.
  std::sort(touched_.begin(), touched_.end(),
            [&](Node a, Node b) { return nodes_[a].depth > nodes_[b].depth; });
  if (digests_.size() > kMaxDigests) digests_.clear();
  for (const Node current : touched_) {
    NodeInfo& node = nodes_[current];
    for (const Node child : node.children) {
      const NodeInfo& info = nodes_[child];
      node.low += Mix(info.low ^ Mix(child));
      node.high += Mix(info.high ^ Mix(child + (uint64_t{1} << 33)));
    }
    const CacheKey key = {current, function, node.low, node.high};
    if (const auto known = digests_.find(key); known != digests_.end()) {
      node.digest = known->second;
      continue;
    }
    if (!Encode(node, function)) return std::nullopt;
    digests_.emplace(key, node.digest);
  }
  return nodes_[0].digest;
}

absl::StatusOr<BlobDigest> InputRoots::Root(const Spawn& spawn,
                                            const std::vector<std::string>& directories,
                                            const MerkleOptions& options) {
  bool damaged = spawn.damaged;
  const std::vector<ArtifactId>& artifacts = walker_.Flatten(spawn.inputs, &damaged);
  if (!damaged && !options.mark_tools && options.prefix.empty()) {
    if (const auto root = FastRoot(artifacts, directories, options.function)) return *root;
  }
  const SpawnParts parts = ExpandSpawn(log_, spawn, walker_);
  if (parts.damaged) {
    return absl::FailedPreconditionError("part of the spawn, or of its inputs, could not be read");
  }
  return MerkleRoot(parts.inputs, directories, options);
}

}  // namespace lre_audit::cache
