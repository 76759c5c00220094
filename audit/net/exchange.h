// One request and its answer: what happens on one connection, without redirects or repetition. The
// client (http.h) is made of these.
#ifndef LRE_AUDIT_AUDIT_NET_EXCHANGE_H_
#define LRE_AUDIT_AUDIT_NET_EXCHANGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "audit/net/curl.h"
#include "audit/net/http.h"
#include "audit/net/url.h"

namespace lre_audit::net {

// The handles of exchanges by `settings`, whose authorities become all that are to be believed:
// those of the system are put before the ones named. FailedPrecondition without libcurl.
class HandlePool;
absl::StatusOr<std::shared_ptr<HandlePool>> PrepareExchanges(HttpSettings& settings);

// Pairs of a multi and an easy handle, kept for their open connections. Thread-safe.
class HandlePool {
 public:
  explicit HandlePool(const Curl* curl) : curl_(curl) {}
  ~HandlePool();
  struct Handles {
    CURLM* multi = nullptr;
    CURL* easy = nullptr;
  };
  Handles Take();
  void Return(Handles handles);
  const Curl* curl() const { return curl_; }

 private:
  const Curl* const curl_;
  absl::Mutex mutex_;
  std::vector<Handles> idle_;
};

struct ExchangeRequest {
  Url url;
  std::vector<std::string> headers = {};  // "Name: value"
  std::string body = {};                  // not empty: a POST of it
  bool shows_certificate = false;         // the client's own, of the TLS settings
  // HTTP/2 and nothing else: without TLS by prior knowledge. FailedPrecondition if the server's TLS
  // does not agree to it.
  bool http2 = false;
};

// Errors of both calls, apart from those that are final:
//   Aborted      the connection broke, stalled or ended early: another attempt may succeed
//   Unavailable  there was no connection: unknown host, refused
//   DeadlineExceeded    not at its end within HttpLimits::exchange_timeout
//   Unauthenticated     the server's certificate is not believed
//   FailedPrecondition  there is no TLS on the other side, or none that both can speak
class Exchange {
 public:
  Exchange(std::shared_ptr<HandlePool> pool, const HttpSettings& settings);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Sends the request and waits for the head of the answer.
  absl::Status Begin(const ExchangeRequest& request);
  const Url& url() const { return url_; }
  int status() const { return status_; }
  const std::string& status_line() const { return status_line_; }  // "503 Service Unavailable"
  const Headers& headers() const { return headers_; }
  const Headers& trailers() const { return trailers_; }  // known once Read() has ended
  std::optional<uint64_t> content_length() const { return content_length_; }
  absl::Duration retry_after() const { return retry_after_; }  // zero if not said

  // The next bytes of the body, valid until the next call; empty at the end.
  absl::StatusOr<std::string_view> Read();

 private:
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  absl::Status SetOptions(const ExchangeRequest& request);
  absl::Status Pump();  // lets curl work, waits where there is nothing to do
  absl::Status Failure() const;
  absl::Status CheckProtocol() const;
  void FinishHead();

  const std::shared_ptr<HandlePool> pool_;
  const Curl& curl_;
  const HttpSettings& settings_;
  HandlePool::Handles handles_;
  bool added_ = false;
  curl_slist* header_list_ = nullptr;
  std::string body_;
  bool http2_ = false;
  absl::Duration deadline_;  // of the steady clock
  Url url_;
  char error_[CURL_ERROR_SIZE] = {};

  int status_ = 0;
  std::string status_line_;
  Headers headers_, trailers_;
  std::optional<uint64_t> content_length_;
  absl::Duration retry_after_;
  uint64_t header_bytes_ = 0;
  bool head_done_ = false, headers_too_long_ = false;
  bool paused_ = false, done_ = false;
  CURLcode result_ = CURLE_OK;
  std::string front_, back_;  // what the caller reads, what curl writes
  // Since when too little has come: only time spent waiting counts, for a slow caller is no stall.
  absl::Duration waited_;
  uint64_t window_bytes_ = 0;
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_EXCHANGE_H_
