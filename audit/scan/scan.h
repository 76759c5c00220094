// The scan: one pass over each part of a tree, parts side by side. What comes out depends on the
// bytes alone, not on the number of threads.
#ifndef LRE_AUDIT_AUDIT_SCAN_SCAN_H_
#define LRE_AUDIT_AUDIT_SCAN_SCAN_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "audit/bytes/threads.h"
#include "audit/nix/nar.h"
#include "audit/trees/tree.h"
#include "rules/facts.pb.h"

namespace lre_audit {

class FactsCache;

// A store path whose entries stood in one part in NAR order: its hash fell out of the same pass.
struct StreamedNar {
  nix::NarHasher::Result nar;
  uint64_t entries = 0;  // of the part that it covers
};

struct ScannedPart {
  std::vector<Entry> entries;               // in stream order, without xattrs
  std::vector<FileFacts> facts;             // of each entry; empty for hardlinks and whiteouts
  std::map<std::string, StreamedNar> nars;  // by store path
  std::vector<Problem> problems;
  // What identifies the part's bytes, where this pass has verified them and options.cache is set.
  std::string content;
};

struct ScanOptions {
  std::string store_directory = "/nix/store";
  int jobs = 0;                 // threads; 0: one per core
  bool nar_hashes = true;       // of every store path; without recorded hashes nothing needs them
  FactsCache* cache = nullptr;  // of what earlier scans found; null: everything is scanned
  // Called from any thread with the number of bytes read since the last call.
  std::function<void(uint64_t)> on_bytes = [](uint64_t) {};
};

// One ScannedPart per part of `tree`.
std::vector<ScannedPart> ScanTree(const Tree& tree, const ScanOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_SCAN_H_
