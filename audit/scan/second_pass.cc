#include "audit/scan/second_pass.h"
#include "audit/bytes/sha256.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "audit/scan/kept_hashes.h"
#include "audit/scan/kept_part.h"

namespace lre_audit {
namespace {

// One store path on its way through its nodes.
struct Progress {
  const NarRequest* request;
  size_t next = 0;  // node that the hasher waits for
  nix::NarHasher hasher;
  bool failed = false;

  bool done() const { return failed || next == request->nodes.size(); }
};

// A node that waits for contents: its path's position in the group, its own in the path. Paths are
// brought to their end in this order.
struct Use {
  size_t path = 0, node = 0;
  auto operator<=>(const Use&) const = default;
};

class NarCollector : public EntrySink {
 public:
  NarCollector(std::vector<Progress>& paths, uint64_t hold_bytes)
      : paths_(paths), free_(hold_bytes) {
    for (size_t i = 0; i < paths_.size(); ++i) {
      const std::vector<NarNode>& nodes = paths_[i].request->nodes;
      for (size_t n = 0; n < nodes.size(); ++n) {
        if (nodes[n].type == Entry::Type::kRegular) uses_[nodes[n].content].push_back({i, n});
      }
    }
    for (size_t i = 0; i < paths_.size(); ++i) Advance(i);
  }

  void BeginPart(size_t part) {
    part_ = part;
    // What was held for a path that has failed.
    for (auto held = held_.begin(); held != held_.end();) Settle(held++);
  }
  // Parts that hold contents which some path still waits for.
  std::set<size_t> PartsNeeded() const {
    std::set<size_t> parts;
    for (const Progress& path : paths_) {
      if (path.done()) continue;
      for (size_t i = path.next; i < path.request->nodes.size(); ++i) {
        const NarNode& node = path.request->nodes[i];
        if (node.type == Entry::Type::kRegular && !held_.contains(node.content)) {
          parts.insert(node.content.part);
        }
      }
    }
    return parts;
  }
  size_t nodes_done() const { return nodes_done_; }

  void BeginEntry(const Entry& entry) override {
    live_.clear();
    hold_ = nullptr;
    if (entry.type != Entry::Type::kRegular) return;
    current_ = {part_, entry.index};
    const auto found = uses_.find(current_);
    if (found == uses_.end()) return;
    const std::vector<Use>& uses = found->second;
    size_t later = uses.size();  // the first that cannot be served at once
    for (size_t u = 0; u < uses.size(); ++u) {
      Progress& path = paths_[uses[u].path];
      if (IsServed(uses[u])) continue;
      if (uses[u].node == path.next) {
        const NarNode& node = path.request->nodes[path.next];
        live_.push_back(uses[u].path);
        Check(path, path.hasher.Regular(node.path, node.executable, node.size));
      } else if (later == uses.size()) {
        later = u;
      }
    }
    if (later < uses.size() && !held_.contains(current_) && MakeRoom(entry.size, uses[later])) {
      hold_ = &held_[current_];
      *hold_ = {{}, entry.size, &uses, later};
      free_ -= entry.size;
      by_use_.emplace(uses[later], current_);
    }
  }
  void Data(std::string_view piece) override {
    for (size_t i : live_) Check(paths_[i], paths_[i].hasher.Data(piece));
    if (hold_ != nullptr) hold_->data += piece;
  }
  void EndEntry(bool complete) override {
    if (!complete && hold_ != nullptr) Drop(held_.find(current_));
    for (size_t i : live_) {
      if (!complete) paths_[i].failed = true;
      if (paths_[i].failed) continue;
      ++paths_[i].next;
      ++nodes_done_;
    }
    for (size_t i : live_) Advance(i);
    live_.clear();
    hold_ = nullptr;
  }

 private:
  // Contents that came before their turn.
  struct Held {
    std::string data;
    uint64_t size = 0;  // as announced: what they take of free_
    const std::vector<Use>* uses = nullptr;
    size_t next = 0;  // the first of them to be served
  };
  using HeldAt = std::map<ContentRef, Held>::iterator;

  bool IsServed(const Use& use) const {
    return paths_[use.path].failed || use.node < paths_[use.path].next;
  }

  // Frees `size` bytes for contents needed at `use`, if need be of those needed later. So every
  // pass ends with the next contents of all at hand, as many as fit, and the number of passes is
  // bounded by the bytes that stand out of order.
  bool MakeRoom(uint64_t size, const Use& use) {
    uint64_t room = free_;
    size_t given_up = 0;
    for (auto last = by_use_.rbegin(); room < size && last != by_use_.rend(); ++last, ++given_up) {
      if (last->first < use) return false;
      room += held_.at(last->second).size;
    }
    if (room < size) return false;
    for (; given_up > 0; --given_up) Drop(held_.find(by_use_.rbegin()->second));
    return true;
  }
  void Drop(HeldAt held) {
    free_ += held->second.size;
    by_use_.erase({(*held->second.uses)[held->second.next], held->first});
    if (hold_ == &held->second) hold_ = nullptr;
    held_.erase(held);
  }
  // After some uses were served: waits for the next one, or is dropped.
  void Settle(HeldAt held) {
    const std::vector<Use>& uses = *held->second.uses;
    size_t next = held->second.next;
    while (next < uses.size() && IsServed(uses[next])) ++next;
    if (next == uses.size()) return Drop(held);
    if (next == held->second.next) return;
    by_use_.erase({uses[held->second.next], held->first});
    by_use_.emplace(uses[next], held->first);
    held->second.next = next;
  }

  // Feeds everything that needs no stream: directories, symlinks, contents at hand.
  void Advance(size_t i) {
    Progress& path = paths_[i];
    while (!path.done()) {
      const NarNode& node = path.request->nodes[path.next];
      HeldAt held = held_.end();
      if (node.type == Entry::Type::kDirectory) {
        Check(path, path.hasher.Directory(node.path));
      } else if (node.type == Entry::Type::kSymlink) {
        Check(path, path.hasher.Symlink(node.path, node.target));
      } else {
        held = held_.find(node.content);
        if (held == held_.end()) return;
        Check(path, path.hasher.Regular(node.path, node.executable, node.size));
        if (!path.failed) Check(path, path.hasher.Data(held->second.data));
      }
      ++path.next;
      ++nodes_done_;
      if (held != held_.end()) Settle(held);
    }
  }
  void Check(Progress& path, const absl::Status& status) {
    if (!status.ok()) path.failed = true;
  }

  std::vector<Progress>& paths_;
  uint64_t free_;
  std::map<ContentRef, std::vector<Use>> uses_;  // sorted
  std::map<ContentRef, Held> held_;
  std::set<std::pair<Use, ContentRef>> by_use_;  // of held_, by the next use
  size_t part_ = 0;
  ContentRef current_;
  std::vector<size_t> live_;  // paths that the current contents are the next of
  Held* hold_ = nullptr;
  size_t nodes_done_ = 0;
};

// With `verified`, bytes are held against their digests again: false where some were others.
std::map<std::string, nix::NarHasher::Result> HashGroup(
    const Tree& tree, const std::vector<const NarRequest*>& requests, uint64_t hold_bytes,
    bool* verified = nullptr) {
  std::vector<Progress> paths;
  paths.reserve(requests.size());
  for (const NarRequest* request : requests) paths.push_back({request, 0, nix::NarHasher(), false});
  NarCollector collector(paths, hold_bytes);
  // Every pass feeds at least the next contents of every path, or something cannot be read.
  for (size_t before = SIZE_MAX; before != collector.nodes_done();) {
    before = collector.nodes_done();
    for (size_t part : collector.PartsNeeded()) {
      std::vector<Problem> known;  // the first pass has reported them
      collector.BeginPart(part);
      tree.Stream(part, /*verify=*/verified != nullptr, collector, known);
      if (verified != nullptr && !IsAsPromised(tree.parts()[part], known)) *verified = false;
    }
  }
  std::map<std::string, nix::NarHasher::Result> results;
  for (Progress& path : paths) {
    if (path.failed || !path.done()) continue;
    absl::StatusOr<nix::NarHasher::Result> nar = path.hasher.Finish();
    if (nar.ok()) results[path.request->store_path] = *std::move(nar);
  }
  return results;
}

// The same, from an earlier audit where there was one.
std::map<std::string, nix::NarHasher::Result> HashOrRecallGroup(
    const Tree& tree, const std::vector<const NarRequest*>& requests, uint64_t hold_bytes,
    const KeptHashes* kept) {
  if (kept == nullptr) return HashGroup(tree, requests, hold_bytes);
  if (auto known = kept->RecallNars(requests)) return *std::move(known);
  // What changes between two passes must not be remembered as what the first one has verified.
  bool verified = true;
  std::map<std::string, nix::NarHasher::Result> nars =
      HashGroup(tree, requests, hold_bytes, &verified);
  if (verified) kept->KeepNars(requests, nars);
  return nars;
}

}  // namespace

std::map<std::string, nix::NarHasher::Result> HashNars(const Tree& tree,
                                                       std::vector<NarRequest> requests,
                                                       const ScanOptions& options,
                                                       uint64_t hold_bytes,
                                                       const KeptHashes* kept) {
  // A store path that lies in one part is hashed beside those of other parts.
  std::map<size_t, std::vector<const NarRequest*>> by_part;
  std::vector<const NarRequest*> spread;
  for (NarRequest& request : requests) {
    std::sort(request.nodes.begin(), request.nodes.end(),
              [](const NarNode& a, const NarNode& b) { return nix::NarLess(a.path, b.path); });
    std::set<size_t> parts;
    for (const NarNode& node : request.nodes) {
      if (node.type == Entry::Type::kRegular) parts.insert(node.content.part);
    }
    if (parts.size() == 1) {
      by_part[*parts.begin()].push_back(&request);
    } else {
      spread.push_back(&request);
    }
  }
  std::vector<std::vector<const NarRequest*>> groups;
  std::vector<uint64_t> sizes;
  for (auto& [part, group] : by_part) {
    groups.push_back(std::move(group));
    sizes.push_back(tree.parts()[part].size_hint);
  }
  std::map<std::string, nix::NarHasher::Result> results;
  absl::Mutex mutex;
  const uint64_t workers = std::max<uint64_t>(1, options.jobs > 0 ? options.jobs : 2);
  RunParallel(sizes, options.jobs, [&](size_t i) {
    auto group = HashOrRecallGroup(tree, groups[i], hold_bytes / workers, kept);
    absl::MutexLock lock(&mutex);
    results.merge(group);
  });
  if (!spread.empty()) results.merge(HashOrRecallGroup(tree, spread, hold_bytes, kept));
  return results;
}

std::map<ContentRef, std::string> HashContents(const Tree& tree,
                                               const std::vector<ContentRef>& contents,
                                               const KeptHashes* kept) {
  class Sink : public EntrySink {
   public:
    Sink(const std::set<ContentRef>& wanted, std::map<ContentRef, std::string>& hashes)
        : wanted_(wanted), hashes_(hashes) {}
    size_t part = 0;
    void BeginEntry(const Entry& entry) override {
      sha256_.reset();
      current_ = {part, entry.index};
      if (wanted_.contains(current_)) sha256_.emplace();
    }
    void Data(std::string_view piece) override {
      if (sha256_) sha256_->Update(piece);
    }
    void EndEntry(bool complete) override {
      if (sha256_ && complete) hashes_[current_] = sha256_->FinishHex();
    }

   private:
    const std::set<ContentRef>& wanted_;
    std::map<ContentRef, std::string>& hashes_;
    ContentRef current_;
    std::optional<Sha256> sha256_;
  };

  const std::set<ContentRef> wanted(contents.begin(), contents.end());
  std::map<ContentRef, std::string> hashes;
  Sink sink(wanted, hashes);
  std::map<size_t, std::vector<uint64_t>> by_part;
  for (const ContentRef& content : wanted) by_part[content.part].push_back(content.index);
  for (const auto& [part, indices] : by_part) {
    if (kept != nullptr) {
      if (const auto recalled = kept->RecallContents(part, indices)) {
        for (size_t i = 0; i < indices.size(); ++i) hashes[{part, indices[i]}] = (*recalled)[i];
        continue;
      }
    }
    sink.part = part;
    std::vector<Problem> known;
    tree.Stream(part, /*verify=*/kept != nullptr, sink, known);
    if (kept == nullptr || !IsAsPromised(tree.parts()[part], known)) continue;
    std::vector<std::string> found;
    for (const uint64_t index : indices) {
      const auto hash = hashes.find({part, index});
      if (hash != hashes.end()) found.push_back(hash->second);
    }
    if (found.size() == indices.size()) kept->KeepContents(part, indices, found);
  }
  return hashes;
}

}  // namespace lre_audit
