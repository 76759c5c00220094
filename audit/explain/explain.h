// `lre-audit explain`: two execution logs and what keeps their builds from sharing cache entries.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_EXPLAIN_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_EXPLAIN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/threads.h"
#include "audit/cache/build_caches.h"
#include "audit/explain/naming.h"
#include "audit/explain/store_places.h"
#include "reports/report.pb.h"

namespace lre_audit::explain {

struct ExplainRequest {
  std::string local, remote;        // files of execution logs
  std::vector<std::string> caches;  // see BuildCaches::Open; an entry of any of them counts
  // gRPC logs of each build; an entry of any counts as Bazel's.
  std::vector<std::string> local_grpc_logs, remote_grpc_logs;
  // Build Event Protocol of each build: its options, and labels where the log has none.
  std::string local_bep, remote_bep;
  // Where causes' store paths are looked up.
  StoreSources sources;
  cache::RemoteCacheOptions remote_caches;
  // Only this one: a label, a path that it makes, or a digest of its key, in hex. Empty: all.
  std::string action;
  NamingOptions naming;
  SpareThreads* threads = nullptr;  // may be null
  std::function<void(const char*)> on_phase = [](const char*) {};
};

// The report but for tool, verdict and counts, with input bytes as they are: its findings are
// causes, those of most actions first in each severity. Logs that could be read in part, and remote
// caches that could not be asked, are LRE901.
// Errors: a log that is none or cannot be read, a cache that is none, an action that neither log
// has.
absl::StatusOr<Report> Explain(const ExplainRequest& request);

// The order in which causes are told: severity, actions, seconds, then the order of other findings.
void SortCauses(Report* report);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_EXPLAIN_H_
