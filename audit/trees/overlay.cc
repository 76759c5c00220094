#include "audit/trees/overlay.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr int kMaxSymlinks = 40;  // as Linux
constexpr size_t kTextBlock = 64 << 10;

uint64_t MetadataOf(const Entry& entry) {
  uint64_t hash = absl::HashOf(entry.mode, entry.uid, entry.gid);
  for (const auto& [name, value] : entry.xattrs) hash = absl::HashOf(hash, name, value);
  return hash;
}

uint64_t ShapeOf(const Entry& entry) {
  return absl::HashOf(static_cast<int>(entry.type), entry.size, entry.target);
}

}  // namespace

// Finds a child by its name without keeping the name a second time.
struct Overlay::ByName {
  struct Key {
    Id parent;
    std::string_view name;
  };
  struct Hash {
    using is_transparent = void;
    const std::deque<Node>* nodes;
    size_t operator()(const Key& key) const { return absl::HashOf(key.parent, ToAbsl(key.name)); }
    size_t operator()(Id id) const {
      const Node& node = (*nodes)[id];
      return (*this)(Key{node.parent, {node.name, node.name_size}});
    }
  };
  struct Equal {
    using is_transparent = void;
    const std::deque<Node>* nodes;
    bool operator()(Id a, Id b) const { return a == b; }
    bool operator()(Id id, const Key& key) const {
      const Node& node = (*nodes)[id];
      return node.parent == key.parent && std::string_view(node.name, node.name_size) == key.name;
    }
    bool operator()(const Key& key, Id id) const { return (*this)(id, key); }
  };
  explicit ByName(const std::deque<Node>* nodes) : ids(0, Hash{nodes}, Equal{nodes}) {}
  absl::flat_hash_set<Id, Hash, Equal> ids;
};

Overlay::Overlay(std::string_view watched)
    : watched_(watched), by_name_(std::make_unique<ByName>(&nodes_)) {
  nodes_.emplace_back();  // the root
}
Overlay::~Overlay() = default;

std::string_view Overlay::Keep(std::string_view text) {
  if (text.size() > text_left_) {
    text_left_ = std::max(kTextBlock, text.size());
    text_.emplace_back(new char[text_left_]);
    text_at_ = text_.back().get();
  }
  std::memcpy(text_at_, text.data(), text.size());
  const std::string_view kept(text_at_, text.size());
  text_at_ += text.size();
  text_left_ -= text.size();
  return kept;
}

std::string Overlay::PathOf(Id id) const {
  std::vector<std::string_view> names;
  for (; id != 0; id = nodes_[id].parent) names.push_back(NameOf(nodes_[id]));
  if (names.empty()) return "/";
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    path += '/';
    path += *name;
  }
  return path;
}

Overlay::Id Overlay::Find(Id parent, std::string_view name) const {
  const auto found = by_name_->ids.find(ByName::Key{parent, name});
  return found == by_name_->ids.end() ? kNoId : *found;
}

Overlay::Id Overlay::Create(Id parent, std::string_view name) {
  Id id;
  if (free_.empty()) {
    id = static_cast<Id>(nodes_.size());
    nodes_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
    nodes_[id] = Node();
  }
  const std::string_view kept = Keep(name);
  Node& node = nodes_[id];
  node.name = kept.data();
  node.name_size = static_cast<uint32_t>(kept.size());
  node.parent = parent;
  node.born = layer_;
  node.next = nodes_[parent].first_child;
  if (node.next != kNoId) nodes_[node.next].previous = id;
  nodes_[parent].first_child = id;
  by_name_->ids.insert(id);
  ++live_;
  if (watched_id_ == kNoId && watched_.ends_with(name) && PathOf(id) == watched_) watched_id_ = id;
  return id;
}

void Overlay::Erase(Id id) {
  // Depth first without recursion: the depth is the input's.
  Id at = id;
  while (true) {
    while (nodes_[at].first_child != kNoId) at = nodes_[at].first_child;
    const Node& node = nodes_[at];
    const Id parent = node.parent;
    by_name_->ids.erase(at);
    if (node.previous != kNoId) nodes_[node.previous].next = node.next;
    if (node.previous == kNoId) nodes_[parent].first_child = node.next;
    if (node.next != kNoId) nodes_[node.next].previous = node.previous;
    if (at == watched_id_) watched_id_ = kNoId;
    free_.push_back(at);
    --live_;
    if (at == id) return;
    at = parent;
  }
}

Overlay::Id Overlay::UnitOf(Id id) const {
  if (watched_id_ == kNoId) return kNoId;
  while (id != 0 && id != kNoId) {
    if (nodes_[id].parent == watched_id_) return id;
    id = nodes_[id].parent;
  }
  return kNoId;
}

void Overlay::Refuse(const Entry& entry, std::string message) {
  refusals_.push_back(
      {entry.path, {layer_, static_cast<uint32_t>(entry.index)}, std::move(message)});
}

void Overlay::BeginLayer() { ++layer_; }

Overlay::Id Overlay::ResolveParent(std::string_view path, bool create, std::string* why) {
  // Components still to be walked, the next one last.
  std::vector<std::string> left;
  auto push = [&left](std::string_view text) {
    const size_t first = left.size();
    while (!text.empty()) {
      const size_t slash = std::min(text.find('/'), text.size());
      if (slash > 0) left.emplace_back(text.substr(0, slash));
      text.remove_prefix(std::min(slash + 1, text.size()));
    }
    std::reverse(left.begin() + static_cast<ptrdiff_t>(first), left.end());
  };
  push(path);
  Id at = 0;
  int symlinks = 0;
  while (!left.empty()) {
    const std::string name = std::move(left.back());
    left.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      if (at != 0) at = nodes_[at].parent;
      continue;
    }
    Id child = Find(at, name);
    if (child == kNoId) {
      if (!create) {
        *why = "its directory does not exist";
        return kNoId;
      }
      child = Create(at, name);
    }
    const Node& node = nodes_[child];
    if (node.type == Entry::Type::kSymlink) {
      if (++symlinks > kMaxSymlinks) {
        *why = absl::StrCat("more than ", kMaxSymlinks, " symlinks on the way to it");
        return kNoId;
      }
      const std::string& target = targets_[node.target];
      if (target.starts_with('/')) at = 0;
      push(target);
    } else if (node.type != Entry::Type::kDirectory) {
      *why = absl::StrCat("\"", Escaped(PathOf(child)), "\" is no directory");
      return kNoId;
    } else {
      at = child;
    }
  }
  return at;
}

void Overlay::ReportRemoved(Id id, EntryRef upper) {
  if (UnitOf(id) != kNoId) {
    alterations_.push_back({Alteration::How::kRemoved, PathOf(id), nodes_[id].entry, upper});
    return;
  }
  // Something above: each entry of the watched directory goes with it.
  Id above = watched_id_;
  while (above != kNoId && above != id && above != 0) above = nodes_[above].parent;
  if (watched_id_ == kNoId || above != id) return;
  for (Id unit = nodes_[watched_id_].first_child; unit != kNoId; unit = nodes_[unit].next) {
    if (nodes_[unit].born < layer_) {
      alterations_.push_back({Alteration::How::kRemoved, PathOf(unit), nodes_[unit].entry, upper});
    }
  }
}

bool Overlay::IsOwn(Id id) const {
  const Node& node = nodes_[id];
  return node.entry.present() ? node.entry.layer == layer_ : node.born == layer_;
}

void Overlay::EraseLower(Id id) {
  std::vector<Id> order{id};
  for (size_t i = 0; i < order.size(); ++i) {
    for (Id child = nodes_[order[i]].first_child; child != kNoId; child = nodes_[child].next) {
      order.push_back(child);
    }
  }
  // Children stand behind their parents, so backwards all below a node has been decided.
  for (size_t i = order.size(); i-- > 0;) {
    if (IsOwn(order[i])) continue;
    Node& node = nodes_[order[i]];
    if (node.first_child == kNoId) {
      Erase(order[i]);
    } else {
      node.entry = node.content = EntryRef();  // a mere parent of what this layer put there
      node.born = layer_;
    }
  }
}

void Overlay::EraseLowerChildren(Id directory) {
  std::vector<Id> left{directory};
  while (!left.empty()) {
    Id child = nodes_[left.back()].first_child;
    left.pop_back();
    while (child != kNoId) {
      const Id next = nodes_[child].next;
      if (IsOwn(child)) {
        left.push_back(child);
      } else {
        ReportRemoved(child, {layer_, EntryRef::kNone});
        EraseLower(child);
      }
      child = next;
    }
  }
}

void Overlay::Add(const Entry& entry) {
  if (entry.path == "/") {
    if (entry.type == Entry::Type::kOpaque) {
      EraseLowerChildren(0);
    } else if (entry.type == Entry::Type::kDirectory) {
      nodes_[0].entry = nodes_[0].content = {layer_, static_cast<uint32_t>(entry.index)};
    }
    return;
  }
  const bool removes = entry.type == Entry::Type::kWhiteout || entry.type == Entry::Type::kOpaque;
  const size_t slash = entry.path.rfind('/');
  const std::string_view name = std::string_view(entry.path).substr(slash + 1);
  std::string why;
  const Id parent = ResolveParent(std::string_view(entry.path).substr(0, slash), !removes, &why);
  if (parent == kNoId) {
    // A whiteout of what is not there removes nothing.
    if (!removes) Refuse(entry, why);
    return;
  }
  if (!removes) return Place(entry, parent, name);
  const Id id = Find(parent, name);
  if (id == kNoId) return;
  if (entry.type == Entry::Type::kOpaque) return EraseLowerChildren(id);
  if (IsOwn(id)) {
    Refuse(entry, "a whiteout of what the same layer holds: runtimes disagree whether it stays");
    return EraseLowerChildren(id);
  }
  ReportRemoved(id, {layer_, EntryRef::kNone});
  EraseLower(id);
}

void Overlay::Place(const Entry& entry, Id parent, std::string_view name) {
  const EntryRef self{layer_, static_cast<uint32_t>(entry.index)};
  EntryRef content = self;
  Entry::Type type = entry.type;
  uint64_t shape = ShapeOf(entry), metadata = MetadataOf(entry);
  uint32_t target = 0;
  if (type == Entry::Type::kHardlink) {
    const size_t slash = entry.target.rfind('/');
    std::string why;
    const Id directory =
        ResolveParent(std::string_view(entry.target).substr(0, slash), false, &why);
    const Id linked = directory == kNoId
                          ? kNoId
                          : Find(directory, std::string_view(entry.target).substr(slash + 1));
    if (linked == kNoId || nodes_[linked].type == Entry::Type::kDirectory) {
      return Refuse(entry, absl::StrCat("hard link to \"", Escaped(entry.target), "\", which ",
                                        linked == kNoId ? "does not exist" : "is a directory"));
    }
    // A link to itself changes nothing.
    if (linked == Find(parent, name)) return;
    content = nodes_[linked].content;
    type = nodes_[linked].type;
    shape = nodes_[linked].shape;
    metadata = nodes_[linked].metadata;
    target = nodes_[linked].target;
  } else if (type == Entry::Type::kSymlink) {
    target = static_cast<uint32_t>(targets_.size());
    targets_.push_back(entry.target);
  }

  Id id = Find(parent, name);
  const bool existed = id != kNoId;
  if (existed) {
    const Node old = nodes_[id];
    const bool both_directories =
        old.type == Entry::Type::kDirectory && type == Entry::Type::kDirectory;
    const bool same = old.metadata == metadata && old.shape == shape;
    if (old.entry.layer == layer_ && !(both_directories && same)) {
      duplicates_.push_back({PathOf(id), old.entry, self, old.content, content});
    } else if (old.entry.present() && old.entry.layer != layer_ && UnitOf(id) != kNoId) {
      const bool maybe_identical = same && type == Entry::Type::kRegular;
      const bool unchanged = same && (!maybe_identical || content == old.content);
      if (!unchanged) {
        // A hard link inside one layer may stand for its target, whose contents it has.
        alterations_.push_back(
            {both_directories ? Alteration::How::kMetadata : Alteration::How::kReplaced, PathOf(id),
             old.content, content.layer == layer_ ? content : self, maybe_identical, content});
      }
    } else if (!both_directories && old.born < layer_ && !old.entry.present() &&
               UnitOf(id) != kNoId) {
      // A directory that only the paths of its files told of.
      alterations_.push_back(
          {Alteration::How::kReplaced, PathOf(id), {old.born, EntryRef::kNone}, self});
    }
    if (!both_directories) {
      // Anything else is removed before it is replaced, with all that it held: above the watched
      // directory, each of its entries.
      if (UnitOf(id) == kNoId) ReportRemoved(id, self);
      const uint32_t born = old.born;
      Erase(id);
      id = Create(parent, name);
      nodes_[id].born = born;
    }
  } else {
    id = Create(parent, name);
    const Id unit = UnitOf(id);
    if (unit != kNoId && unit != id && nodes_[unit].born < layer_) {
      alterations_.push_back({Alteration::How::kAdded, PathOf(id), {}, self});
    }
  }
  Node& node = nodes_[id];
  node.type = type;
  node.entry = self;
  node.content = content;
  node.metadata = metadata;
  node.shape = shape;
  node.target = target;
}

void Overlay::ForEach(const std::function<void(const File&)>& visit) const {
  struct Level {
    std::vector<Id> children;
    size_t next = 0;
    size_t path_size = 0;
  };
  auto level_of = [this](Id id, size_t path_size) {
    Level level;
    level.path_size = path_size;
    for (Id child = nodes_[id].first_child; child != kNoId; child = nodes_[child].next) {
      level.children.push_back(child);
    }
    std::sort(level.children.begin(), level.children.end(),
              [this](Id a, Id b) { return NameOf(nodes_[a]) < NameOf(nodes_[b]); });
    return level;
  };
  File file;
  std::vector<Level> levels{level_of(0, 0)};
  while (!levels.empty()) {
    Level& level = levels.back();
    file.path.resize(level.path_size);
    if (level.next == level.children.size()) {
      levels.pop_back();
      continue;
    }
    const Id id = level.children[level.next++];
    const Node& node = nodes_[id];
    file.path += '/';
    file.path += NameOf(node);
    file.type = node.type;
    file.entry = node.entry;
    file.content = node.content;
    visit(file);
    if (node.first_child != kNoId) levels.push_back(level_of(id, file.path.size()));
  }
}

}  // namespace lre_audit
