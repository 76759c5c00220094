// One action in full: every component of its key, both sides beside each other.
#ifndef LRE_AUDIT_AUDIT_CACHE_ACTION_DETAIL_H_
#define LRE_AUDIT_AUDIT_CACHE_ACTION_DETAIL_H_

#include "audit/cache/digest_function.h"
#include "audit/cache/execution_log.h"
#include "reports/report.pb.h"

namespace lre_audit::cache {

// A side; null where it does not have the action.
struct LoggedSpawn {
  const ExecutionLog* log = nullptr;
  const Spawn* spawn = nullptr;
  BlobDigest key;  // unknown where it could not be had
};

// At least one side is there. Components come in the order of the REAPI's messages: arguments,
// environment, outputs, platform, inputs, then the Action's.
ExplainedAction DescribeAction(const LoggedSpawn& local, const LoggedSpawn& remote,
                               bool show_secrets);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_ACTION_DETAIL_H_
