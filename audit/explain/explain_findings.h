// Findings of `explain` that are no causes: what could not be read, or not be compared.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_EXPLAIN_FINDINGS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_EXPLAIN_FINDINGS_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/build_events.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/read_log.h"
#include "audit/cache/remote_calls.h"
#include "reports/report.pb.h"

namespace lre_audit::explain {

Finding MakeExplainFinding(const char* code, std::string_view path, std::string_view referenced,
                           std::string message, std::string_view help);

// LRE901 of a log that could be read in part: its first warnings, `count` in all (at least one),
// and what was read ("1,204 calls").
Finding DamageFinding(const std::string& log, const std::vector<cache::LogWarning>& warnings,
                      uint64_t count, std::string_view what_was_read);

// The build events of `file`; none where that is empty. Those that are damaged, or not of the build
// that has one of `invocations` (empty where nobody says), are an LRE901 of `findings`; the latter
// do not count.
absl::StatusOr<cache::BuildEvents> ReadEvents(const std::string& file,
                                              const std::set<std::string>& invocations,
                                              const cache::ReadLogOptions& options,
                                              std::vector<Finding>* findings);

// The gRPC logs of the build that `log` is of. One that is damaged, or of another invocation, is an
// LRE901 of `findings`; the latter does not count. Errors: a file that is no such log.
absl::StatusOr<cache::RemoteCalls> ReadCalls(const std::vector<std::string>& files,
                                             const cache::ExecutionLog& log,
                                             const cache::ReadLogOptions& options,
                                             std::vector<Finding>* findings);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_EXPLAIN_FINDINGS_H_
