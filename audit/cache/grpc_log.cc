#include "audit/cache/grpc_log.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "audit/cache/entry_reader.h"
#include "audit/cache/packed_log.h"
#include "audit/cache/proto/remote_execution_log.pb.h"
#include "audit/cache/sniff_log.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

namespace reapi = build::bazel::remote::execution::v2;

// Methods are as long as this; what a damaged log has may be longer.
constexpr size_t kMaxText = 4096;

struct MethodName {
  RemoteCall::Method method;
  std::string_view name;  // behind the service's
};
constexpr MethodName kMethods[] = {
    {RemoteCall::Method::kGetActionResult, "GetActionResult"},
    {RemoteCall::Method::kUpdateActionResult, "UpdateActionResult"},
    {RemoteCall::Method::kExecute, "Execute"},
    {RemoteCall::Method::kWaitExecution, "WaitExecution"},
    {RemoteCall::Method::kRead, "Read"},
    {RemoteCall::Method::kWrite, "Write"},
    {RemoteCall::Method::kFindMissingBlobs, "FindMissingBlobs"},
    {RemoteCall::Method::kGetCapabilities, "GetCapabilities"},
};

// "build.bazel.remote.execution.v2.ActionCache/GetActionResult"
RemoteCall::Method MethodOf(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('/') + 1);
  for (const MethodName& known : kMethods) {
    if (known.name == last) return known.method;
  }
  return RemoteCall::Method::kOther;
}

absl::StatusCode CodeOf(int32_t code) {
  // Others are read as kUnknown by gRPC, too.
  return code >= 0 && code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
}

// 0 where it is none.
int64_t Nanoseconds(const google::protobuf::Timestamp& time) {
  constexpr int64_t kMaxSeconds = int64_t{1} << 33;
  if (time.seconds() < 0 || time.seconds() > kMaxSeconds) return 0;
  return time.seconds() * 1'000'000'000 + std::clamp(time.nanos(), 0, 999'999'999);
}

std::string Bounded(const std::string& text) { return text.substr(0, kMaxText); }

void ReadResponses(const google::protobuf::RepeatedPtrField<google::longrunning::Operation>& list,
                   RemoteCall* call) {
  for (const google::longrunning::Operation& operation : list) {
    reapi::ExecuteResponse response;
    if (operation.has_error()) {
      call->status = CodeOf(operation.error().code());
      call->message = Bounded(operation.error().message());
    } else if (operation.has_response() && response.ParseFromString(operation.response().value())) {
      call->cached_result = response.cached_result();
      call->exit_code = response.result().exit_code();
      // The call was fine, and the action was not.
      if (call->status == absl::StatusCode::kOk && response.status().code() != 0) {
        call->status = CodeOf(response.status().code());
        call->message = Bounded(response.status().message());
      }
    }
  }
}

// Of "INSTANCE/uploads/UUID/blobs/HASH/SIZE" and "INSTANCE/blobs/HASH/SIZE", what is behind the
// instance and the upload.
uint64_t ResourceOf(std::string_view name) {
  const size_t blobs = name.find("blobs/");
  return absl::Hash<std::string_view>()(name.substr(blobs == name.npos ? 0 : blobs));
}

void ReadDetails(const remote_logging::RpcCallDetails& details, RemoteCall* call) {
  switch (details.details_case()) {
    case remote_logging::RpcCallDetails::kExecute:
      call->instance_name = Bounded(details.execute().request().instance_name());
      ReadResponses(details.execute().responses(), call);
      break;
    case remote_logging::RpcCallDetails::kWaitExecution:
      ReadResponses(details.wait_execution().responses(), call);
      break;
    case remote_logging::RpcCallDetails::kGetActionResult:
      call->instance_name = Bounded(details.get_action_result().request().instance_name());
      call->exit_code = details.get_action_result().response().exit_code();
      break;
    case remote_logging::RpcCallDetails::kUpdateActionResult:
      call->instance_name = Bounded(details.update_action_result().request().instance_name());
      call->exit_code = details.update_action_result().response().exit_code();
      break;
    case remote_logging::RpcCallDetails::kRead:
      call->resource = ResourceOf(details.read().request().resource_name());
      break;
    case remote_logging::RpcCallDetails::kWrite:
      if (details.write().resource_names_size() > 0) {
        call->resource = ResourceOf(details.write().resource_names(0));
      }
      break;
    default:
      break;
  }
}

bool IsHash(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The action that the call is for: metadata name its hash ("capabilities" and the like where there
// is none); requests its digest, which counts where metadata do not.
std::string ActionOf(const remote_logging::LogEntry& entry) {
  if (IsHash(entry.metadata().action_id())) return entry.metadata().action_id();
  const remote_logging::RpcCallDetails& details = entry.details();
  if (details.has_get_action_result()) {
    return Bounded(details.get_action_result().request().action_digest().hash());
  }
  if (details.has_update_action_result()) {
    return Bounded(details.update_action_result().request().action_digest().hash());
  }
  if (details.has_execute()) return Bounded(details.execute().request().action_digest().hash());
  return "";
}

void AddCall(const remote_logging::LogEntry& entry, uint64_t number, uint64_t offset,
             GrpcLog* log) {
  RemoteCall call;
  call.method = MethodOf(entry.method_name());
  call.status = CodeOf(entry.status().code());
  call.message = Bounded(entry.status().message());
  if (entry.has_retry_summary()) {
    call.retries = static_cast<uint32_t>(std::max(0, entry.retry_summary().retry_attempts()));
    call.retries_exhausted = entry.retry_summary().retries_exhausted();
  } else {
    call.retries = static_cast<uint32_t>(std::max(0, entry.attempt_number() - 1));
  }
  const reapi::RequestMetadata& metadata = entry.metadata();
  call.mnemonic = Bounded(metadata.action_mnemonic());
  call.target = Bounded(metadata.target_id());
  call.tool_version = Bounded(metadata.tool_details().tool_version());
  call.invocation_id = Bounded(metadata.tool_invocation_id());
  call.start_nanoseconds = Nanoseconds(entry.start_time());
  call.end_nanoseconds = Nanoseconds(entry.end_time());
  call.entry = number;
  call.offset = offset;
  ReadDetails(entry.details(), &call);
  log->by_action[ActionOf(entry)].push_back(static_cast<uint32_t>(log->calls.size()));
  log->calls.push_back(std::move(call));
}

}  // namespace

std::string_view Name(RemoteCall::Method method) {
  for (const MethodName& known : kMethods) {
    if (known.method == method) return known.name;
  }
  return "another method";
}

absl::StatusOr<GrpcLog> ReadGrpcLog(ByteSource& source, std::string_view name,
                                    const ReadLogOptions& options) {
  PackedLog packed(source, options);
  LRE_ASSIGN_OR_RETURN(const LogKind kind, packed.Sniff());
  if (kind != LogKind::kGrpc && kind != LogKind::kEmpty) {
    return absl::InvalidArgumentError(
        absl::StrCat("no gRPC log: ", ToAbsl(Describe(kind)),
                     "; expected what Bazel writes with --remote_grpc_log "
                     "(--experimental_remote_grpc_log before 6)"));
  }
  GrpcLog log;
  log.name = name;
  const auto warn = [&](const EntryReader& entry, std::string message) {
    AddWarning(entry, std::move(message), &log);
  };
  remote_logging::LogEntry call;
  const auto read = [&](const EntryReader& entry) {
    if (!call.ParseFromArray(entry.entry().data(), static_cast<int>(entry.entry().size()))) {
      warn(entry, absl::StrCat("it is no call: its ", entry.entry().size(),
                               " bytes are no remote_logging.LogEntry"));
      return true;
    }
    AddCall(call, entry.number(), entry.offset(), &log);
    ++log.entries;
    return true;
  };
  log.bytes = packed.ReadEntries(read, warn);
  return log;
}

absl::StatusOr<GrpcLog> ReadGrpcLogFile(const std::string& path, const ReadLogOptions& options) {
  return ReadLogFile(ReadGrpcLog, path, options);
}

}  // namespace lre_audit::cache
