#include "audit/scan/scan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "audit/bytes/pipeline.h"
#include "audit/scan/file_scanner.h"
#include "audit/scan/kept_part.h"
#include "base/store_path.h"

namespace lre_audit {
namespace {

constexpr uint64_t kBudget = uint64_t{96} << 20;  // of file contents held, all workers together

constexpr uint64_t kWorthAThread = uint64_t{1} << 20;  // of one file

FileFacts::Type TypeOf(Entry::Type type) {
  switch (type) {
    case Entry::Type::kRegular:
      return FileFacts::REGULAR;
    case Entry::Type::kDirectory:
      return FileFacts::DIRECTORY;
    case Entry::Type::kSymlink:
      return FileFacts::SYMLINK;
    case Entry::Type::kCharacterDevice:
      return FileFacts::CHARACTER_DEVICE;
    case Entry::Type::kBlockDevice:
      return FileFacts::BLOCK_DEVICE;
    case Entry::Type::kFifo:
      return FileFacts::FIFO;
    case Entry::Type::kSocket:
      return FileFacts::SOCKET;
    case Entry::Type::kHardlink:
    case Entry::Type::kWhiteout:
    case Entry::Type::kOpaque:
      break;
  }
  return FileFacts::TYPE_UNSPECIFIED;
}

// Hashes the store paths of one part as they stream by, as long as they come in NAR order.
class NarStream {
 public:
  NarStream(const ScanOptions& options, std::map<std::string, StreamedNar>& nars)
      : enabled_(options.nar_hashes), store_directory_(options.store_directory), nars_(nars) {}

  void Begin(const Entry& entry) {
    if (!enabled_) return;
    const std::optional<std::string_view> store_path =
        nix::StorePathOf(entry.path, store_directory_);
    if (!store_path || (*store_path != current_ && !Enter(std::string(*store_path)))) {
      if (!store_path) Leave();
      return;
    }
    ++entries_;
    if (!hasher_) return;
    std::string_view path = std::string_view(entry.path).substr(store_path->size());
    if (path.starts_with("/")) path.remove_prefix(1);
    switch (entry.type) {
      case Entry::Type::kDirectory:
        return Check(hasher_->Directory(path));
      case Entry::Type::kSymlink:
        return Check(hasher_->Symlink(path, entry.target));
      case Entry::Type::kRegular:
        return Check(hasher_->Regular(path, (entry.mode & 0100) != 0, entry.size));
      default:
        hasher_.reset();  // a hardlink's contents are elsewhere; the others no NAR can hold
    }
  }
  void Data(std::string_view piece) {
    if (hasher_) Check(hasher_->Data(piece));
  }
  void End(bool complete) {
    if (!complete) hasher_.reset();
  }
  // The part has ended, or goes on outside the current store path.
  void Leave() {
    if (hasher_) {
      absl::StatusOr<nix::NarHasher::Result> nar = hasher_->Finish();
      if (nar.ok()) nars_[current_] = {*std::move(nar), entries_};
      hasher_.reset();
    }
    current_.clear();
  }

 private:
  // False where this store path was left before: it is not in one piece.
  bool Enter(std::string store_path) {
    Leave();
    if (!seen_.insert(store_path).second) {
      nars_.erase(store_path);
      return false;
    }
    current_ = std::move(store_path);
    entries_ = 0;
    hasher_.emplace();
    return true;
  }
  void Check(const absl::Status& status) {
    if (!status.ok()) hasher_.reset();
  }

  const bool enabled_;
  const std::string& store_directory_;
  std::map<std::string, StreamedNar>& nars_;
  std::set<std::string> seen_;
  std::string current_;
  uint64_t entries_ = 0;
  std::optional<nix::NarHasher> hasher_;
};

class PartScanner : public EntrySink {
 public:
  PartScanner(size_t part, const ScanOptions& options, MemoryBudget& budget, SpareThreads& threads,
              bool hashes_aside, ScannedPart& out)
      : part_(part),
        options_(options),
        threads_(threads),
        out_(out),
        files_(options.store_directory, budget),
        nars_(options, out.nars),
        hashes_aside_(hashes_aside) {}

  void BeginEntry(const Entry& entry) override {
    nars_.Begin(entry);
    Entry& kept = out_.entries.emplace_back(entry);
    kept.xattrs.clear();
    FileFacts& facts = out_.facts.emplace_back();
    const FileFacts::Type type = TypeOf(entry.type);
    if (type == FileFacts::TYPE_UNSPECIFIED) return;
    facts.set_path(entry.path);
    facts.set_type(type);
    facts.set_mode(entry.mode);
    facts.set_uid(entry.uid);
    facts.set_gid(entry.gid);
    facts.set_mtime(entry.mtime);
    facts.set_layer(static_cast<int32_t>(part_));
    for (const auto& [name, value] : entry.xattrs) facts.add_xattrs(name);
    ScanName(entry, &facts);
    if (entry.type == Entry::Type::kSymlink) {
      facts.set_target(entry.target);
    } else if (entry.type == Entry::Type::kRegular) {
      facts.set_size(entry.size);
      // Until the file ends no other entry comes, so neither vector moves its elements.
      files_.Begin(kept, &facts);
      in_file_ = true;
      if (hashes_aside_ && entry.size >= kWorthAThread) nar_helper_.Employ(threads_);
    }
  }

  void Data(std::string_view piece) override {
    if (!in_file_) return;
    nar_helper_.Begin(piece);
    files_.Data(piece);
    nar_helper_.Wait();
    options_.on_bytes(piece.size());
  }

  void EndEntry(bool complete) override {
    nars_.End(complete);
    if (!in_file_) return;
    FileFacts& facts = out_.facts.back();
    const bool named = facts.windows_size() > 0;
    files_.End(complete);
    if (named) SortWindows(&facts);
    in_file_ = false;
  }

  SpareThreads* threads() override { return &threads_; }

  void Finish() { nars_.Leave(); }

 private:
  // Nix scans the whole NAR: names below the store path and symlink targets count as contents.
  void ScanName(const Entry& entry, FileFacts* facts) const {
    const size_t slash = entry.path.rfind('/');
    if (std::string_view(entry.path).substr(0, slash) == options_.store_directory) return;
    for (const std::string_view text :
         {std::string_view(entry.path).substr(slash + 1), std::string_view(entry.target)}) {
      if (text.size() < nix::kHashLength) continue;
      nix::ReferenceScanner scanner(options_.store_directory);
      scanner.Update(text);
      const auto found = scanner.Finish();
      facts->mutable_windows()->Add(found.windows.begin(), found.windows.end());
    }
    SortWindows(facts);
  }
  // Of several scans: of name, target and contents.
  static void SortWindows(FileFacts* facts) {
    auto& windows = *facts->mutable_windows();
    std::sort(windows.begin(), windows.end());
    windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  }

  const size_t part_;
  const ScanOptions& options_;
  SpareThreads& threads_;
  ScannedPart& out_;
  FileScanner files_;
  NarStream nars_;
  // Hashes beside the scan where a thread is spare. A layer has use for that thread already, in its
  // tree's pipeline.
  const bool hashes_aside_;
  Helper nar_helper_{[this](std::string_view piece) { nars_.Data(piece); }};
  bool in_file_ = false;
};

}  // namespace

std::vector<ScannedPart> ScanTree(const Tree& tree, const ScanOptions& options) {
  std::vector<ScannedPart> parts(tree.parts().size());
  std::vector<uint64_t> sizes;
  for (const Tree::Part& part : tree.parts()) sizes.push_back(part.size_hint);
  MemoryBudget budget(kBudget);
  SpareThreads threads(ThreadsOf(options.jobs));
  RunParallel(sizes, threads, [&](size_t i) {
    if (RecallPart(tree, i, options, &parts[i])) return;
    const bool is_layer = !tree.parts()[i].digest.empty() || !tree.parts()[i].diff_id.empty();
    PartScanner scanner(i, options, budget, threads, !is_layer, parts[i]);
    tree.Stream(i, /*verify=*/true, scanner, parts[i].problems);
    scanner.Finish();
    KeepPart(tree, i, options, &parts[i]);
  });
  return parts;
}

}  // namespace lre_audit
