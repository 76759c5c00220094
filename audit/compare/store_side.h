// A store, a closure or an image as a set of store paths, with the files in them where it has any.
#ifndef LRE_AUDIT_AUDIT_COMPARE_STORE_SIDE_H_
#define LRE_AUDIT_AUDIT_COMPARE_STORE_SIDE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/compare/side.h"
#include "audit/link/merge.h"
#include "audit/nix/closure.h"
#include "audit/trees/tree.h"

namespace lre_audit {

class FactsCache;

struct ReadOptions {
  int jobs = 0;                 // threads; 0: one per core
  FactsCache* cache = nullptr;  // of facts from earlier audits; null: everything is read
  std::function<void(uint64_t)> on_total = [](uint64_t) {};
  std::function<void(uint64_t)> on_bytes = [](uint64_t) {};
};

struct StoreSide {
  struct Path {
    std::string nar_hash;       // of the files, else as recorded; empty if neither is known
    uint64_t nar_size = 0;      // likewise
    std::string recorded_hash;  // by a store's database
  };

  ComparedSide::Kind kind = ComparedSide::KIND_UNSPECIFIED;
  std::string reference;
  std::string store_directory = "/nix/store";
  std::map<std::string, Path> paths;
  // Of an image: the store paths, held or not, that its configuration and the links outside its
  // store name. No path that it holds need refer to a tool in PATH.
  std::vector<std::string> named;
  // Null where only hashes are known, and for a binary cache, of which only those contents are
  // fetched that differ. An image's is its Side's, which must outlive this.
  const Tree* tree = nullptr;
  bool has_contents = false;     // here, or to be fetched
  std::unique_ptr<Tree> opened;  // a store's
  MergedTree merged;             // of `tree`
  std::vector<std::string> problems;
};

// The paths of a closure file as they are, those of an image read from its files.
StoreSide ReadStoreSide(const Side& side, const std::string& store_directory,
                        const ReadOptions& options);

// What the store knows of the paths that `others` holds or names and of all that these refer to,
// read from disk; with null, all of the store.
absl::StatusOr<StoreSide> ReadLocalStore(const Side& side, const StoreSide* others,
                                         const ReadOptions& options);

// Adds those of `problems` that make a comparison incomplete.
void AddIncomplete(const std::vector<Problem>& problems, StoreSide* side);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_STORE_SIDE_H_
