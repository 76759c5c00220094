// What gRPC logs say of actions that were executed although the key is the same, as causes: LRE701,
// LRE702 and LRE704.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_CALL_CAUSES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_CALL_CAUSES_H_

#include <optional>
#include <string_view>

#include "audit/cache/digest_function.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/remote_calls.h"
#include "audit/explain/naming.h"

namespace lre_audit::explain {

// One side of a pair. `calls` may be null.
struct CalledSpawn {
  const cache::RemoteCalls* calls = nullptr;
  const cache::Spawn* spawn = nullptr;
};

// That no instance which one side asked is one that the other asked: what one uploads the other
// cannot find. nullopt where that is not known.
std::optional<NamedCause> NameInstances(const cache::RemoteCalls* local,
                                        const cache::RemoteCalls* remote);

// That a side asked for the result of `key`, which both have, and did not get it, although the
// other side had asked, or had it, before; or got a result whose blobs were gone. The build that
// asks first finds nothing, nor does one that asks while the other is at it: that is nobody's
// fault.
std::optional<NamedCause> NameMiss(const cache::BlobDigest& key, const CalledSpawn& local,
                                   const CalledSpawn& remote);

// Calls in the build of `side` ("local") that failed for good with one status.
NamedCause NameFailure(std::string_view side, const cache::RemoteCalls::FailureKind& kind,
                       const cache::RemoteCalls::Failures& failures, const NamingOptions& options);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_CALL_CAUSES_H_
