#include "audit/why/graph.h"

#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::why {
namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel's

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view HashOf(std::string_view store_path) {
  return FileName(store_path).substr(0, nix::kHashLength);
}

// Whether who names a directory in this way looks for files in it.
bool Searches(Claim::Kind kind) {
  switch (kind) {
    case Claim::ENVIRONMENT:
    case Claim::WRAPPER:
    case Claim::NIX_SUPPORT:
    case Claim::BUILD_METADATA:
    case Claim::TOOL:
    case Claim::INCLUDE_DIRECTORY:
    case Claim::FLAG:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool IsPrecise(const Cause& cause) {
  if (std::holds_alternative<const StoreReference*>(cause)) return false;
  if (std::holds_alternative<const HiddenReference*>(cause)) return false;
  if (const auto* holds = std::get_if<Holds>(&cause)) return !holds->is_store_path;
  const auto* claim = std::get_if<const LinkedClaim*>(&cause);
  if (claim == nullptr) return true;
  const Claim::Kind kind = (*claim)->kind;
  return kind != Claim::EMBEDDED && kind != Claim::DEBUG_DIRECTORY && kind != Claim::LOADER_DEFAULT;
}

Graph::Graph(const Subject& subject, const TreeIndex& index, const std::vector<Root>& roots)
    : subject_(subject), index_(index) {
  paths_.reserve(subject.files.size());
  nodes_.reserve(subject.files.size());
  for (const LinkedFile& file : subject.files) {
    nodes_.emplace(file.facts->path(), static_cast<Node>(paths_.size()));
    paths_.push_back(file.facts->path());
  }
  for (const LinkedStorePath& path : subject.store_paths) {
    by_hash_.try_emplace(HashOf(path.path), NodeAt(path.path));
  }
  for (const Root& root : roots) root_nodes_.push_back(NodeOf(root.claim));
  for (Node node = 0; node < subject.files.size(); ++node) AddFile(node);
  AddHeld();
  Sort();
}

std::optional<Node> Graph::Known(std::string_view path) const {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return std::nullopt;
  return found->second;
}

Node Graph::NodeAt(std::string_view path) {
  if (const auto known = Known(path)) return *known;
  const Node node = static_cast<Node>(paths_.size());
  paths_.push_back(owned_.emplace_back(path));
  nodes_.emplace(paths_.back(), node);
  return node;
}

Node Graph::SearchDirectory(const std::string& path) {
  const auto known = search_directories_.find(path);
  if (known != search_directories_.end()) return known->second;
  const Node node = static_cast<Node>(paths_.size());
  paths_.push_back(owned_.emplace_back(path));
  search_directories_.emplace(paths_.back(), node);
  return node;
}

bool Graph::Exists(std::string_view path) const {
  if (!path.starts_with("/")) return false;
  const std::optional<Node> node = Known(path);
  return (node && FileOf(*node) != nullptr) || index_.Resolve(path).exists;
}

std::string Graph::Place(std::string_view path) const {
  std::string at(path);
  for (int hops = 0; hops < kMaxSymlinks; ++hops) {
    while (at.size() > 1 && at.back() == '/') at.pop_back();
    const std::string_view name = FileName(at);
    if (name.empty() || name == "." || name == "..") return index_.Resolve(at).path;
    const std::string directory = index_.Resolve(DirectoryOf(at)).path;
    at = absl::StrCat(directory == "/" ? "" : directory, "/", ToAbsl(name));
    const std::optional<Node> node = Known(at);
    const LinkedFile* file = node ? FileOf(*node) : nullptr;
    if (file == nullptr || file->facts->type() != FileFacts::SYMLINK || file->store_path.empty()) {
      return at;
    }
    const std::string& target = file->facts->target();
    std::string next = target.starts_with("/") ? target : absl::StrCat(directory, "/", target);
    if (!IsWithin(index_.Resolve(next).path, file->store_path)) return at;
    at = std::move(next);
  }
  return at;
}

// Text may run on behind a store path's name: then the hash tells which one is meant.
Node Graph::StorePathNode(const std::string& base_name) {
  const std::string path = absl::StrCat(subject_.store_directory, "/", base_name);
  if (const auto known = Known(path)) return *known;
  const auto known = by_hash_.find(HashOf(path));
  return known != by_hash_.end() ? known->second : NodeAt(path);
}

std::optional<Node> Graph::NodeOf(const LinkedClaim& claim) {
  const Target& target = claim.target;
  if (target.is_directory && Searches(claim.kind) && target.path != target.store_path) {
    return SearchDirectory(target.path);
  }
  if (!claim.text.starts_with("/")) {
    if (target.place == Target::Place::kRelative) return std::nullopt;
    if (claim.kind != Claim::SYMLINK_TARGET) return NodeAt(target.path);
    return NodeAt(Place(absl::StrCat(ToAbsl(DirectoryOf(paths_[at_])), "/", claim.text)));
  }
  const auto [placed, is_new] = placed_.try_emplace(claim.text, 0);
  if (is_new) placed->second = NodeAt(Place(claim.text));
  return placed->second;
}

void Graph::Lead(Node to, Cause cause) {
  if (to == at_) return;
  if (last_from_.size() <= to) last_from_.resize(paths_.size());
  if (std::exchange(last_from_[to], at_ + 1) == at_ + 1) return;
  steps_.push_back({at_, to, cause});
}

void Graph::AddClaims(const std::vector<LinkedClaim>& claims) {
  for (const LinkedClaim& claim : claims) {
    if (const auto node = NodeOf(claim)) Lead(*node, &claim);
  }
}

void Graph::AddLibrary(const LinkedObject& object, const LinkedLibrary& library) {
  if (library.name.find('/') != std::string::npos && library.target.path.starts_with("/")) {
    const bool absolute = library.name.starts_with("/");
    return Lead(NodeAt(absolute ? Place(library.name) : library.target.path), &library);
  }
  if (!library.found) return Lead(NodeAt(library.name), &library);
  // The file that the element holds, which may be a symlink that leads out of its package.
  for (const LinkedClaim& element : object.search_path) {
    if (element.text != library.element || !element.target.path.starts_with("/")) continue;
    const std::string path = absl::StrCat(element.target.path, "/", library.name);
    if (index_.Resolve(path).path == library.target.path)
      return Lead(NodeAt(Place(path)), &library);
  }
  Lead(NodeAt(library.target.path), &library);
}

void Graph::AddObject(const LinkedObject& object) {
  if (object.interpreter) {
    if (const auto node = NodeOf(*object.interpreter)) Lead(*node, &*object.interpreter);
  }
  for (const LinkedLibrary& library : object.libraries) AddLibrary(object, library);
  AddClaims(object.audit_modules);
  AddClaims(object.ld_cache);
  AddClaims(object.search_path);
  AddClaims(object.loader_defaults);
  for (const LinkedDlopen& dlopen : object.dlopens) {
    for (const std::string& soname : dlopen.sonames) {
      Lead(NodeAt(soname.starts_with("/") ? Place(soname) : soname), &dlopen);
    }
  }
  AddClaims(object.debug_directories);
}

void Graph::AddFile(Node node) {
  at_ = node;
  const LinkedFile& file = subject_.files[node];
  if (file.object) AddObject(*file.object);
  // What a program embeds says less than what it is told to run.
  for (const bool embedded : {false, true}) {
    for (const LinkedClaim& claim : file.claims) {
      if ((claim.kind == Claim::EMBEDDED) != embedded) continue;
      if (const auto to = NodeOf(claim)) Lead(*to, &claim);
    }
  }
  for (const StoreReference& reference : file.facts->references()) {
    Lead(StorePathNode(reference.base_name()), &reference);
  }
  for (const HiddenReference& reference : file.facts->hidden_references()) {
    Lead(StorePathNode(reference.base_name()), &reference);
  }
}

void Graph::AddHeld() {
  for (Node node = 0; node < subject_.files.size(); ++node) {
    const LinkedFile& file = subject_.files[node];
    if (file.store_path.empty() || file.store_path == paths_[node]) continue;
    steps_.push_back({NodeAt(file.store_path), node, Holds{true}});
  }
  for (Node node = 0; node < subject_.files.size(); ++node) {
    const auto directory = search_directories_.find(DirectoryOf(paths_[node]));
    if (directory == search_directories_.end()) continue;
    steps_.push_back({directory->second, node, Holds{false}});
  }
}

void Graph::Sort() {
  // Counting sorts, which are stable: a node's steps keep their order.
  from_.assign(size() + 1, 0);
  to_.assign(size() + 1, 0);
  for (const Step& step : steps_) {
    ++from_[step.from + 1];
    ++to_[step.to + 1];
  }
  std::partial_sum(from_.begin(), from_.end(), from_.begin());
  std::partial_sum(to_.begin(), to_.end(), to_.begin());
  std::vector<Step> sorted(steps_.size());
  std::vector<uint32_t> next = from_;
  for (const Step& step : steps_) sorted[next[step.from]++] = step;
  steps_ = std::move(sorted);
  by_target_.resize(steps_.size());
  next = to_;
  for (uint32_t i = 0; i < steps_.size(); ++i) by_target_[next[steps_[i].to]++] = i;
}

}  // namespace lre_audit::why
