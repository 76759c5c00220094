#include "audit/compare/compare_stores.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/compare/compare_files.h"
#include "audit/compare/content_index.h"
#include "audit/compare/findings.h"
#include "audit/compare/image_changes.h"
#include "audit/compare/packages.h"
#include "audit/compare/store_side.h"
#include "audit/link/link.h"
#include "audit/nix/cache_files.h"
#include "audit/trees/nar_tree.h"
#include "base/paths.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit {
namespace {

// "" for an image, which has whatever lies in it.
absl::StatusOr<std::string> StoreDirectoryOf(const Side& side) {
  if (side.kind == ComparedSide::CLOSURE) return side.closure.store_directory;
  if (side.kind != ComparedSide::STORE) return std::string();
  LRE_ASSIGN_OR_RETURN(const nix::Closure nothing, side.store->ClosureOfKnown({}));
  return nothing.store_directory;
}

absl::StatusOr<std::string> CommonStoreDirectory(const Side& a, const Side& b) {
  LRE_ASSIGN_OR_RETURN(std::string in_a, StoreDirectoryOf(a));
  LRE_ASSIGN_OR_RETURN(std::string in_b, StoreDirectoryOf(b));
  if (!in_a.empty() && !in_b.empty() && in_a != in_b) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the stores are at different places, so no path of one is in the other: ", in_a, " and ",
        in_b));
  }
  if (!in_a.empty()) return in_a;
  return in_b.empty() ? std::string(nix::kDefaultStoreDirectory) : in_b;
}

SizedPaths Sizes(const StoreSide& side) {
  SizedPaths sizes;
  for (const auto& [path, held] : side.paths) sizes[path] = held.nar_size;
  return sizes;
}

void DescribeSide(const StoreSide& side, ComparedSide* out) {
  double size = 0;
  bool known = true;
  for (const auto& [path, held] : side.paths) {
    known = known && held.nar_size > 0;
    size += static_cast<double>(held.nar_size);
  }
  out->set_store_paths(static_cast<double>(side.paths.size()));
  if (known) out->set_nar_size(size);
}

// Whether two files under one path differ in more than contents of one size can.
bool MetadataDiffer(const FileFacts& a, const FileFacts& b, bool compare_modes) {
  if (a.type() != b.type()) return true;
  if (a.type() == FileFacts::SYMLINK) return a.target() != b.target();
  return (compare_modes && a.mode() != b.mode()) || a.size() != b.size();
}

class StoreComparer {
 public:
  StoreComparer(const CompareRequest& request, Comparison* comparison)
      : request_(request), out_(*comparison) {}

  absl::Status Run() {
    LRE_RETURN_IF_ERROR(ReadSides());
    request_.on_phase("comparing");
    for (PackageDifference& package : ComparePackages(Sizes(a_), Sizes(b_))) {
      *out_.add_packages() = std::move(package);
    }
    CollectCandidates();
    if (HaveContents()) LRE_RETURN_IF_ERROR(CompareContents());
    if (BothAreImages()) CompareImages();
    Describe();
    return absl::OkStatus();
  }

 private:
  bool BothAreImages() const {
    return a_.kind == ComparedSide::IMAGE && b_.kind == ComparedSide::IMAGE;
  }
  bool HaveContents() const { return a_.has_contents && b_.has_contents; }
  // In no store path. What lies in the store directory and is none belongs to no package either;
  // the directory itself and those above it are how the image was packed.
  bool IsOutside(std::string_view path) const {
    return !nix::StorePathOf(path, a_.store_directory) && !IsWithin(a_.store_directory, path);
  }

  // How much more than what is compared a side may hold. The side of more is asked about the paths
  // of the other; two of a kind are compared whole.
  enum class Extent { kGiven, kCache, kDatabase, kServer };
  static Extent ExtentOf(const Side& side) {
    if (side.kind != ComparedSide::STORE) return Extent::kGiven;
    if (nix::StoreRootOf(side.reference)) return Extent::kDatabase;
    return nix::IsCacheUrl(side.reference) ? Extent::kServer : Extent::kCache;
  }

  absl::Status ReadSides() {
    LRE_ASSIGN_OR_RETURN(const std::string directory,
                         CommonStoreDirectory(*request_.a, *request_.b));
    const Extent of_a = ExtentOf(*request_.a), of_b = ExtentOf(*request_.b);
    if (of_a != of_b) asked_ = of_a > of_b ? &a_ : &b_;
    const auto read = [&](const Side& side, const StoreSide& other, StoreSide* out) {
      if (side.kind != ComparedSide::STORE) {
        request_.on_phase("reading");
        *out = ReadStoreSide(side, directory, request_.reading);
        return absl::OkStatus();
      }
      request_.on_phase("reading the store");
      LRE_ASSIGN_OR_RETURN(
          *out, ReadLocalStore(side, asked_ == out ? &other : nullptr, request_.reading));
      return absl::OkStatus();
    };
    if (asked_ == &a_) {
      LRE_RETURN_IF_ERROR(read(*request_.b, a_, &b_));
      return read(*request_.a, b_, &a_);
    }
    LRE_RETURN_IF_ERROR(read(*request_.a, b_, &a_));
    return read(*request_.b, a_, &b_);
  }

  // Store paths of both sides that are not known to be the same. Without files on both sides, what
  // the hashes say is all there is to say.
  void CollectCandidates() {
    const bool have_files = HaveContents();
    for (const auto& [path, in_a] : a_.paths) {
      const auto in_b = b_.paths.find(path);
      if (in_b == b_.paths.end()) continue;
      const bool known = !in_a.nar_hash.empty() && !in_b->second.nar_hash.empty();
      if (known && in_a.nar_hash == in_b->second.nar_hash) continue;
      if (have_files) {
        candidates_.insert(path);
      } else if (known) {
        AddContents(path);
      } else {
        ++unhashed_;
      }
    }
    if (have_files) CompareMetadata();
  }

  // A NAR does not keep all of a file's mode, so that equal hashes do not say that modes are equal.
  void CompareMetadata() {
    const auto has_modes = [](const StoreSide& side) {
      return side.tree == nullptr || side.tree->has_modes();
    };
    const bool compare_modes = has_modes(a_) && has_modes(b_);
    auto b = b_.merged.files.begin();
    for (const FileFacts& a : a_.merged.files) {
      while (b != b_.merged.files.end() && b->path() < a.path()) ++b;
      if (b == b_.merged.files.end()) break;
      if (b->path() != a.path() || !MetadataDiffer(a, *b, compare_modes)) continue;
      if (const auto path = nix::StorePathOf(a.path(), a_.store_directory)) {
        candidates_.emplace(*path);
      }
    }
  }

  ContentsDifference* AddContents(const std::string& path) {
    ContentsDifference* difference = out_.add_contents();
    difference->set_path(path);
    difference->set_nar_hash_a(a_.paths.at(path).nar_hash);
    difference->set_nar_hash_b(b_.paths.at(path).nar_hash);
    for (const StoreSide* side : {&a_, &b_}) AddNote(*side, path, difference);
    return difference;
  }

  static void AddNote(const StoreSide& side, const std::string& path,
                      ContentsDifference* difference) {
    const StoreSide::Path& held = side.paths.at(path);
    if (held.recorded_hash.empty() || held.recorded_hash == held.nar_hash) return;
    difference->add_notes(absl::StrCat(side.reference, " records ", held.recorded_hash,
                                       held.nar_hash.empty()
                                           ? " for it, but could not be read whole"
                                           : " for it: its files were changed behind Nix's back"));
  }

  // The tree of a side with no more than what is looked at again.
  absl::StatusOr<const Tree*> Narrowed(const Side& side, const StoreSide& read,
                                       std::unique_ptr<Tree>* owner) const {
    if (side.kind != ComparedSide::STORE) return read.tree;
    LRE_ASSIGN_OR_RETURN(*owner, OpenStoreContents(side.reference, side.store, read.store_directory,
                                                   std::vector<std::string>(candidates_.begin(),
                                                                            candidates_.end())));
    return owner->get();
  }

  absl::Status CompareContents() {
    if (candidates_.empty() && !BothAreImages()) return absl::OkStatus();
    std::unique_ptr<Tree> owner_a, owner_b;
    LRE_ASSIGN_OR_RETURN(const Tree* tree_a, Narrowed(*request_.a, a_, &owner_a));
    LRE_ASSIGN_OR_RETURN(const Tree* tree_b, Narrowed(*request_.b, b_, &owner_b));
    IndexOptions options;
    options.jobs = request_.reading.jobs;
    options.wanted = [&](std::string_view path) {
      const auto store_path = nix::StorePathOf(path, a_.store_directory);
      return store_path ? candidates_.contains(std::string(*store_path))
                        : BothAreImages() && IsOutside(path);
    };
    const ContentIndex index_a = ReadContentIndex(*tree_a, options);
    const ContentIndex index_b = ReadContentIndex(*tree_b, options);
    // What was fetched now has not been looked at before.
    if (a_.tree == nullptr) AddIncomplete(index_a.problems, &a_);
    if (b_.tree == nullptr) AddIncomplete(index_b.problems, &b_);
    const FilesSide files_a{tree_a, &index_a,
                            [&](const std::string& path) { return Elf(a_, path); }};
    const FilesSide files_b{tree_b, &index_b,
                            [&](const std::string& path) { return Elf(b_, path); }};

    std::map<std::string, std::vector<FileDifference>> by_path;
    for (FileDifference& file : CompareFiles(files_a, files_b, options.jobs)) {
      const auto path = nix::StorePathOf(file.path(), a_.store_directory);
      if (path) {
        by_path[std::string(*path)].push_back(std::move(file));
      } else {
        *out_.add_files() = std::move(file);
      }
    }
    for (const std::string& path : candidates_) {
      std::vector<FileDifference>& files = by_path[path];
      const std::string &hash_a = a_.paths.at(path).nar_hash, &hash_b = b_.paths.at(path).nar_hash;
      const bool hashes_differ = !hash_a.empty() && !hash_b.empty() && hash_a != hash_b;
      if (files.empty() && !hashes_differ) continue;
      ContentsDifference* difference = AddContents(path);
      for (FileDifference& file : files) *difference->add_files() = std::move(file);
    }
    return absl::OkStatus();
  }

  static const ElfFacts* Elf(const StoreSide& side, const std::string& path) {
    const std::vector<FileFacts>& files = side.merged.files;
    const auto file = std::lower_bound(
        files.begin(), files.end(), path,
        [](const FileFacts& facts, const std::string& wanted) { return facts.path() < wanted; });
    const bool found = file != files.end() && file->path() == path && file->has_elf();
    return found ? &file->elf() : nullptr;
  }

  void CompareImages() {
    const PackageMoves moves(out_.packages());
    double moved = 0;
    for (SettingDifference& setting : CompareConfigs(a_.tree->config(), b_.tree->config())) {
      if (moves.Explain(setting.a(), setting.b())) {
        ++moved;
      } else {
        *out_.add_settings() = std::move(setting);
      }
    }
    // Links into the store, such as /bin/sh.
    auto& files = *out_.mutable_files();
    const auto kept = std::remove_if(files.begin(), files.end(), [&](const FileDifference& file) {
      const Change& change = file.changes(0);
      return change.what() == "symlink target" && moves.Explain(change.a(), change.b());
    });
    moved += static_cast<double>(files.end() - kept);
    files.erase(kept, files.end());
    out_.mutable_counts()->set_moved(moved);
    for (ToolDifference& tool : CompareImageTools(a_, b_)) *out_.add_tools() = std::move(tool);
    request_.on_phase("judging");
    CompareFindings(Judged(&a_), Judged(&b_), &out_);
  }

  // Each image by itself: what the local store knows is the same for both, and no part of either.
  std::vector<Finding> Judged(StoreSide* side) const {
    LinkInput input;
    input.reference = side->reference;
    input.store_directory = side->store_directory;
    input.tree = &side->merged;
    input.config = &side->tree->config();
    std::vector<std::string> problems;  // those of the tree are known
    std::vector<Finding> findings = JudgeSide(Link(input), *request_.policy, &problems);
    const std::vector<std::string>& known = side->problems;
    if (known.empty()) side->problems = std::move(problems);
    return findings;
  }

  void Describe() {
    DescribeSide(a_, out_.mutable_a());
    DescribeSide(b_, out_.mutable_b());
    for (const StoreSide* side : {&a_, &b_}) {
      for (const std::string& problem : side->problems) out_.add_problems(problem);
    }
    // Nothing is no proof of anything: a wrong reference must not pass a gate.
    if (a_.paths.empty() && b_.paths.empty() && !HasFiles()) {
      out_.add_problems("there is nothing to compare: no side holds a store path");
    }
    std::string compared = ComparedText();
    if (unhashed_ > 0) {
      absl::StrAppend(&compared, "; the contents of ", Grouped(unhashed_),
                      " were not compared, since a side has no hash of them");
    }
    out_.set_compared(compared);
  }

  bool HasFiles() const { return !a_.merged.files.empty() || !b_.merged.files.empty(); }

  std::string ComparedText() const {
    if (BothAreImages()) return "all files and the configuration";
    if (asked_ != nullptr) {
      const StoreSide& other = asked_ == &a_ ? b_ : a_;
      const bool has_config = other.kind == ComparedSide::IMAGE;
      return absl::StrCat("the ", Counted(other.paths.size(), "store path"), " that ",
                          other.reference, " holds, and what they refer to",
                          has_config ? " or its configuration names, as " : ", as ",
                          asked_->reference, " knows it");
    }
    if (a_.tree != nullptr && b_.tree != nullptr) return "all store paths, read from disk";
    return HaveContents() ? "all store paths, by NAR hash; contents where that differs"
                          : "all store paths, by NAR hash";
  }

  const CompareRequest& request_;
  Comparison& out_;
  StoreSide a_, b_;
  const StoreSide* asked_ = nullptr;  // the one of the two that is asked; null: both are read whole
  std::set<std::string> candidates_;
  size_t unhashed_ = 0;  // paths of both sides whose contents nobody can compare
};

}  // namespace

absl::Status CompareStores(const CompareRequest& request, Comparison* comparison) {
  return StoreComparer(request, comparison).Run();
}

}  // namespace lre_audit
