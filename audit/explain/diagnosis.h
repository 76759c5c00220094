// Why the spawns of a pair do not share a cache entry: classified first, then component by
// component, and proven by computing keys again.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_DIAGNOSIS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_DIAGNOSIS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "audit/cache/action_key.h"
#include "audit/cache/build_caches.h"
#include "audit/explain/differences.h"
#include "audit/explain/pairing.h"
#include "audit/explain/set_fingerprints.h"

namespace lre_audit::explain {

// What is known of one side's key.
struct SideKey {
  // kVerified too where both sides have logged the same key: that is Bazel's word.
  cache::Verification::State state = cache::Verification::State::kUnverified;
  cache::Recipe recipe;
  cache::BlobDigest
      action;          // what Bazel logged, else what was computed; unknown if neither can be had
  std::string reason;  // why it is not verified
};

struct Diagnosis {
  bool same_key = false;
  // The logs do not say enough to tell whether the keys are the same: spawns that were read in
  // part, inputs that are logged twice or without digests. Neither the same, then, nor another.
  bool unknown_key = false;
  SideKey local, remote;

  // Of different keys: what has to be exchanged, all of it, for the local key to become the
  // remote's. A difference that changes no key is left out.
  std::vector<Difference> differences;
  // Whether the local spawn with these parts exchanged has the remote's key, and both are
  // verified.
  bool proven = false;
  std::string unproven_because;  // empty where proven

  // Of the same key:
  std::vector<std::string> differing_outputs;  // paths
  bool cacheable_differs = false;              // which is no part of the key
  // Why neither side can have an entry, as "is not to be cached remotely"; empty where they can.
  std::string not_cached;
  bool absent = false;                                 // a cache was asked, and has no entry
  std::optional<cache::BlobDigest> missing_blob = {};  // it has the entry, and not this blob of it
  bool foreign_result = false;  // its entry names none of the action's outputs
};

// Who knows which keys are Bazel's. Any may be null.
struct Oracles {
  cache::KnownActions* local = nullptr;
  cache::KnownActions* remote = nullptr;
  cache::BuildCaches* cache = nullptr;  // which are to have what both sides share
};

class Diagnoser {
 public:
  // Oracles must outlive this. The logs' digest functions must be the same.
  Diagnoser(const cache::ExecutionLog& local, const cache::ExecutionLog& remote,
            const Oracles& oracles)
      : local_(local),
        remote_(remote),
        cache_(oracles.cache),
        local_verifier_(local, oracles.local),
        remote_verifier_(remote, oracles.remote),
        local_walker_(local),
        remote_walker_(remote),
        local_sets_(std::make_shared<SetFingerprints>(local)),
        remote_sets_(local_sets_->AreOf(remote) ? local_sets_
                                                : std::make_shared<SetFingerprints>(remote)) {}

  // Pairs of the same differences whose keys are computed again. Most of the work is in them, and
  // one leak can be in every action of a build.
  static constexpr uint32_t kMostProofs = 1000;

  // Errors are those of a cache.
  absl::StatusOr<Diagnosis> Diagnose(const SpawnPair& pair);

 private:
  absl::Status Compare(const cache::Spawn& local, const cache::Spawn& remote, Diagnosis* result);
  void LookAtResult(const cache::Spawn& local, Diagnosis* result);
  bool SameInputs(const cache::Spawn& local, const cache::Spawn& remote) const;

  const cache::ExecutionLog& local_;
  const cache::ExecutionLog& remote_;
  cache::BuildCaches* cache_;
  cache::Verifier local_verifier_, remote_verifier_;
  cache::SetWalker local_walker_, remote_walker_;
  std::shared_ptr<const SetFingerprints> local_sets_, remote_sets_;
  cache::Recipe last_recipe_;
  absl::flat_hash_map<std::string, uint32_t> proofs_;  // by what differs
};

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_DIAGNOSIS_H_
