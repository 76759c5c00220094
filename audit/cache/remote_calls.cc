#include "audit/cache/remote_calls.h"

#include <algorithm>
#include <tuple>

#include "base/status.h"

namespace lre_audit::cache {
namespace {

using Method = RemoteCall::Method;

bool NamesInstance(Method method) {
  return method == Method::kGetActionResult || method == Method::kUpdateActionResult ||
         method == Method::kExecute;
}

bool IsFailure(const RemoteCall& call) {
  switch (call.status) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAlreadyExists:
      return false;
    case absl::StatusCode::kNotFound:
      return call.method != Method::kGetActionResult && call.method != Method::kRead;
    default:
      return call.method != Method::kOther;
  }
}

bool IsOfUpload(Method method) {
  return method == Method::kUpdateActionResult || method == Method::kWrite ||
         method == Method::kFindMissingBlobs;
}

// Waiting goes on with an execution.
Method Family(Method method) {
  return method == Method::kWaitExecution ? Method::kExecute : method;
}

}  // namespace

absl::StatusOr<bool> RemoteCalls::Contains(const BlobDigest& action) {
  const std::string hash = action.Hex();
  return std::any_of(logs_.begin(), logs_.end(),
                     [&](const GrpcLog& log) { return log.by_action.contains(hash); });
}

RemoteCalls::Fate RemoteCalls::Of(const BlobDigest& action) const {
  Fate fate;
  const std::string hash = action.Hex();
  std::set<uint64_t> lacking;
  for (const GrpcLog& log : logs_) {
    const auto found = log.by_action.find(hash);
    if (found == log.by_action.end()) continue;
    for (const uint32_t index : found->second) {
      const RemoteCall& call = log.calls[index];
      const bool ok = call.status == absl::StatusCode::kOk;
      switch (call.method) {
        case Method::kGetActionResult:
          fate.lookup = ok                                           ? Fate::Lookup::kFound
                        : call.status == absl::StatusCode::kNotFound ? Fate::Lookup::kMissing
                                                                     : Fate::Lookup::kFailed;
          fate.asked_nanoseconds = call.start_nanoseconds;
          break;
        case Method::kExecute:
        case Method::kWaitExecution:
          if (ok && call.cached_result) fate.lookup = Fate::Lookup::kFound;
          [[fallthrough]];
        case Method::kUpdateActionResult:
          fate.upload = ok ? Fate::Upload::kDone : Fate::Upload::kFailed;
          fate.upload_status = call.status;
          fate.uploaded_nanoseconds = call.end_nanoseconds;
          break;
        case Method::kRead:
          if (call.status == absl::StatusCode::kNotFound) lacking.insert(call.resource);
          if (ok) lacking.erase(call.resource);
          break;
        default:
          break;
      }
    }
  }
  fate.lacks_blob = !lacking.empty();
  return fate;
}

std::set<std::string> RemoteCalls::Instances() const {
  std::set<std::string> instances;
  for (const GrpcLog& log : logs_) {
    for (const RemoteCall& call : log.calls) {
      if (NamesInstance(call.method)) instances.insert(call.instance_name);
    }
  }
  return instances;
}

std::set<std::string> RemoteCalls::Invocations() const {
  std::set<std::string> invocations;
  for (const GrpcLog& log : logs_) {
    for (const RemoteCall& call : log.calls) {
      if (!call.invocation_id.empty()) invocations.insert(call.invocation_id);
    }
  }
  return invocations;
}

std::map<RemoteCalls::FailureKind, RemoteCalls::Failures> RemoteCalls::FindFailures() const {
  std::map<FailureKind, Failures> failures;
  for (const GrpcLog& log : logs_) {
    for (const auto& [action, calls] : log.by_action) {
      // By method and blob, the calls that failed since one succeeded.
      std::map<std::tuple<Method, uint64_t>, std::vector<const RemoteCall*>> open;
      for (const uint32_t index : calls) {
        const RemoteCall& call = log.calls[index];
        std::vector<const RemoteCall*>& failed = open[{Family(call.method), call.resource}];
        if (IsFailure(call)) {
          failed.push_back(&call);
        } else if (call.status != absl::StatusCode::kCancelled) {
          failed.clear();
        }
      }
      for (const auto& [kind, failed] : open) {
        for (const RemoteCall* call : failed) {
          Failures& all = failures[{IsOfUpload(call->method), call->status}];
          all.methods.insert(call->method);
          all.actions.insert(action);
          ++all.calls;
          all.retries_exhausted |= call->retries_exhausted;
          // The map of actions has no order, and what is told must not show that.
          if (!call->message.empty() && (all.message.empty() || call->message < all.message)) {
            all.message = call->message;
          }
        }
      }
    }
  }
  return failures;
}

absl::StatusOr<bool> AnyOfKnown::Contains(const BlobDigest& action) {
  absl::StatusOr<bool> answer = false;
  for (KnownActions* known : all_) {
    absl::StatusOr<bool> is_known = known->Contains(action);
    if (is_known.ok() && *is_known) return true;
    if (!is_known.ok()) answer = is_known;  // unless another one knows it
  }
  return answer;
}

}  // namespace lre_audit::cache
