// The reference scan: Nix's own semantics, without knowing the candidates beforehand, and the
// references outside any candidate set. One pass, any split into pieces gives the same result.
// Source: Nix src/libutil/references.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_REFERENCES_H_
#define LRE_AUDIT_AUDIT_NIX_REFERENCES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace lre_audit::nix {

// Nix finds a reference wherever the bare 32 characters of a candidate's hash stand. The scan
// depends on the bytes alone, so it keeps every window of 32 nix32 characters, as a fingerprint;
// the candidates are joined in later. 64 bits: a wrong join has a chance of 2^-64 per pair.
uint64_t HashFingerprint(std::string_view hash32);

class ReferenceScanner {
 public:
  // `store_directory` without trailing slash. At most `max_windows` distinct windows are kept,
  // those with the smallest fingerprints, so that the result does not depend on the pieces.
  explicit ReferenceScanner(std::string_view store_directory, size_t max_windows = 4'000'000);

  void Update(std::string_view piece);

  // "<store directory>/<hash>-<name>" written out in the bytes.
  struct Reference {
    std::string base_name;  // "<hash>-<name>", the name as far as its characters go
    uint64_t offset = 0;    // of the store directory's first byte, at its first occurrence
  };

  struct Result {
    std::vector<Reference> references;  // distinct, by offset
    std::vector<uint64_t> windows;      // fingerprints of all 32-windows, sorted, distinct
    bool limit_reached = false;         // there were more windows, or more references
  };
  Result Finish();  // once

 private:
  void ScanWindows(std::string_view data, size_t first, uint64_t data_offset,
                   std::string_view piece);
  void AddWindow(uint64_t fingerprint);
  void CompactWindows();
  void ContinueName(std::string_view text);
  void EndName();

  std::string store_prefix_;  // "/nix/store/"
  size_t max_windows_;
  uint64_t consumed_ = 0;  // bytes of all pieces so far
  std::string tail_;       // the last of them: what a window in the next piece may begin in

  // The reference whose name may go on in the next piece: its base name so far, "" for none.
  std::string pending_;
  uint64_t pending_offset_ = 0;
  absl::flat_hash_map<std::string, uint64_t> references_;

  std::vector<uint64_t> windows_;  // the smallest ones; distinct as far as compact_at_ says
  size_t compact_at_;              // size of windows_ at which to sort out the duplicates
  uint64_t largest_window_;        // larger ones need not be kept: max_windows_ are smaller
  bool limit_reached_ = false;
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_REFERENCES_H_
