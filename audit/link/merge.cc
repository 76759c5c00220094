#include "audit/link/merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/scan/kept_hashes.h"
#include "audit/scan/second_pass.h"
#include "audit/trees/overlay.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

class Merger {
 public:
  Merger(const Tree& tree, std::vector<ScannedPart>& parts, const ScanOptions& options)
      : tree_(tree),
        parts_(parts),
        options_(options),
        overlay_(options.store_directory),
        kept_(options.cache, parts) {}

  MergedTree Run() {
    NameLayers();
    CollectProblems();
    for (ScannedPart& part : parts_) {
      overlay_.BeginLayer();
      for (const Entry& entry : part.entries) {
        overlay_.Add(entry);
        out_.bytes += entry.type == Entry::Type::kRegular ? entry.size : 0;
      }
      out_.entries += part.entries.size();
    }
    CollectRefusals();
    if (options_.nar_hashes) HashStorePaths();
    HashUnsure();
    CollectAlterations();
    CollectDuplicates();
    MoveFiles();
    return std::move(out_);
  }

 private:
  void NameLayers() {
    for (const Tree::Part& part : tree_.parts()) {
      const bool is_layer = !part.digest.empty() || !part.diff_id.empty();
      out_.layer_names.push_back(is_layer ? part.name : "");
    }
  }

  void CollectProblems() {
    out_.problems = tree_.problems();
    for (ScannedPart& part : parts_) {
      out_.problems.insert(out_.problems.end(), part.problems.begin(), part.problems.end());
    }
  }

  void CollectRefusals() {
    for (const Overlay::Refusal& refusal : overlay_.refusals()) {
      Problem& problem = out_.problems.emplace_back();
      problem.kind = Problem::Kind::kMalformed;
      problem.where = tree_.parts()[refusal.entry.layer].name;
      problem.message = absl::StrCat(refusal.path, ": ", refusal.message);
    }
  }

  // Position in the part's vectors of the entry with that index.
  size_t PositionOf(EntryRef ref) const {
    const std::vector<Entry>& entries = parts_[ref.layer].entries;
    if (ref.index < entries.size() && entries[ref.index].index == ref.index) return ref.index;
    const auto found =
        std::lower_bound(entries.begin(), entries.end(), ref.index,
                         [](const Entry& entry, uint64_t index) { return entry.index < index; });
    return found - entries.begin();
  }
  const Entry& EntryOf(EntryRef ref) const { return parts_[ref.layer].entries[PositionOf(ref)]; }
  FileFacts& FactsOf(EntryRef ref) { return parts_[ref.layer].facts[PositionOf(ref)]; }

  // The NAR hash of each store path of the merged view: from the first pass where one layer holds
  // the path whole and in order, otherwise by a second one.
  void HashStorePaths() {
    std::vector<NarRequest> requests;
    NarRequest current;
    std::set<uint32_t> layers;
    bool hashable = true;
    const auto finish = [&] {
      if (!current.store_path.empty() && hashable && !TakeStreamed(current, layers)) {
        requests.push_back(std::move(current));
      }
      current = {};
      layers.clear();
      hashable = true;
    };
    overlay_.ForEach([&](const Overlay::File& file) {
      const auto store_path = nix::StorePathOf(file.path, options_.store_directory);
      if (!store_path) return;
      if (*store_path != current.store_path) {
        finish();
        current.store_path = std::string(*store_path);
      }
      layers.insert(file.entry.layer);
      layers.insert(file.content.layer);
      hashable &= AddNode(file, current);
    });
    finish();
    if (requests.empty()) return;
    out_.nars.merge(HashNars(tree_, std::move(requests), options_, kHoldBytes, Kept()));
  }

  // False for what no NAR can hold; LRE210 tells.
  bool AddNode(const Overlay::File& file, NarRequest& request) const {
    NarNode& node = request.nodes.emplace_back();
    node.path = file.path.substr(std::min(request.store_path.size() + 1, file.path.size()));
    node.type = file.type;
    if (file.type == Entry::Type::kDirectory) return true;
    const Entry& entry = EntryOf(file.content);
    node.executable = (entry.mode & 0100) != 0;
    node.size = entry.size;
    node.target = entry.target;
    node.content = {file.content.layer, file.content.index};
    return file.type == Entry::Type::kRegular || file.type == Entry::Type::kSymlink;
  }

  bool TakeStreamed(const NarRequest& request, const std::set<uint32_t>& layers) {
    if (layers.size() != 1 || *layers.begin() == EntryRef::kNone) return false;
    const auto& nars = parts_[*layers.begin()].nars;
    const auto streamed = nars.find(request.store_path);
    if (streamed == nars.end() || streamed->second.entries != request.nodes.size()) return false;
    out_.nars[request.store_path] = streamed->second.nar;
    return true;
  }

  // What is the same after all, where only its contents tell.
  void HashUnsure() {
    std::vector<ContentRef> unsure;
    for (const Overlay::Alteration& alteration : overlay_.alterations()) {
      if (!alteration.maybe_identical) continue;
      unsure.push_back(RefOf(alteration.lower));
      unsure.push_back(RefOf(alteration.upper_content));
    }
    for (const Overlay::Duplicate& duplicate : overlay_.duplicates()) {
      if (!IsRegular(duplicate.first_content) || !IsRegular(duplicate.second_content)) continue;
      unsure.push_back(RefOf(duplicate.first_content));
      unsure.push_back(RefOf(duplicate.second_content));
    }
    if (!unsure.empty()) hashes_ = HashContents(tree_, unsure, Kept());
  }
  static ContentRef RefOf(EntryRef entry) { return {entry.layer, entry.index}; }
  bool IsRegular(EntryRef entry) const {
    return entry.present() && EntryOf(entry).type == Entry::Type::kRegular;
  }
  // None where they could not be read.
  std::optional<bool> HaveSameContents(EntryRef a, EntryRef b) const {
    const auto one = hashes_.find(RefOf(a)), other = hashes_.find(RefOf(b));
    if (one == hashes_.end() || other == hashes_.end()) return std::nullopt;
    return one->second == other->second;
  }

  void CollectAlterations() {
    for (const Overlay::Alteration& alteration : overlay_.alterations()) {
      // Layers may repeat each other's files: only other contents are an alteration.
      if (alteration.maybe_identical &&
          HaveSameContents(alteration.lower, alteration.upper_content).value_or(false)) {
        continue;
      }
      if (!nix::StorePathOf(alteration.path, options_.store_directory)) continue;
      const auto layer = [&](EntryRef entry) {
        return entry.present() ? out_.layer_names[entry.layer] : "";
      };
      out_.alterations.push_back({alteration.path, WordFor(alteration.how), layer(alteration.upper),
                                  layer(alteration.lower)});
    }
  }

  // Runtimes keep the last one, other readers the first: which it is matters where they differ.
  void CollectDuplicates() {
    for (const Overlay::Duplicate& duplicate : overlay_.duplicates()) {
      if (!duplicate.first_content.present() || !duplicate.second_content.present()) continue;
      const std::string how = HowTheyDiffer(duplicate);
      if (how.empty()) continue;
      Problem& problem = out_.problems.emplace_back();
      problem.kind = Problem::Kind::kViewsDisagree;
      problem.where = tree_.parts()[duplicate.second.layer].name;
      problem.message = absl::StrCat("holds ", Escaped(duplicate.path), " twice, with ", how);
    }
  }
  std::string HowTheyDiffer(const Overlay::Duplicate& duplicate) const {
    const Entry& first = EntryOf(duplicate.first_content);
    const Entry& second = EntryOf(duplicate.second_content);
    if (first.type != second.type) return "another type";
    if (first.type == Entry::Type::kSymlink) {
      return first.target == second.target ? "" : "another target";
    }
    if (first.type != Entry::Type::kRegular) return "";
    if (first.size != second.size ||
        !HaveSameContents(duplicate.first_content, duplicate.second_content).value_or(true)) {
      return "other contents";
    }
    return first.mode == second.mode ? "" : "another mode";
  }

  const KeptHashes* Kept() const { return options_.cache == nullptr ? nullptr : &kept_; }

  static std::string WordFor(Overlay::Alteration::How how) {
    switch (how) {
      case Overlay::Alteration::How::kAdded:
        return "adds";
      case Overlay::Alteration::How::kReplaced:
        return "replaces";
      case Overlay::Alteration::How::kRemoved:
        return "removes";
      case Overlay::Alteration::How::kMetadata:
        return "changes metadata of";
    }
    return "changes";
  }

  // Last, since facts move out of the parts. A hardlink gets its own copy, under its own name.
  void MoveFiles() {
    std::map<ContentRef, size_t> moved;  // contents that hardlinks share -> position in files
    std::vector<std::pair<size_t, Overlay::File>> hardlinks;
    overlay_.ForEach([&](const Overlay::File& file) {
      if (file.content.present() && file.content != file.entry) {
        moved[{file.content.layer, file.content.index}] = SIZE_MAX;
      }
    });
    out_.files.reserve(overlay_.size());
    overlay_.ForEach([&](const Overlay::File& file) {
      if (!file.entry.present()) return;  // implied by what it holds
      FileFacts& facts = out_.files.emplace_back();
      if (file.content == file.entry || !file.content.present()) {
        facts.Swap(&FactsOf(file.entry));
        const auto shared = moved.find({file.entry.layer, file.entry.index});
        if (shared != moved.end()) shared->second = out_.files.size() - 1;
      } else {
        hardlinks.emplace_back(out_.files.size() - 1, file);
      }
      facts.set_path(file.path);
    });
    for (const auto& [position, file] : hardlinks) {
      FileFacts& facts = out_.files[position];
      size_t& source = moved[{file.content.layer, file.content.index}];
      if (source == SIZE_MAX) {
        // The first name is hidden: what was scanned goes on under this one.
        facts.Swap(&FactsOf(file.content));
        source = position;
      } else {
        facts = out_.files[source];
        facts.set_hardlink_to(out_.files[source].path());
      }
      facts.set_path(file.path);
      facts.set_layer(static_cast<int32_t>(file.entry.layer));
    }
    std::sort(out_.files.begin(), out_.files.end(),
              [](const FileFacts& a, const FileFacts& b) { return a.path() < b.path(); });
  }

  const Tree& tree_;
  std::vector<ScannedPart>& parts_;
  const ScanOptions& options_;
  Overlay overlay_;
  const KeptHashes kept_;
  std::map<ContentRef, std::string> hashes_;  // of HashUnsure()
  MergedTree out_;
};

}  // namespace

MergedTree MergeParts(const Tree& tree, std::vector<ScannedPart> parts,
                      const ScanOptions& options) {
  return Merger(tree, parts, options).Run();
}

}  // namespace lre_audit
