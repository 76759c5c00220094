#include "audit/explain/call_causes.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/explain/secrets.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

using Fate = cache::RemoteCalls::Fate;

std::string Listed(const std::set<std::string>& instances) {
  std::vector<std::string> names;
  names.reserve(instances.size());
  for (const std::string& name : instances) {
    names.push_back(name.empty() ? "(no name)" : Escaped(name));
  }
  return absl::StrJoin(names, ", ");
}

const char* HelpFor(const cache::RemoteCalls::FailureKind& kind) {
  switch (kind.status) {
    case absl::StatusCode::kUnavailable:
      return "see whether the server is up and can be reached from where the build ran (proxy, "
             "TLS, load balancer); --remote_retries and --remote_retry_max_delay bridge short "
             "outages";
    case absl::StatusCode::kDeadlineExceeded:
      return "see why the server is slow; --remote_timeout is how long a call may take, and an "
             "action's own timeout how long it may run";
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kind.of_upload ? "give the account the right to write, or build with "
                              "--noremote_upload_local_results where it is not to have it"
                            : "give the build credentials that may read (--remote_header, "
                              "--credential_helper, --google_credentials)";
    case absl::StatusCode::kResourceExhausted:
      return "see which limit of the server is reached: a quota, the size of a message, calls at "
             "once (--remote_max_connections)";
    case absl::StatusCode::kUnimplemented:
      return "name a server that has this service: a cache needs ActionCache and "
             "ContentAddressableStorage, an executor Execution too";
    default:
      return "look into the server's log for the time of the build: the status is its own";
  }
}

struct Miss {
  const char* side;
  const char* other;
  const CalledSpawn* one;
  const CalledSpawn* another;
  Fate fate, other_fate;
};

NamedCause NameMissOf(const Miss& miss) {
  NamedCause cause;
  cause.rule = "LRE701";
  cause.spreads = false;
  const std::string lead = absl::StrCat("the key is the same on both sides, and ");
  if (miss.fate.lacks_blob) {
    cause.identity = absl::StrCat("blob ", miss.side);
    cause.message = absl::StrCat(lead, "the cache had the result and not all of its blobs in the ",
                                 miss.side, " build: Read said NOT_FOUND");
    cause.help =
        "let the cache keep a result only as long as its blobs (NativeLink's "
        "completeness-checking store, or another order of eviction), and give it more room";
    return cause;
  }
  cause.message = absl::StrCat(lead, "GetActionResult said NOT_FOUND in the ", miss.side, " build");
  const bool other_knows = miss.another->calls != nullptr && !miss.another->calls->empty();
  std::string what = "unknown";
  if (miss.other_fate.upload == Fate::Upload::kDone) {
    what = "lost";
    cause.notes.push_back(absl::StrCat(
        "the ", miss.other, " build had uploaded the result before: it was evicted since, or the ",
        "two builds name different caches"));
    cause.help =
        "see whether both sides name one cache (--remote_cache, --remote_executor), and how long "
        "it keeps entries";
  } else if (miss.other_fate.upload == Fate::Upload::kFailed) {
    what = absl::StrCat("refused ", absl::StatusCodeToString(miss.other_fate.upload_status));
    cause.notes.push_back(absl::StrCat("the ", miss.other, " build's upload of the result failed: ",
                                       absl::StatusCodeToString(miss.other_fate.upload_status)));
    cause.help = "repair the upload: LRE704 says what failed";
  } else if (miss.other_fate.lookup == Fate::Lookup::kFound) {
    what = "evicted";
    cause.notes.push_back(absl::StrCat("the ", miss.other,
                                       " build was given the result: the cache that it asked has "
                                       "it, or had it then"));
    cause.help =
        "see whether both sides name one cache (--remote_cache, --remote_executor), and how long "
        "it keeps entries";
  } else if (other_knows && !miss.another->calls->complete()) {
    cause.notes.push_back(absl::StrCat("whether the ", miss.other,
                                       " build had uploaded the result, its gRPC log, which could "
                                       "be read in part, does not tell"));
    cause.help = "take the whole gRPC log of that build";
  } else if (other_knows) {
    what = "never";
    cause.notes.push_back(absl::StrCat("the ", miss.other,
                                       " build did not upload the result: its gRPC log has no ",
                                       "UpdateActionResult or Execute of this key"));
    cause.help =
        "let the side that builds first upload what it makes: --remote_upload_local_results, and "
        "an account that may write";
  } else {
    cause.notes.push_back(absl::StrCat("whether the ", miss.other,
                                       " build had uploaded the result, its gRPC log ",
                                       "would tell: --", miss.other, "-grpc-log"));
    cause.help =
        "see whether the other build came first and uploaded its results "
        "(--remote_upload_local_results, the account's right to write), whether both name one "
        "cache and instance (--remote_instance_name), and how long the cache keeps entries";
  }
  cause.identity = absl::StrCat("asked ", miss.side, " ", what);
  return cause;
}

}  // namespace

std::optional<NamedCause> NameInstances(const cache::RemoteCalls* local,
                                        const cache::RemoteCalls* remote) {
  if (local == nullptr || remote == nullptr) return std::nullopt;
  const std::set<std::string> here = local->Instances(), there = remote->Instances();
  const auto is_shared = [&](const std::string& name) { return there.contains(name); };
  if (here.empty() || there.empty() || std::any_of(here.begin(), here.end(), is_shared)) {
    return std::nullopt;
  }
  NamedCause cause;
  cause.rule = "LRE702";
  cause.spreads = false;
  cause.identity = "instance";
  cause.referenced = "--remote_instance_name";
  cause.message =
      "the builds asked different instances of the cache, so that neither finds what the other "
      "has uploaded";
  cause.local = Listed(here);
  cause.remote = Listed(there);
  cause.help =
      "give both sides the same --remote_instance_name, one that the server is set up with; a "
      "local build without the option asks for the instance without a name";
  return cause;
}

std::optional<NamedCause> NameMiss(const cache::BlobDigest& key, const CalledSpawn& local,
                                   const CalledSpawn& remote) {
  const auto fate_of = [&](const CalledSpawn& side) {
    return side.calls == nullptr ? Fate() : side.calls->Of(key);
  };
  const Fate here = fate_of(local), there = fate_of(remote);
  const auto missed = [](const CalledSpawn& side, const Fate& fate) {
    return !side.spawn->cache_hit && (fate.lookup == Fate::Lookup::kMissing || fate.lacks_blob);
  };
  bool local_missed = missed(local, here), remote_missed = missed(remote, there);
  // Who asked first could find nothing.
  if (here.asked_nanoseconds != 0 && there.asked_nanoseconds != 0) {
    if (here.asked_nanoseconds < there.asked_nanoseconds) local_missed &= here.lacks_blob;
    if (there.asked_nanoseconds < here.asked_nanoseconds) remote_missed &= there.lacks_blob;
  }
  // Builds at the same time: asked before it was there.
  const auto too_early = [](const Fate& asked, const Fate& uploaded) {
    return uploaded.upload == Fate::Upload::kDone && asked.asked_nanoseconds != 0 &&
           uploaded.uploaded_nanoseconds > asked.asked_nanoseconds;
  };
  if (too_early(here, there)) local_missed &= here.lacks_blob;
  if (too_early(there, here)) remote_missed &= there.lacks_blob;
  if (local_missed) return NameMissOf({"local", "remote", &local, &remote, here, there});
  if (remote_missed) return NameMissOf({"remote", "local", &remote, &local, there, here});
  return std::nullopt;
}

NamedCause NameFailure(std::string_view side, const cache::RemoteCalls::FailureKind& kind,
                       const cache::RemoteCalls::Failures& failures, const NamingOptions& options) {
  const std::string status = absl::StatusCodeToString(kind.status);
  std::vector<std::string> methods;
  methods.reserve(failures.methods.size());
  for (const cache::RemoteCall::Method method : failures.methods)
    methods.emplace_back(Name(method));
  NamedCause cause;
  cause.rule = "LRE704";
  cause.spreads = false;
  cause.identity = absl::StrCat(ToAbsl(side), kind.of_upload ? " upload " : " ", status);
  cause.referenced = methods.front();
  cause.message = absl::StrCat(
      kind.of_upload ? "uploads" : "calls", " failed with ", status, " in the ", ToAbsl(side),
      " build, and were not repeated with success: ", absl::StrJoin(methods, ", "));
  if (!failures.message.empty()) {
    cause.notes.push_back(absl::StrCat(
        "what was said: ",
        Escaped(options.show_secrets ? failures.message : MaskedText(failures.message))));
  }
  cause.notes.push_back(absl::StrCat(Counted(failures.calls, "call"), " failed so",
                                     failures.retries_exhausted ? ", until no retry was left" : "",
                                     kind.of_upload ? ": what the build made is not shared" : ""));
  cause.help = HelpFor(kind);
  return cause;
}

}  // namespace lre_audit::explain
