// What an explanation says of the caches themselves: those that could not be asked, and instances
// of one server.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_CACHE_FINDINGS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_CACHE_FINDINGS_H_

#include <utility>
#include <vector>

#include "audit/cache/build_caches.h"
#include "audit/cache/digest_function.h"
#include "reports/report.pb.h"

namespace lre_audit::explain {

// LRE901 for each cache that could not be asked, or LRE703 where it has no entries of the builds'
// digest function. Without fingerprints.
std::vector<Finding> TroubleFindings(const cache::BuildCaches& caches, bool show_secrets);

// The keys of one action, on both sides.
using KeyPair = std::pair<cache::BlobDigest, cache::BlobDigest>;

// LRE702 where several instances of one server are among the caches, and show that the builds use
// different ones: those of one side are in the one alone, those of the other in the other. Where
// the keys are equal, an instance that has none of them is a warning, for both sides may use the
// other.
std::vector<Finding> InstanceFindings(cache::BuildCaches& caches, const std::vector<KeyPair>& keys);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_CACHE_FINDINGS_H_
