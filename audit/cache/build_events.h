// What the Build Event Protocol says of a build that its execution log does not: the options that
// it was asked for with, and which target a file is an output of.
#ifndef LRE_AUDIT_AUDIT_CACHE_BUILD_EVENTS_H_
#define LRE_AUDIT_AUDIT_CACHE_BUILD_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/read_log.h"

namespace lre_audit::cache {

struct BuildEvents {
  std::string name;
  std::string invocation_id, tool_version;
  std::vector<std::string> options;  // "--copt=-O2", those of rc files included
  bool has_options = false;          // the event that says them was read
  // By a file's path below the execution root, the label whose output it is.
  absl::flat_hash_map<std::string, std::string> labels;
  uint64_t events = 0, bytes = 0;
  std::vector<LogWarning> warnings;  // as ExecutionLog's
  uint64_t warning_count = 0;
};

// A file of events in JSON, one a line, or in binary, each behind its length; as ReadExecutionLog.
absl::StatusOr<BuildEvents> ReadBuildEvents(ByteSource& source, std::string_view name,
                                            const ReadLogOptions& options);
absl::StatusOr<BuildEvents> ReadBuildEventsFile(const std::string& path,
                                                const ReadLogOptions& options);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_BUILD_EVENTS_H_
