// Root causes of two logs' differences: each once, with the actions whose keys it changes, itself
// or through what it lets others read.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_CAUSES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_CAUSES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/action_key.h"
#include "audit/cache/build_caches.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/remote_calls.h"
#include "audit/explain/diagnosis.h"
#include "audit/explain/naming.h"
#include "audit/explain/pairing.h"

namespace lre_audit::explain {

struct Cause {
  NamedCause what;
  // Pairs in which it shows, ascending; none where it is a call that is for no action.
  std::vector<uint32_t> direct;
  // Those and the pairs that read, through any number of actions, what those have made.
  std::vector<uint32_t> actions;
  uint32_t actions_alone = 0;  // of those, which no other cause keeps from sharing a key
  // Of `direct`: those in which exchanging it, with the other differences of that pair, was shown
  // to turn the local key into the remote's; where keys are equal, those whose keys are verified.
  std::vector<uint32_t> proven;
  uint32_t proven_alone = 0;                // of those, where nothing else differs
  std::string unproven_because;             // of the first that is not
  cache::BlobDigest local_key, remote_key;  // of the first proven one, else of the first
  int64_t nanoseconds = 0;                  // of executing `actions`, where the logs say
};

// Of one pair, what is kept.
struct PairResult {
  bool same_key = false;
  bool unknown_key = false;     // see Diagnosis
  bool verified = false;        // both sides
  bool outputs_differ = false;  // under the same key
};

struct Causes {
  Pairing pairing;
  std::vector<PairResult> pairs;  // as pairing.pairs
  // Most actions first, then longest execution, then in the order of the local log.
  std::vector<Cause> causes;
  uint64_t unread_dep_files = 0;  // beyond what is read of them: HostReads::kMostFiles
};

struct CausesRequest {
  const cache::ExecutionLog* local = nullptr;
  const cache::ExecutionLog* remote = nullptr;
  Oracles oracles;
  cache::BuildCaches* blobs = nullptr;              // what both sides read and made; may be null
  const cache::RemoteCalls* local_calls = nullptr;  // may be null
  const cache::RemoteCalls* remote_calls = nullptr;
  NamingOptions naming;
};

// Errors are those of a cache. Logs of two digest functions have no key in common: all pairs are of
// one cause, and nothing else is looked at.
absl::StatusOr<Causes> FindCauses(const CausesRequest& request);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_CAUSES_H_
