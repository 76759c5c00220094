// What Bazel and its remote cache said to each other in the build of one side: which keys it asked
// for, what it was told, and which calls failed for good.
#ifndef LRE_AUDIT_AUDIT_CACHE_REMOTE_CALLS_H_
#define LRE_AUDIT_AUDIT_CACHE_REMOTE_CALLS_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/cache/action_key.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/grpc_log.h"

namespace lre_audit::cache {

class RemoteCalls : public KnownActions {
 public:
  // The logs of one build: one, or several where several invocations made it.
  void Add(GrpcLog log) { logs_.push_back(std::move(log)); }
  void Append(RemoteCalls other) {
    std::move(other.logs_.begin(), other.logs_.end(), std::back_inserter(logs_));
  }
  bool empty() const { return logs_.empty(); }
  // Whether all of the logs could be read in full: else what is not in them may have been.
  bool complete() const {
    return std::all_of(logs_.begin(), logs_.end(),
                       [](const GrpcLog& log) { return log.warning_count == 0; });
  }

  // Whether a call was for this action: its digest is one that Bazel computed itself.
  absl::StatusOr<bool> Contains(const BlobDigest& action) override;

  // What became of one action, by the last calls of each kind.
  struct Fate {
    enum class Lookup { kNotAsked, kFound, kMissing, kFailed };
    Lookup lookup = Lookup::kNotAsked;  // GetActionResult
    int64_t asked_nanoseconds = 0;      // since 1970
    enum class Upload { kNone, kDone, kFailed };
    Upload upload = Upload::kNone;  // UpdateActionResult, or Execute, whose result the server keeps
    absl::StatusCode upload_status = absl::StatusCode::kOk;
    int64_t uploaded_nanoseconds = 0;  // since 1970, the call's end
    bool lacks_blob = false;           // a blob of its result was asked for, and not there
  };
  Fate Of(const BlobDigest& action) const;

  // The distinct names of instances in requests that say one, or could: "" is one.
  std::set<std::string> Instances() const;
  // The distinct invocations that the calls are of; empty where none says.
  std::set<std::string> Invocations() const;

  // Calls that failed, and after which none of the method succeeded for the same action (and blob).
  // That a result (GetActionResult) or a blob (Read) is not there is no failure, nor is a call that
  // was cancelled or that wrote what was there.
  struct Failures {
    std::set<RemoteCall::Method> methods;
    std::set<std::string> actions;  // hashes in hex; "" stands for calls of no action
    uint64_t calls = 0;             // each attempt is one
    bool retries_exhausted = false;
    std::string message;  // of one of them
  };
  struct FailureKind {
    bool of_upload = false;  // UpdateActionResult, Write and what prepares them
    absl::StatusCode status = absl::StatusCode::kOk;
    auto operator<=>(const FailureKind&) const = default;
  };
  std::map<FailureKind, Failures> FindFailures() const;

 private:
  std::vector<GrpcLog> logs_;
};

// Whether any of several knows an action.
class AnyOfKnown : public KnownActions {
 public:
  // Null ones are passed over; the others must outlive this.
  explicit AnyOfKnown(std::vector<KnownActions*> all) : all_(std::move(all)) {
    std::erase(all_, nullptr);
  }
  bool empty() const { return all_.empty(); }
  absl::StatusOr<bool> Contains(const BlobDigest& action) override;

 private:
  std::vector<KnownActions*> all_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_REMOTE_CALLS_H_
