#include "audit/compare/content_index.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "audit/nix/nar.h"
#include "audit/scan/scan.h"
#include "audit/trees/overlay.h"

namespace lre_audit {
namespace {

struct Digested {
  std::string digests;
  bool has_nul = false;
  bool complete = false;
};

// One part: its entries, and the digests of its regular files by Entry::index.
class DigestSink : public EntrySink {
 public:
  explicit DigestSink(const std::function<void(uint64_t)>& on_bytes) : on_bytes_(on_bytes) {}

  void BeginEntry(const Entry& entry) override {
    entries.push_back(entry);
    block_left_ = kContentBlock;
    block_ = Sha256();
    digests_.clear();
    has_nul_ = false;
  }

  void Data(std::string_view piece) override {
    on_bytes_(piece.size());
    has_nul_ = has_nul_ || piece.find('\0') != std::string_view::npos;
    while (!piece.empty()) {
      const size_t taken = std::min<uint64_t>(block_left_, piece.size());
      block_.Update(piece.substr(0, taken));
      piece.remove_prefix(taken);
      block_left_ -= taken;
      if (block_left_ == 0) EndBlock();
    }
  }

  void EndEntry(bool complete) override {
    const Entry& entry = entries.back();
    if (entry.type != Entry::Type::kRegular) return;
    if (block_left_ < kContentBlock) EndBlock();
    digested[entry.index] = {std::move(digests_), has_nul_, complete};
  }

  std::vector<Entry> entries;
  absl::flat_hash_map<uint64_t, Digested> digested;

 private:
  // Half of SHA-256 is kept, as safe against accidents as a UUID and against design as 2^64 tries.
  void EndBlock() {
    digests_ += block_.FinishHex().substr(0, ContentIndex::kDigestSize);
    block_ = Sha256();
    block_left_ = kContentBlock;
  }

  const std::function<void(uint64_t)>& on_bytes_;
  Sha256 block_;
  uint64_t block_left_ = kContentBlock;
  std::string digests_;
  bool has_nul_ = false;
};

// Collects excerpts from one part. Requests of one content are sorted by block.
class ExcerptSink : public EntrySink {
 public:
  ExcerptSink(size_t part, const std::vector<ExcerptRequest>& requests)
      : part_(part), requests_(requests) {}

  void BeginEntry(const Entry& entry) override {
    const ContentRef content{part_, entry.index};
    const auto first =
        std::lower_bound(requests_.begin(), requests_.end(), ExcerptRequest{content, 0});
    open_.clear();
    for (auto request = first; request != requests_.end() && request->content == content;
         ++request) {
      Open& open = open_.emplace_back();
      open.request = *request;
      const uint64_t block = request->block * kContentBlock;
      open.excerpt.offset = block - std::min(block, Excerpt::kMargin);
      open.end = block + kContentBlock + Excerpt::kMargin;
    }
    position_ = 0;
  }

  void Data(std::string_view piece) override {
    const uint64_t begin = position_, end = position_ + piece.size();
    position_ = end;
    for (Open& open : open_) {
      const uint64_t from = std::max(begin, open.excerpt.offset), to = std::min(end, open.end);
      const uint64_t counted = std::min(end, open.excerpt.offset);
      if (begin < counted) {
        open.excerpt.newlines_before +=
            std::count(piece.begin(), piece.begin() + (counted - begin), '\n');
      }
      if (from < to) open.excerpt.bytes += piece.substr(from - begin, to - from);
    }
  }

  void EndEntry(bool complete) override {
    for (Open& open : open_) {
      if (complete) excerpts[open.request] = std::move(open.excerpt);
    }
    open_.clear();
  }

  std::map<ExcerptRequest, Excerpt> excerpts;

 private:
  struct Open {
    ExcerptRequest request;
    Excerpt excerpt;
    uint64_t end = 0;
  };

  const size_t part_;
  const std::vector<ExcerptRequest>& requests_;
  std::vector<Open> open_;
  uint64_t position_ = 0;
};

std::vector<uint64_t> SizesOf(const Tree& tree) {
  std::vector<uint64_t> sizes;
  for (const Tree::Part& part : tree.parts()) sizes.push_back(part.size_hint);
  return sizes;
}

}  // namespace

ContentIndex ReadContentIndex(const Tree& tree, const IndexOptions& options) {
  std::vector<DigestSink> parts;
  for (size_t i = 0; i < tree.parts().size(); ++i) parts.emplace_back(options.on_bytes);
  std::vector<std::vector<Problem>> problems(parts.size());
  RunParallel(SizesOf(tree), options.jobs,
              [&](size_t i) { tree.Stream(i, /*verify=*/true, parts[i], problems[i]); });

  ContentIndex index;
  index.problems = tree.problems();
  Overlay overlay("");
  for (size_t i = 0; i < parts.size(); ++i) {
    overlay.BeginLayer();
    for (const Entry& entry : parts[i].entries) overlay.Add(entry);
    std::move(problems[i].begin(), problems[i].end(), std::back_inserter(index.problems));
  }
  for (const Overlay::Refusal& refusal : overlay.refusals()) {
    Problem& problem = index.problems.emplace_back();
    problem.kind = Problem::Kind::kMalformed;
    problem.where = tree.parts()[refusal.entry.layer].name;
    problem.message = absl::StrCat(refusal.path, ": ", refusal.message);
  }

  const auto entry_of = [&](EntryRef ref) -> const Entry& {
    const std::vector<Entry>& entries = parts[ref.layer].entries;
    return *std::lower_bound(entries.begin(), entries.end(), ref.index,
                             [](const Entry& entry, uint64_t at) { return entry.index < at; });
  };
  overlay.ForEach([&](const Overlay::File& seen) {
    if (!options.wanted(seen.path)) return;
    ContentIndex::File& file = index.files.emplace_back();
    file.path = seen.path;
    file.type = seen.type;
    file.described = seen.entry.present();
    if (!file.described || !seen.content.present()) return;
    const Entry& entry = entry_of(seen.content);
    file.mode = entry.mode;
    file.target = entry.target;
    file.content = {seen.content.layer, seen.content.index};
    if (file.type != Entry::Type::kRegular) return;
    file.size = entry.size;
    const auto digested = parts[seen.content.layer].digested.find(seen.content.index);
    file.complete = digested != parts[seen.content.layer].digested.end();
    if (!file.complete) return;
    file.digests = digested->second.digests;  // shared by hard links: copied
    file.has_nul = digested->second.has_nul;
    file.complete = digested->second.complete;
  });
  return index;
}

std::map<ExcerptRequest, Excerpt> ReadExcerpts(const Tree& tree,
                                               const std::vector<ExcerptRequest>& requests,
                                               int jobs) {
  std::vector<ExcerptRequest> sorted = requests;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::set<size_t> needed;
  for (const ExcerptRequest& request : sorted) needed.insert(request.content.part);
  const std::vector<size_t> parts(needed.begin(), needed.end());
  std::vector<uint64_t> sizes;
  std::vector<ExcerptSink> sinks;
  for (const size_t part : parts) {
    sizes.push_back(tree.parts()[part].size_hint);
    sinks.emplace_back(part, sorted);
  }
  RunParallel(sizes, jobs, [&](size_t i) {
    std::vector<Problem> known;  // the index has them
    tree.Stream(parts[i], /*verify=*/false, sinks[i], known);
  });
  std::map<ExcerptRequest, Excerpt> excerpts;
  for (ExcerptSink& sink : sinks) excerpts.merge(sink.excerpts);
  return excerpts;
}

}  // namespace lre_audit
