// What the first pass could not hash because the archive's order did not allow it: NARs of store
// paths whose files stand out of order, are hardlinks, or lie in several layers.
#ifndef LRE_AUDIT_AUDIT_SCAN_SECOND_PASS_H_
#define LRE_AUDIT_AUDIT_SCAN_SECOND_PASS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/nix/nar.h"
#include "audit/scan/scan.h"
#include "audit/trees/tree.h"

namespace lre_audit {

class KeptHashes;

// Where a regular file's contents stand: part of the tree, Entry::index.
struct ContentRef {
  size_t part = 0;
  uint64_t index = 0;
  auto operator<=>(const ContentRef&) const = default;
};

struct NarNode {
  std::string path;                          // relative to the store path, "" for itself
  Entry::Type type = Entry::Type::kRegular;  // kRegular, kDirectory or kSymlink
  bool executable = false;
  uint64_t size = 0;
  std::string target;
  ContentRef content;
};

struct NarRequest {
  std::string store_path;
  std::vector<NarNode> nodes;  // any order; sorted here
};

inline constexpr uint64_t kHoldBytes = uint64_t{64} << 20;

// The NAR hash of each request, by store path; one whose contents cannot be read is missing. Reads
// the parts concerned again, as often as needed to hold no more than `hold_bytes` of contents that
// come before their turn. What `kept` has is not read.
std::map<std::string, nix::NarHasher::Result> HashNars(const Tree& tree,
                                                       std::vector<NarRequest> requests,
                                                       const ScanOptions& options,
                                                       uint64_t hold_bytes = kHoldBytes,
                                                       const KeptHashes* kept = nullptr);

// SHA-256 (hex) of each of `contents`; what cannot be read is missing.
std::map<ContentRef, std::string> HashContents(const Tree& tree,
                                               const std::vector<ContentRef>& contents,
                                               const KeptHashes* kept = nullptr);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_SECOND_PASS_H_
