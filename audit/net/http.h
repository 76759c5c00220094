// A client for HTTP that expects nothing good of a server: every wait, size and repetition is
// bounded, and what is fetched is pulled piece by piece.
//
//   auto client = HttpClient::Make({});
//   auto answer = (*client)->Fetch({.url = "https://cache.example.org/nix-cache-info"}, 1 << 20);
//   auto stream = (*client)->Open({.url = ".../nar/x.nar.xz", .size = narinfo.file_size});
//   while (!(piece = stream->body->Next())->empty()) ...
//
// Sources: RFC 9110 (semantics; Range in section 14, Retry-After in 10.2.3), RFC 9112.
#ifndef LRE_AUDIT_AUDIT_NET_HTTP_H_
#define LRE_AUDIT_AUDIT_NET_HTTP_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/bytes/byte_source.h"
#include "audit/net/tls.h"

namespace lre_audit::net {

class Attempts;
class Exchange;
class HandlePool;

// Names compare without case. In the order of the answer.
class Headers {
 public:
  void Add(std::string name, std::string value) {
    all_.emplace_back(std::move(name), std::move(value));
  }
  const std::string* Find(std::string_view name) const;  // the first; null if there is none
  std::vector<std::string> All(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

// Each far above what a server that works needs, far below what a person waits.
struct HttpLimits {
  absl::Duration connect_timeout = absl::Seconds(30);  // name, connection and TLS together
  // A server that sends less than this in so much time of waiting has stalled.
  absl::Duration stall_timeout = absl::Seconds(60);
  uint64_t stall_bytes = 60 << 10;
  absl::Duration exchange_timeout = absl::InfiniteDuration();  // of one request and its answer
  uint64_t header_bytes = 128 << 10;                           // of one answer
  int redirects = 10;
  // Of one request, and again after each `progress_bytes` of a body.
  int retries = 5;
  uint64_t progress_bytes = 16 << 20;
  absl::Duration first_backoff = absl::Milliseconds(500);  // doubles with each retry
  absl::Duration longest_wait = absl::Seconds(60);         // that a Retry-After may ask for
  size_t buffer_bytes = 1 << 20;                           // of a body, held for the reader
  uint64_t body_bytes = uint64_t{1} << 40;                 // of a body whose size nobody said
};

struct HttpSettings {
  TlsSettings tls;
  HttpLimits limits;
  std::string unix_socket = {};  // where to connect, whatever host a URL names; empty: to that host
};

// Says who asks, for the origin of the request alone: it is never asked on behalf of another host
// that the request was redirected to. Called from several threads at once.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // The value of the Authorization header; empty for none.
  virtual absl::StatusOr<std::string> Authorization() = 0;
  // The server refused `sent` with 401 and these WWW-Authenticate headers. Whether there is
  // something else to try; an error ends the request.
  virtual absl::StatusOr<bool> Refused(const std::string& sent,
                                       const std::vector<std::string>& challenges) = 0;
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers = {};         // "Accept: text/html": to every host on the way
  std::vector<std::string> origin_headers = {};  // secrets: to no host that it is redirected to
  std::shared_ptr<Authorizer> authorizer = nullptr;
  std::string form = {};  // not empty: a POST of application/x-www-form-urlencoded
  // Of streams: the size of the whole, where it is known from elsewhere, and the part asked for.
  std::optional<uint64_t> size = std::nullopt;
  uint64_t offset = 0;
  std::optional<uint64_t> length = std::nullopt;
};

struct HttpAnswer {
  int status = 0;
  std::string status_line;  // "404 Not Found", as the server says it
  std::string url;          // where it came from in the end, fit for messages
  Headers headers;
  std::string body;
};

struct HttpStream {
  int status = 0;
  std::string status_line;
  std::string url;
  Headers headers;
  std::optional<uint64_t> size;  // of the body, where it is known
  std::unique_ptr<ByteSource> body;
};

// Thread-safe; open connections are kept and used again. Redirects are followed, never from https
// to http. Connections that break or stall and answers of 408, 429, 500, 502, 503 and 504 are
// tried again. Errors, one line that names the URL and what to do:
//   InvalidArgument     a URL that is none
//   Unavailable         not reached, or given up after all retries
//   DeadlineExceeded    HttpLimits::exchange_timeout is over
//   Unauthenticated     the server's certificate is not believed
//   FailedPrecondition  no TLS there; no libcurl here
//   DataLoss            answers that contradict themselves, or what the caller knows; redirects
//   that
//                       nobody should follow
//   ResourceExhausted   a limit
class HttpClient : public std::enable_shared_from_this<HttpClient> {
 public:
  static absl::StatusOr<std::shared_ptr<HttpClient>> Make(HttpSettings settings);
  ~HttpClient();

  // The answer with its whole body of at most `most_bytes`, whatever its status.
  absl::StatusOr<HttpAnswer> Fetch(const HttpRequest& request, uint64_t most_bytes);

  // The answer with its body still to be read. A body of status 200 or 206 that breaks off goes on
  // where it ended, by Range, or, where the server ignores that, from its start without what was
  // read; it ends early or late only with an error. It is the part from `offset` in either case.
  absl::StatusOr<HttpStream> Open(const HttpRequest& request);

  const HttpSettings& settings() const { return settings_; }

 private:
  friend class HttpBody;

  HttpClient(HttpSettings settings, std::shared_ptr<HandlePool> pool)
      : settings_(std::move(settings)), pool_(std::move(pool)) {}
  absl::StatusOr<std::unique_ptr<Exchange>> OpenOnce(const HttpRequest& request,
                                                     const std::vector<std::string>& more_headers,
                                                     std::string* where);
  absl::StatusOr<std::unique_ptr<Exchange>> OpenRetrying(
      const HttpRequest& request, const std::vector<std::string>& more_headers, Attempts& attempts);

  const HttpSettings settings_;
  const std::shared_ptr<HandlePool> pool_;
  std::atomic<bool> gave_up_ = false;  // of Attempts
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_HTTP_H_
