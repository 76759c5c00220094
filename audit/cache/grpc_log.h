// What Bazel and its remote cache said to each other of each action: --remote_grpc_log
// (--experimental_remote_grpc_log before 6), varint-delimited remote_logging.LogEntry.
// Source: bazelbuild/bazel src/main/protobuf/remote_execution_log.proto.
#ifndef LRE_AUDIT_AUDIT_CACHE_GRPC_LOG_H_
#define LRE_AUDIT_AUDIT_CACHE_GRPC_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/read_log.h"

namespace lre_audit::cache {

struct RemoteCall {
  enum class Method : uint8_t {
    kGetActionResult,
    kUpdateActionResult,
    kExecute,
    kWaitExecution,
    kRead,
    kWrite,
    kFindMissingBlobs,
    kGetCapabilities,
    kOther,
  };
  Method method = Method::kOther;
  absl::StatusCode status = absl::StatusCode::kOk;  // of the call
  bool cached_result = false;                       // Execute: the server had it
  bool retries_exhausted = false;
  int32_t exit_code = 0;         // of the result, where one was sent
  uint32_t retries = 0;          // attempts after the first
  uint64_t resource = 0;         // a hash of what Read and Write name: one blob, one number
  std::string instance_name;     // where the request says one
  std::string message;           // of a status that is not OK
  std::string mnemonic, target;  // from the metadata; empty before 5
  std::string tool_version;      // "release 7.4.1"
  std::string invocation_id;
  int64_t start_nanoseconds = 0, end_nanoseconds = 0;  // since 1970
  uint64_t entry = 0, offset = 0;
};

struct GrpcLog {
  std::string name;
  std::vector<RemoteCall> calls;  // in the order of the log: as they ended
  // Indexes into `calls` by the action's hash in hex, as metadata name it. Calls for no action
  // (GetCapabilities) are under "".
  absl::flat_hash_map<std::string, std::vector<uint32_t>> by_action;
  uint64_t entries = 0, bytes = 0;
  std::vector<LogWarning> warnings;  // as ExecutionLog's
  uint64_t warning_count = 0;
};

std::string_view Name(RemoteCall::Method method);  // "GetActionResult"

// As ReadExecutionLog.
absl::StatusOr<GrpcLog> ReadGrpcLog(ByteSource& source, std::string_view name,
                                    const ReadLogOptions& options);
absl::StatusOr<GrpcLog> ReadGrpcLogFile(const std::string& path, const ReadLogOptions& options);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_GRPC_LOG_H_
