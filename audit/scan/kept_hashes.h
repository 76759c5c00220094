// What second passes found, kept between audits.
#ifndef LRE_AUDIT_AUDIT_SCAN_KEPT_HASHES_H_
#define LRE_AUDIT_AUDIT_SCAN_KEPT_HASHES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/nix/nar.h"
#include "audit/scan/scan.h"
#include "audit/scan/second_pass.h"

namespace lre_audit {

// Thread-safe. A result is kept by all that it depends on: the bytes of the parts concerned, as the
// first pass has verified them, and what was asked for.
class KeptHashes {
 public:
  // Without a cache, and for parts whose ScannedPart::content is empty, nothing is kept.
  KeptHashes(FactsCache* cache, const std::vector<ScannedPart>& parts);

  using Nars = std::map<std::string, nix::NarHasher::Result>;
  // By store path. Nodes of requests are sorted.
  std::optional<Nars> RecallNars(const std::vector<const NarRequest*>& requests) const;
  void KeepNars(const std::vector<const NarRequest*>& requests, const Nars& nars) const;

  // SHA-256 (hex) of the contents of the entries of `part` at `indices`, in that order.
  std::optional<std::vector<std::string>> RecallContents(
      size_t part, const std::vector<uint64_t>& indices) const;
  void KeepContents(size_t part, const std::vector<uint64_t>& indices,
                    const std::vector<std::string>& hashes) const;

 private:
  // Empty where nothing can be kept.
  std::string KeyOf(const std::vector<const NarRequest*>& requests) const;
  std::string KeyOf(size_t part, const std::vector<uint64_t>& indices) const;

  FactsCache* const cache_;
  std::vector<std::string> contents_;  // by part
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_KEPT_HASHES_H_
