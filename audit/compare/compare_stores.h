// Two sides that consist of store paths: stores, closures and images, in any combination.
#ifndef LRE_AUDIT_AUDIT_COMPARE_COMPARE_STORES_H_
#define LRE_AUDIT_AUDIT_COMPARE_COMPARE_STORES_H_

#include "absl/status/status.h"
#include "audit/compare/compare.h"

namespace lre_audit {

// Fills everything but tool, verdict and counts. Of a store only those paths count that the other
// side holds or names, and what these refer to as the store knows it. Files outside the store,
// configurations, tools and findings are compared where both sides are images.
absl::Status CompareStores(const CompareRequest& request, Comparison* comparison);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_COMPARE_STORES_H_
