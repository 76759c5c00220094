// One action in full: every component of its key, both sides beside each other.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_ACTION_DETAIL_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_ACTION_DETAIL_H_

#include "audit/cache/digest_function.h"
#include "audit/cache/execution_log.h"
#include "reports/report.pb.h"

namespace lre_audit::explain {

// A side; null where it does not have the action.
struct LoggedSpawn {
  const cache::ExecutionLog* log = nullptr;
  const cache::Spawn* spawn = nullptr;
  cache::BlobDigest key;  // unknown where it could not be had
};

// At least one side is there. Components come in the order of the REAPI's messages: arguments,
// environment, outputs, platform, inputs, then the Action's.
ExplainedAction DescribeAction(const LoggedSpawn& local, const LoggedSpawn& remote,
                               bool show_secrets);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_ACTION_DETAIL_H_
