// Who names whom in a linked subject, as a graph: its nodes are files, store paths and whatever
// else is named; every claim is a step from the file that makes it to what it names.
#ifndef LRE_AUDIT_AUDIT_WHY_GRAPH_H_
#define LRE_AUDIT_AUDIT_WHY_GRAPH_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "audit/link/tree_index.h"
#include "audit/why/roots.h"
#include "rules/linked.h"

namespace lre_audit::why {

using Node = uint32_t;

// A directory that is searched leads to the files in it, and a store path to all of its files.
struct Holds {
  bool is_store_path = false;
};
// Why one thing leads to another; the pointers are into the Subject.
using Cause = std::variant<Holds, const LinkedClaim*, const LinkedLibrary*, const LinkedDlopen*,
                           const StoreReference*, const HiddenReference*>;

// Whether the step is what a loader, kernel or shell takes. That a string is in a file, or that a
// file refers to a package, does not say what is used, or whether anything is.
bool IsPrecise(const Cause& cause);

struct Step {
  Node from = 0, to = 0;
  Cause cause;
};

class Graph {
 public:
  // `subject`, `index` (of the same tree) and `roots` must outlive the graph.
  Graph(const Subject& subject, const TreeIndex& index, const std::vector<Root>& roots);

  size_t size() const { return paths_.size(); }
  // Absolute; the bare name of a library that is found nowhere.
  std::string_view PathOf(Node node) const { return paths_[node]; }
  const LinkedFile* FileOf(Node node) const {
    return node < subject_.files.size() ? &subject_.files[node] : nullptr;
  }
  // Whether the tree has something there, a symlink to nowhere included.
  bool Exists(Node node) const { return FileOf(node) != nullptr || Exists(PathOf(node)); }
  bool Exists(std::string_view path) const;
  // What roots[root] names; nullopt where it names no path (a command that is not found).
  std::optional<Node> RootNode(size_t root) const { return root_nodes_[root]; }

  // In the order of the file's facts, at most one to each node: what says most comes first.
  std::span<const Step> StepsFrom(Node node) const {
    return std::span(steps_).subspan(from_[node], from_[node + 1] - from_[node]);
  }
  // Indexes into steps().
  std::span<const uint32_t> StepsTo(Node node) const {
    return std::span(by_target_).subspan(to_[node], to_[node + 1] - to_[node]);
  }
  const std::vector<Step>& steps() const { return steps_; }

  // Where claims of absolute `path` lead: the directories' symlinks are resolved. One of the file
  // itself is a step of its own, unless it stays in its store path (libz.so.1 -> libz.so.1.3).
  std::string Place(std::string_view path) const;

 private:
  void AddFile(Node node);
  void AddObject(const LinkedObject& object);
  void AddLibrary(const LinkedObject& object, const LinkedLibrary& library);
  void AddClaims(const std::vector<LinkedClaim>& claims);
  void AddHeld();
  void Sort();
  void Lead(Node to, Cause cause);
  std::optional<Node> NodeOf(const LinkedClaim& claim);
  Node NodeAt(std::string_view path);
  Node SearchDirectory(const std::string& path);
  Node StorePathNode(const std::string& base_name);
  std::optional<Node> Known(std::string_view path) const;

  const Subject& subject_;
  const TreeIndex& index_;
  std::vector<std::string_view> paths_;  // the files' first, in their order
  std::deque<std::string> owned_;        // those that no file has
  absl::flat_hash_map<std::string_view, Node> nodes_;
  absl::flat_hash_map<std::string_view, Node> placed_;  // claims' texts looked up before
  // A directory as something to be searched leads to what it holds, as something named it does not.
  absl::flat_hash_map<std::string_view, Node> search_directories_;
  absl::flat_hash_map<std::string_view, Node> by_hash_;  // store paths
  std::vector<std::optional<Node>> root_nodes_;
  std::vector<Step> steps_;  // by `from`
  std::vector<uint32_t> by_target_;
  std::vector<uint32_t> from_, to_;  // first of each node, and the end
  Node at_ = 0;                      // whose steps are being added
  std::vector<Node> last_from_;      // by `to`: the last node with a step there, plus one
};

}  // namespace lre_audit::why

#endif  // LRE_AUDIT_AUDIT_WHY_GRAPH_H_
