// Remote caches of Bazel: those that speak the Remote Execution API, and those of plain HTTP.
// Sources: remote_execution.proto, bytestream.proto; Bazel's HttpCacheClient.java ("/ac/<hash>",
// "/cas/<hash>").
#ifndef LRE_AUDIT_AUDIT_CACHE_REMOTE_CACHE_H_
#define LRE_AUDIT_AUDIT_CACHE_REMOTE_CACHE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/cache/build_cache.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/remote_cache_options.h"

namespace lre_audit::cache {

// Whether `reference` names a remote cache rather than a directory: "SCHEME://...".
bool IsRemote(std::string_view reference);

// A cache at "grpc://HOST:PORT[/INSTANCE]", "grpcs://...", "http://HOST/..." or "https://...",
// where the latter two may hold USER:PASSWORD@. Nothing is asked yet. InvalidArgument for a
// reference that is none, and for certificates that cannot be read; FailedPrecondition without
// libcurl.
//
// Its errors name it and say what came instead of an answer. All but NotFound and ResourceExhausted
// (see BuildCache) mean that the next question would be answered no better.
absl::StatusOr<std::unique_ptr<BuildCache>> OpenRemote(const std::string& reference,
                                                       DigestFunction function,
                                                       const RemoteCacheOptions& options);

// "HOST:PORT" of a cache that has instances; empty for others.
std::string ServerOf(std::string_view reference);

// `reference` as it may be shown: without user and password, the query and fragment masked.
std::string PrintableReference(std::string_view reference);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_REMOTE_CACHE_H_
