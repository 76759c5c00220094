#include "audit/compare/store_side.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/compare/packages.h"
#include "audit/nix/path_store.h"
#include "audit/scan/scan.h"
#include "audit/trees/nar_tree.h"
#include "base/paths.h"
#include "base/status.h"
#include "base/store_path.h"

namespace lre_audit {
namespace {

// What makes a comparison incomplete. Digests that do not match, and the like, are an audit's
// findings.
bool IsIncomplete(const Problem& problem) {
  return problem.kind == Problem::Kind::kUnreadable || problem.kind == Problem::Kind::kLimit ||
         problem.kind == Problem::Kind::kMalformed;
}

// One pass over every byte of the side's tree.
void ReadTree(const ReadOptions& options, StoreSide* side) {
  uint64_t total = 0;
  for (const Tree::Part& part : side->tree->parts()) total += part.size_hint;
  options.on_total(total);
  ScanOptions scan;
  scan.store_directory = side->store_directory;
  scan.jobs = options.jobs;
  scan.cache = options.cache;
  scan.on_bytes = options.on_bytes;
  side->merged = MergeParts(*side->tree, ScanTree(*side->tree, scan), scan);
  AddIncomplete(side->merged.problems, side);
  for (const FileFacts& file : side->merged.files) {
    if (const auto path = nix::StorePathOf(file.path(), side->store_directory)) {
      side->paths.try_emplace(std::string(*path));
    }
  }
  for (const auto& [path, nar] : side->merged.nars) {
    StoreSide::Path& held = side->paths[path];
    held.nar_hash = nar.hash;
    held.nar_size = nar.size;
  }
}

std::vector<std::string> PathsNamedBy(const StoreSide& image) {
  std::vector<std::string> named;
  const auto add = [&](std::string_view text) {
    for (const std::string_view path : StorePathsIn(text, image.store_directory)) {
      named.emplace_back(path);
    }
  };
  const ImageConfig& config = image.tree->config();
  for (const auto* words : {&config.env, &config.entrypoint, &config.cmd}) {
    for (const std::string& word : *words) add(word);
  }
  for (const FileFacts& file : image.merged.files) {
    const bool link = file.type() == FileFacts::SYMLINK;
    if (link && !IsWithin(file.path(), image.store_directory)) add(file.target());
  }
  return named;
}

void AddProblems(const nix::Closure& closure, StoreSide* side) {
  for (const std::string& problem : closure.problems) {
    side->problems.push_back(absl::StrCat(side->reference, ": ", problem));
  }
}

}  // namespace

void AddIncomplete(const std::vector<Problem>& problems, StoreSide* side) {
  for (const Problem& problem : problems) {
    if (!IsIncomplete(problem)) continue;
    side->problems.push_back(
        absl::StrCat(side->reference, ": ", problem.where, ": ", problem.message));
  }
}

StoreSide ReadStoreSide(const Side& side, const std::string& store_directory,
                        const ReadOptions& options) {
  StoreSide read;
  read.kind = side.kind;
  read.reference = side.reference;
  read.store_directory = store_directory;
  if (side.kind == ComparedSide::IMAGE) {
    read.tree = side.tree.get();
    read.has_contents = true;
    ReadTree(options, &read);
    read.named = PathsNamedBy(read);
    return read;
  }
  AddProblems(side.closure, &read);
  for (const auto& [path, info] : side.closure.paths) {
    read.paths[path] = {info.nar_hash, info.nar_size.value_or(0), ""};
  }
  if (side.tree != nullptr) {
    read.tree = side.tree.get();
    read.has_contents = true;
    ReadTree(options, &read);
  }
  return read;
}

absl::StatusOr<StoreSide> ReadLocalStore(const Side& side, const StoreSide* others,
                                         const ReadOptions& options) {
  const nix::PathStore& store = *side.store;
  absl::StatusOr<nix::Closure> closure;
  if (others == nullptr) {
    closure = store.All();
  } else {
    std::vector<std::string> roots = others->named;
    for (const auto& [path, held] : others->paths) roots.push_back(path);
    closure = store.ClosureOfKnown(roots);
  }
  if (!closure.ok()) return closure.status();

  StoreSide read;
  read.kind = side.kind;
  read.reference = side.reference;
  read.store_directory = closure->store_directory;
  AddProblems(*closure, &read);
  read.has_contents = true;
  if (!nix::StoreRootOf(side.reference)) {
    for (const auto& [path, info] : closure->paths) {
      read.paths[path] = {info.nar_hash, info.nar_size.value_or(0), ""};
    }
    return read;
  }
  std::vector<std::string> paths;
  for (const auto& [path, info] : closure->paths) paths.push_back(path);
  LRE_ASSIGN_OR_RETURN(read.opened,
                       OpenStoreContents(side.reference, side.store, read.store_directory, paths));
  read.tree = read.opened.get();
  ReadTree(options, &read);
  // A valid path that is not on disk is held all the same: its files are what is missing.
  for (const auto& [path, info] : closure->paths) read.paths[path].recorded_hash = info.nar_hash;
  return read;
}

}  // namespace lre_audit
