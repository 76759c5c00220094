// What keeps actions whose key is the same on both sides from sharing an entry: no side may have
// one, or what a cache has is of no use.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_ENTRY_CAUSES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_ENTRY_CAUSES_H_

#include <string_view>

#include "audit/cache/digest_function.h"
#include "audit/explain/naming.h"

namespace lre_audit::explain {

// `why` as Diagnosis::not_cached.
NamedCause NamePolicy(std::string_view why, bool one_side_alone);
NamedCause NameAbsence();
// Of a result that a cache has without all of its blobs.
NamedCause NameMissingBlob(const cache::BlobDigest& blob);
// Of a result that names none of the action's outputs.
NamedCause NameForeignResult();

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_ENTRY_CAUSES_H_
