#include "audit/cache/remote_cache.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "audit/cache/action_result.h"
#include "audit/cache/proto/bytestream.pb.h"
#include "audit/cache/proto/cache_services.pb.h"
#include "audit/cache/proto/remote_execution.pb.h"
#include "audit/net/grpc.h"
#include "audit/net/http.h"
#include "audit/net/tls.h"
#include "audit/net/url.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

namespace reapi = ::build::bazel::remote::execution::v2;

constexpr uint64_t kMostErrorPage = 1 << 20;
constexpr size_t kBlobsAtOnce = 10'000;  // under the 4 MiB that servers take as a message
constexpr int kMostEmptyReads = 1000;    // in a row, that say nothing

// DigestFunction.Value of remote_execution.proto.
int Number(DigestFunction function) {
  switch (function) {
    case DigestFunction::kSha256:
      return 1;
    case DigestFunction::kSha1:
      return 2;
    case DigestFunction::kBlake3:
      return 9;
  }
  return 0;
}

std::string NameOfNumber(int number) {
  constexpr const char* kNames[] = {"UNKNOWN", "SHA256", "SHA1",    "MD5",        "VSO",
                                    "SHA384",  "SHA512", "MURMUR3", "SHA256TREE", "BLAKE3"};
  return number >= 0 && number <= 9 ? kNames[number] : absl::StrCat("number ", number);
}

// What no action's key is: a server that has an entry of it says yes to everything.
BlobDigest NobodysKey(DigestFunction function) {
  return DigestOf(function, "lre-audit asks for an entry that nobody has");
}

absl::Status SaysYesToAll(const std::string& name) {
  return absl::FailedPreconditionError(absl::StrCat(
      name,
      " claims to have an entry of a key that no action has, so that its word means nothing"));
}

absl::Status CheckActionResult(const std::string& name, const BlobDigest& action,
                               const std::string& bytes) {
  const absl::Status parsed = BlobsOfResult(bytes).status();
  if (parsed.ok()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(name, " has for the action ", action.ToString(), " ", parsed.message()));
}

absl::Status CheckBlob(const std::string& name, DigestFunction function, const BlobDigest& blob,
                       const std::string& contents) {
  const BlobDigest found = DigestOf(function, contents);
  if (found == blob) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(name, " has other contents for the blob ",
                                          blob.ToString(), ": ", found.ToString()));
}

absl::Status TooLarge(const BlobDigest& blob, uint64_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat("blob ", blob.ToString(), " is larger than ", limit, " bytes"));
}

// A limit of ours is the question's fault, one that a server names is its own.
absl::Status NotOurLimit(absl::Status status) {
  if (!absl::IsResourceExhausted(status)) return status;
  return absl::UnavailableError(status.message());
}

net::HttpLimits LimitsOf(const RemoteCacheOptions& options) {
  net::HttpLimits limits;
  limits.connect_timeout = std::min(limits.connect_timeout, options.timeout);
  limits.exchange_timeout = options.timeout;
  limits.stall_timeout = 2 * options.timeout;  // never first, for a stall would be waited for again
  limits.retries = 2;
  limits.longest_wait = std::min(limits.longest_wait, options.timeout);
  limits.first_backoff = std::min(limits.first_backoff, options.timeout / 10);
  return limits;
}

absl::StatusOr<net::HttpSettings> SettingsOf(const RemoteCacheOptions& options) {
  net::HttpSettings settings;
  if (!options.certificates.empty()) {
    LRE_ASSIGN_OR_RETURN(settings.tls, net::ReadCertificates(options.certificates));
  }
  settings.tls.verify = options.tls_verify;
  settings.limits = LimitsOf(options);
  return settings;
}

// "NAME: VALUE" of "NAME=VALUE"; curl has a form of its own for an empty value.
std::vector<std::string> HeadersOf(const RemoteCacheOptions& options) {
  std::vector<std::string> headers;
  for (const auto& [name, value] : options.headers) {
    headers.push_back(value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value));
  }
  return headers;
}

// An entry is there if it can be read. A HEAD of HTTP would do, and would believe a server that has
// a page for everything.
class RemoteCache : public BuildCache {
 public:
  absl::StatusOr<bool> Contains(const BlobDigest& action) override {
    const absl::Status read = ReadAction(action).status();
    if (absl::IsNotFound(read)) return false;
    LRE_RETURN_IF_ERROR(read);
    return true;
  }
};

class GrpcCache : public RemoteCache {
 public:
  GrpcCache(std::string name, std::string instance, DigestFunction function,
            std::unique_ptr<net::GrpcChannel> channel)
      : name_(std::move(name)),
        instance_(std::move(instance)),
        function_(function),
        channel_(std::move(channel)) {}

  absl::StatusOr<std::string> ReadAction(const BlobDigest& action) override {
    LRE_RETURN_IF_ERROR(Greet());
    LRE_RETURN_IF_ERROR(Probe());
    return GetActionResult(action);
  }

  absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) override {
    if (blob.size > limit) return TooLarge(blob, limit);
    if (blob == DigestOf(function_, "")) return std::string();
    LRE_RETURN_IF_ERROR(Greet());
    google::bytestream::ReadRequest request;
    // SHA-256 and SHA-1 are known by the length of the hash.
    request.set_resource_name(absl::StrCat(instance_, instance_.empty() ? "" : "/", "blobs/",
                                           function_ == DigestFunction::kBlake3 ? "blake3/" : "",
                                           blob.ToString()));
    std::string contents;
    int empty = 0;
    const absl::Status read = channel_->Stream(
        "/google.bytestream.ByteStream/Read",
        [&] {
          request.set_read_offset(static_cast<int64_t>(contents.size()));
          return request.SerializeAsString();
        },
        [&](std::string_view message) -> absl::Status {
          google::bytestream::ReadResponse response;
          if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
            return absl::DataLossError("a message that is no ReadResponse");
          }
          empty = response.data().empty() ? empty + 1 : 0;
          if (empty > kMostEmptyReads) return absl::DataLossError("an endless stream of nothing");
          if (response.data().size() > blob.size - contents.size()) {
            return absl::DataLossError(
                absl::StrCat("more than the ", blob.size, " bytes of ", blob.ToString()));
          }
          contents.append(response.data());
          return absl::OkStatus();
        });
    if (absl::IsNotFound(read)) return read;
    LRE_RETURN_IF_ERROR(NotOurLimit(read));
    LRE_RETURN_IF_ERROR(CheckBlob(name_, function_, blob, contents));
    return contents;
  }

  absl::StatusOr<std::vector<BlobDigest>> FindMissing(
      const std::vector<BlobDigest>& blobs) override {
    LRE_RETURN_IF_ERROR(Greet());
    std::vector<BlobDigest> missing;
    for (size_t begin = 0; begin < blobs.size(); begin += kBlobsAtOnce) {
      LRE_RETURN_IF_ERROR(AddMissing(
          std::span(blobs).subspan(begin, std::min(kBlobsAtOnce, blobs.size() - begin)), &missing));
    }
    return missing;
  }

  std::vector<std::string> OtherFunctions() const override { return other_functions_; }

 private:
  // Once, whichever thread comes first.
  absl::Status Greet() {
    const absl::MutexLock lock(&greeting_);
    if (!greeted_) greeted_ = AskForCapabilities();
    return *greeted_;
  }

  // Who has no such service is taken as it is. What is no answer is no fault of one entry: no
  // DataLoss.
  absl::Status AskForCapabilities() {
    reapi::GetCapabilitiesRequest request;
    request.set_instance_name(instance_);
    const absl::StatusOr<std::string> answer =
        channel_->Call("/build.bazel.remote.execution.v2.Capabilities/GetCapabilities",
                       request.SerializeAsString());
    if (absl::IsUnimplemented(answer.status())) return absl::OkStatus();
    if (absl::IsNotFound(answer.status()))
      return absl::FailedPreconditionError(answer.status().message());
    if (!answer.ok()) return NotOurLimit(answer.status());
    reapi::ServerCapabilities capabilities;
    if (!capabilities.ParseFromString(*answer)) {
      return absl::FailedPreconditionError(
          absl::StrCat(name_, " answers with ", answer->size(), " bytes that are no capabilities"));
    }
    const auto& functions = capabilities.cache_capabilities().digest_functions();
    if (functions.empty() ||
        std::find(functions.begin(), functions.end(), Number(function_)) != functions.end()) {
      return absl::OkStatus();
    }
    for (const int number : functions) other_functions_.push_back(NameOfNumber(number));
    return absl::FailedPreconditionError(absl::StrCat(name_, " has no entries by ",
                                                      ToAbsl(Name(function_)), ", only by ",
                                                      absl::StrJoin(other_functions_, ", ")));
  }

  absl::Status Probe() {
    const absl::MutexLock lock(&greeting_);
    if (probed_) return absl::OkStatus();
    absl::Status answer = GetActionResult(NobodysKey(function_)).status();
    if (answer.ok()) return SaysYesToAll(name_);
    if (!absl::IsNotFound(answer)) return answer;
    probed_ = true;
    return absl::OkStatus();
  }

  absl::Status AddMissing(std::span<const BlobDigest> blobs, std::vector<BlobDigest>* missing) {
    reapi::FindMissingBlobsRequest request;
    request.set_instance_name(instance_);
    request.set_digest_function(Number(function_));
    for (const BlobDigest& blob : blobs) {
      reapi::Digest& digest = *request.add_blob_digests();
      digest.set_hash(blob.Hex());
      digest.set_size_bytes(static_cast<int64_t>(blob.size));
    }
    const absl::StatusOr<std::string> answer = channel_->Call(
        "/build.bazel.remote.execution.v2.ContentAddressableStorage/FindMissingBlobs",
        request.SerializeAsString());
    // An ActionCache alone, whose blobs are elsewhere; an account that may read alone.
    if (absl::IsUnimplemented(answer.status()) || absl::IsPermissionDenied(answer.status())) {
      return absl::OkStatus();
    }
    if (!answer.ok()) return NotOurLimit(answer.status());
    reapi::FindMissingBlobsResponse response;
    if (!response.ParseFromString(*answer)) {
      return absl::FailedPreconditionError(absl::StrCat(
          name_, " answers with ", answer->size(), " bytes that are no FindMissingBlobsResponse"));
    }
    absl::flat_hash_set<std::string> hashes;
    for (const reapi::Digest& digest : response.missing_blob_digests()) {
      hashes.insert(digest.hash());
    }
    std::copy_if(blobs.begin(), blobs.end(), std::back_inserter(*missing),
                 [&](const BlobDigest& blob) { return hashes.contains(blob.Hex()); });
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> GetActionResult(const BlobDigest& action) {
    reapi::GetActionResultRequest request;
    request.set_instance_name(instance_);
    request.mutable_action_digest()->set_hash(action.Hex());
    request.mutable_action_digest()->set_size_bytes(static_cast<int64_t>(action.size));
    request.set_digest_function(Number(function_));
    absl::StatusOr<std::string> answer =
        channel_->Call("/build.bazel.remote.execution.v2.ActionCache/GetActionResult",
                       request.SerializeAsString());
    if (absl::IsNotFound(answer.status())) return answer;
    if (!answer.ok()) return NotOurLimit(answer.status());
    LRE_RETURN_IF_ERROR(CheckActionResult(name_, action, *answer));
    return answer;
  }

  const std::string name_, instance_;
  const DigestFunction function_;
  const std::unique_ptr<net::GrpcChannel> channel_;
  absl::Mutex greeting_;
  std::optional<absl::Status> greeted_;
  bool probed_ = false;
  std::vector<std::string> other_functions_;
};

class HttpCache : public RemoteCache {
 public:
  HttpCache(std::string name, std::string base, std::vector<std::string> headers,
            DigestFunction function, std::shared_ptr<net::HttpClient> client)
      : name_(std::move(name)),
        base_(std::move(base)),
        headers_(std::move(headers)),
        function_(function),
        client_(std::move(client)) {}

  absl::StatusOr<std::string> ReadAction(const BlobDigest& action) override {
    if (const absl::MutexLock lock(&probing_); !probed_) {
      const absl::Status answer = Get("ac", NobodysKey(function_), kMaxActionResult).status();
      if (answer.ok()) return SaysYesToAll(name_);
      if (!absl::IsNotFound(answer)) return NotOurLimit(answer);
      probed_ = true;
    }
    absl::StatusOr<std::string> answer = Get("ac", action, kMaxActionResult);
    if (absl::IsNotFound(answer.status())) return answer;
    if (!answer.ok()) return NotOurLimit(answer.status());
    LRE_RETURN_IF_ERROR(CheckActionResult(name_, action, *answer));
    return answer;
  }

  absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) override {
    if (blob.size > limit) return TooLarge(blob, limit);
    if (blob == DigestOf(function_, "")) return std::string();
    absl::StatusOr<std::string> contents = Get("cas", blob, blob.size);
    if (absl::IsNotFound(contents.status())) return contents;
    if (!contents.ok()) return NotOurLimit(contents.status());
    LRE_RETURN_IF_ERROR(CheckBlob(name_, function_, blob, *contents));
    return contents;
  }

 private:
  absl::StatusOr<std::string> Get(const char* kind, const BlobDigest& digest, uint64_t most_bytes) {
    net::HttpRequest request;
    request.url = absl::StrCat(base_, "/", kind, "/", digest.Hex());
    request.origin_headers = headers_;
    // What a server writes below its 404 is longer than many a blob.
    absl::StatusOr<net::HttpAnswer> fetched =
        client_->Fetch(request, std::max(most_bytes, kMostErrorPage));
    // What is no HTTP is no fault of one entry.
    if (absl::IsDataLoss(fetched.status())) return absl::UnknownError(fetched.status().message());
    LRE_ASSIGN_OR_RETURN(net::HttpAnswer answer, std::move(fetched));
    if (answer.status == 200) return std::move(answer.body);
    const std::string said =
        absl::StrCat(answer.url, ": answers ", Escaped(answer.status_line.substr(0, 200)));
    switch (answer.status) {
      case 404:
      case 410:
        return absl::NotFoundError(said);
      case 401:
        return absl::UnauthenticatedError(said);
      case 403:
        return absl::PermissionDeniedError(said);
      default:
        return absl::UnknownError(said);
    }
  }

  const std::string name_, base_;
  const std::vector<std::string> headers_;
  const DigestFunction function_;
  const std::shared_ptr<net::HttpClient> client_;
  absl::Mutex probing_;
  bool probed_ = false;
};

struct Reference {
  std::string scheme, user, server, path;  // "grpc", "me:secret", "host:80", "/main"
};

Reference Split(std::string_view text) {
  Reference reference;
  const size_t scheme = text.find("://");
  reference.scheme = absl::AsciiStrToLower(ToAbsl(text.substr(0, scheme)));
  text.remove_prefix(scheme + 3);
  const size_t path = std::min(text.find_first_of("/?#"), text.size());
  reference.server = text.substr(0, path);
  reference.path = text.substr(path);
  if (const size_t at = reference.server.rfind('@'); at != std::string::npos) {
    reference.user = reference.server.substr(0, at);
    reference.server.erase(0, at + 1);
  }
  while (reference.path.ends_with('/')) reference.path.pop_back();
  return reference;
}

}  // namespace

bool IsRemote(std::string_view reference) {
  return reference.find("://") != std::string_view::npos;
}

std::string ServerOf(std::string_view text) {
  if (!IsRemote(text)) return "";
  const Reference reference = Split(text);
  return reference.scheme.starts_with("grpc") ? reference.server : "";
}

std::string PrintableReference(std::string_view text) {
  if (!IsRemote(text)) return std::string(text);
  const Reference reference = Split(text);
  // A query may hold a token.
  const size_t query = std::min(reference.path.find_first_of("?#"), reference.path.size());
  return absl::StrCat(reference.scheme, "://", reference.server, reference.path.substr(0, query),
                      query < reference.path.size()
                          ? absl::StrCat(reference.path.substr(query, 1), "(masked)")
                          : "");
}

absl::StatusOr<std::unique_ptr<BuildCache>> OpenRemote(const std::string& text,
                                                       DigestFunction function,
                                                       const RemoteCacheOptions& options) {
  const Reference reference = Split(text);
  const std::string name = PrintableReference(text);
  const auto refused = [&](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat("--cache ", Escaped(name), ": ", why));
  };
  if (reference.path.find_first_of("?#") != std::string::npos) {
    return refused("a cache's URL has neither query nor fragment");
  }
  const bool is_grpc = reference.scheme == "grpc" || reference.scheme == "grpcs";
  if (!is_grpc && reference.scheme != "http" && reference.scheme != "https") {
    return refused("expected grpc://, grpcs://, http://, https:// or a directory of --disk_cache");
  }
  if (reference.server.empty()) {
    return refused("it names no host; expected something like grpc://cache.example.com:9092/main");
  }
  LRE_ASSIGN_OR_RETURN(net::HttpSettings http, SettingsOf(options));
  std::vector<std::string> headers = HeadersOf(options);
  const auto open = [&]() -> absl::StatusOr<std::unique_ptr<BuildCache>> {
    if (is_grpc) {
      LRE_ASSIGN_OR_RETURN(
          std::unique_ptr<net::GrpcChannel> channel,
          net::GrpcChannel::Make(absl::StrCat(reference.scheme, "://", reference.server),
                                 {.http = std::move(http),
                                  .headers = std::move(headers),
                                  .message_bytes = kMaxActionResult}));
      const std::string instance = net::PercentDecoded(reference.path);
      return std::make_unique<GrpcCache>(Escaped(name),
                                         instance.substr(std::min<size_t>(1, instance.size())),
                                         function, std::move(channel));
    }
    LRE_ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(name));
    if (!reference.user.empty()) {
      headers.push_back(absl::StrCat("Authorization: Basic ",
                                     absl::Base64Escape(net::PercentDecoded(reference.user))));
    }
    LRE_ASSIGN_OR_RETURN(std::shared_ptr<net::HttpClient> client,
                         net::HttpClient::Make(std::move(http)));
    std::string base = url.text;
    while (base.ends_with('/')) base.pop_back();
    return std::make_unique<HttpCache>(url.Printable(), std::move(base), std::move(headers),
                                       function, std::move(client));
  };
  if (is_grpc && !reference.user.empty()) {
    return refused("caches of gRPC have no user in the URL; use --cache-header");
  }
  absl::StatusOr<std::unique_ptr<BuildCache>> cache = open();
  if (cache.ok() || !absl::IsInvalidArgument(cache.status())) return cache;
  return absl::InvalidArgumentError(absl::StrCat("--cache ", cache.status().message()));
}

}  // namespace lre_audit::cache
