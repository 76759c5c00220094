#include "audit/link/link_closure.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/threads.h"
#include "audit/nix/references.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

std::string_view HashOf(std::string_view store_path) {
  const std::string_view base = store_path.substr(store_path.rfind('/') + 1);
  return base.substr(0, nix::kHashLength);
}

// What Nix puts beside a store path while it builds: a lock, which is an empty file, the second
// output of a check, the root of a sandbox. Packages may have such names too ("Cargo.lock").
bool IsLeftBehind(const FileFacts& file, std::string_view base_name) {
  if (base_name.ends_with(".lock")) {
    return file.path().ends_with(base_name) && file.type() == FileFacts::REGULAR &&
           file.size() == 0;
  }
  return base_name.ends_with(".check") || base_name.ends_with(".drv.chroot");
}

// A derivation states its references itself, its inputs; the outputs that its text names as well
// are still to be built, and none.
bool IsDerivation(std::string_view store_path) { return store_path.ends_with(".drv"); }

}  // namespace

ClosureLinker::ClosureLinker(const MergedTree& tree, const TreeIndex& index,
                             const nix::Closure* closure)
    : tree_(tree), index_(index), closure_(closure) {
  CollectPackages(tree, closure);
  const bool has_hashes = std::any_of(tree.files.begin(), tree.files.end(), [](const auto& file) {
    return !file.windows().empty() || !file.references().empty() ||
           !file.hidden_references().empty();
  });
  if (!has_hashes) return;
  CollectFingerprints();
  JoinReferences(tree);
}

void ClosureLinker::CollectPackages(const MergedTree& tree, const nix::Closure* closure) {
  const std::string prefix = index_.store_directory() + "/";
  // `.links` is where Nix keeps hardlinks between store paths; empty, it says nothing.
  const bool links_used = std::any_of(
      tree.files.begin(), tree.files.end(),
      [&](const FileFacts& file) { return file.path().starts_with(prefix + ".links/"); });
  std::string_view last_invalid;
  for (const FileFacts& file : tree.files) {
    const std::string_view path = file.path();
    if (!path.starts_with(prefix)) continue;
    const std::string_view top =
        path.substr(0, std::min(path.find('/', prefix.size()), path.size()));
    const std::string_view base_name = top.substr(prefix.size());
    const absl::StatusOr<nix::BaseName> parsed = nix::ParseBaseName(base_name);
    std::string reason;
    if (!parsed.ok()) {
      reason = std::string(parsed.status().message());
    } else if (IsLeftBehind(file, base_name) &&
               (closure == nullptr || !closure->paths.contains(std::string(top)))) {
      reason = "Nix leaves such an entry behind while it builds";
    }
    if (reason.empty()) {
      Package& package = packages_[top];
      package.in_tree = true;
      if (path == top) package.top = &file;
      continue;
    }
    if (top == last_invalid || (base_name == ".links" && !links_used)) continue;
    last_invalid = top;
    invalid_.push_back({std::string(top), std::move(reason),
                        tree.layer_names.empty() ? "" : tree.layer_names[file.layer()]});
  }
  if (closure == nullptr) return;
  packages_.reserve(std::max(packages_.size(), closure->paths.size()));
  for (const auto& [path, info] : closure->paths) packages_[path].info = &info;
  // A closure is closed: what it refers to belongs to it, even where the source leaves it out.
  // Few of the many are left out, so all are looked up first, which changes nothing.
  std::vector<const nix::PathInfo*> infos;
  infos.reserve(closure->paths.size());
  for (const auto& [path, info] : closure->paths) infos.push_back(&info);
  std::vector<std::vector<std::string_view>> outside(infos.size());
  RunInPieces(infos.size(), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      for (const std::string& reference : infos[i]->references) {
        const auto known = packages_.find(reference);
        if (known == packages_.end() || !known->second.in_tree) outside[i].push_back(reference);
      }
    }
  });
  for (size_t i = 0; i < infos.size(); ++i) {
    for (std::string_view reference : outside[i]) {
      Package& package = packages_[reference];
      if (reference != infos[i]->path) package.referrers.push_back(infos[i]->path);
    }
  }
}

void ClosureLinker::CollectFingerprints() {
  by_fingerprint_.reserve(packages_.size());
  for (const auto& [path, package] : packages_) {
    // Of two names with one hash, which no Nix makes, the one in the tree; then the first.
    std::string_view& known = by_fingerprint_[nix::HashFingerprint(HashOf(path))];
    const bool in_tree = !known.empty() && packages_.at(known).in_tree;
    const bool better = package.in_tree == in_tree ? path < known : package.in_tree;
    if (known.empty() || better) known = path;
  }
}

void ClosureLinker::JoinReferences(const MergedTree& tree) {
  for (const FileFacts& file : tree.files) {
    if (file.windows().empty()) continue;
    const auto store_path = nix::StorePathOf(file.path(), index_.store_directory());
    if (!store_path) continue;
    const auto package = packages_.find(*store_path);
    if (package == packages_.end()) continue;
    for (uint64_t window : file.windows()) {
      const auto found = by_fingerprint_.find(window);
      if (found == by_fingerprint_.end() || found->second == package->first) continue;
      package->second.scanned.try_emplace(found->second, &file);
    }
  }
}

bool ClosureLinker::References(std::string_view store_path, std::string_view other) const {
  const auto package = packages_.find(store_path);
  if (package == packages_.end()) return false;
  const nix::PathInfo* info = package->second.info;
  if (info != nullptr && info->has_references) {
    return std::binary_search(info->references.begin(), info->references.end(), other);
  }
  return package->second.scanned.contains(other);
}

// A record whose hash is right and whose size is not contradicts itself: whoever wrote it is not to
// be relied on.
void ClosureLinker::CheckSize(const LinkedStorePath& path, const Package& package,
                              Subject& subject) const {
  if (package.info == nullptr || !package.info->nar_size) return;
  const auto nar = tree_.nars.find(path.path);
  if (nar == tree_.nars.end() || nar->second.hash != path.recorded_hash ||
      nar->second.size == *package.info->nar_size) {
    return;
  }
  LinkedProblem& problem = subject.problems.emplace_back();
  problem.kind = LinkedProblem::Kind::kMalformed;
  problem.where = closure_->source;
  problem.message = absl::StrCat("narSize of ", path.path, " is ", *package.info->nar_size,
                                 "; the NAR of the "
                                 "hash recorded with it has ",
                                 nar->second.size, " bytes");
}

void ClosureLinker::Link(Subject& subject) const {
  std::vector<decltype(packages_)::const_pointer> packages;
  packages.reserve(packages_.size());
  for (const auto& known : packages_) packages.push_back(&known);
  std::sort(packages.begin(), packages.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  subject.store_paths.reserve(packages.size());
  for (const auto* known : packages) {
    const auto& [path, package] = *known;
    LinkedStorePath& out = subject.store_paths.emplace_back();
    out.path = std::string(path);
    out.in_tree = package.in_tree;
    // What is neither in the tree nor described is here because the closure refers to it.
    out.in_closure =
        closure_ == nullptr ? package.in_tree : package.info != nullptr || !package.in_tree;
    if (package.top != nullptr && !tree_.layer_names.empty()) {
      out.layer = tree_.layer_names[package.top->layer()];
    }
    if (const auto nar = tree_.nars.find(out.path); nar != tree_.nars.end()) {
      out.nar_hash = nar->second.hash;
    }
    if (package.info != nullptr) out.recorded_hash = package.info->nar_hash;
    CheckSize(out, package, subject);
    out.referrers.assign(package.referrers.begin(), package.referrers.end());
    if (package.info == nullptr || !package.info->has_references || !package.in_tree) continue;
    if (IsDerivation(path)) continue;
    std::map<std::string_view, const FileFacts*> undeclared;
    for (const auto& [other, file] : package.scanned) {
      if (!References(path, other)) undeclared[other] = file;
    }
    for (const auto& [other, file] : undeclared) {
      out.undeclared.push_back(std::string(other));
      out.undeclared_by.push_back(file->path());
    }
  }
  subject.invalid_entries = invalid_;

  // A closure that the user named is a promise; any other knows no more than the tree holds.
  const bool named = subject.closure_kind == Subject::ClosureKind::kNamed;
  for (LinkedFile& file : subject.files) {
    if (file.store_path.empty() || IsDerivation(file.store_path)) continue;
    for (int i = 0; i < file.facts->hidden_references_size(); ++i) {
      const std::string_view hash = HashOf(file.facts->hidden_references(i).base_name());
      const auto found = by_fingerprint_.find(nix::HashFingerprint(hash));
      const Package* package =
          found == by_fingerprint_.end() ? nullptr : &packages_.at(found->second);
      // What the closure only refers to belongs to it.
      const bool inside =
          package != nullptr && (package->info != nullptr || !package->in_tree || !named);
      if (!inside) file.hidden.push_back({i, package != nullptr});
    }
    for (int i = 0; i < file.facts->references_size(); ++i) {
      // By hash alone: the name's end cannot be told from the text that follows it.
      const std::string_view hash = HashOf(file.facts->references(i).base_name());
      const auto found = by_fingerprint_.find(nix::HashFingerprint(hash));
      if (found == by_fingerprint_.end() || !packages_.at(found->second).in_tree) {
        file.dangling.push_back(i);
      }
    }
  }
}

}  // namespace lre_audit
