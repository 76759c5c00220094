#include "audit/net/exchange.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

constexpr long kCurlBuffer = 256 << 10;
constexpr size_t kMostIdle = 64;

absl::Duration Now() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// 7.88 forgets of a connection used again that HTTP/2 is spoken on it, unless TLS says so
// (curl/curl#10634, mended in 8.0). Debian 12 has it.
bool LosesHttp2(const Curl& curl) {
  const unsigned version = curl.version_info(CURLVERSION_NOW)->version_num;
  return version >= 0x075800 && version < 0x080000;
}

}  // namespace

absl::StatusOr<std::shared_ptr<HandlePool>> PrepareExchanges(HttpSettings& settings) {
  constexpr uint64_t kMostBundleBytes = 64 << 20;
  LRE_ASSIGN_OR_RETURN(const Curl* const curl, LoadCurl());
  // curl takes one set of authorities; what is named comes on top of what the system believes.
  if (const std::string system = SystemAuthorities(*curl); !system.empty()) {
    absl::StatusOr<std::string> bundle = ReadFile(system, kMostBundleBytes);
    if (bundle.ok()) settings.tls.authorities.insert(0, absl::StrCat(*bundle, "\n"));
  }
  return std::make_shared<HandlePool>(curl);
}

HandlePool::~HandlePool() {
  const SigpipeBlocked blocked;
  for (const Handles& handles : idle_) {
    curl_->easy_cleanup(handles.easy);
    curl_->multi_cleanup(handles.multi);
  }
}

HandlePool::Handles HandlePool::Take() {
  {
    const absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      const Handles handles = idle_.back();
      idle_.pop_back();
      return handles;
    }
  }
  return {curl_->multi_init(), curl_->easy_init()};
}

void HandlePool::Return(Handles handles) {
  const absl::MutexLock lock(&mutex_);
  if (idle_.size() < kMostIdle && handles.easy != nullptr && handles.multi != nullptr) {
    idle_.push_back(handles);
    return;
  }
  if (handles.easy != nullptr) curl_->easy_cleanup(handles.easy);
  if (handles.multi != nullptr) curl_->multi_cleanup(handles.multi);
}

Exchange::Exchange(std::shared_ptr<HandlePool> pool, const HttpSettings& settings)
    : pool_(std::move(pool)), curl_(*pool_->curl()), settings_(settings), handles_(pool_->Take()) {}

Exchange::~Exchange() {
  const SigpipeBlocked blocked;
  // A transfer that is not at its end closes its connection here.
  if (added_) curl_.multi_remove_handle(handles_.multi, handles_.easy);
  if (handles_.easy != nullptr) curl_.easy_reset(handles_.easy);
  curl_.slist_free_all(header_list_);
  pool_->Return(handles_);
}

size_t Exchange::OnHeader(char* data, size_t size, size_t count, void* self) {
  Exchange& exchange = *static_cast<Exchange*>(self);
  const std::string_view line(data, size * count);
  exchange.header_bytes_ += line.size();
  exchange.window_bytes_ += line.size();
  if (exchange.header_bytes_ > exchange.settings_.limits.header_bytes) {
    exchange.headers_too_long_ = true;
    return 0;
  }
  std::string text(absl::StripAsciiWhitespace(ToAbsl(line)));
  if (exchange.head_done_) {  // behind a chunked body, or one of HTTP/2
    if (const size_t colon = text.find(':'); colon != std::string::npos) {
      exchange.trailers_.Add(text.substr(0, colon),
                             std::string(absl::StripAsciiWhitespace(text.substr(colon + 1))));
    }
    return line.size();
  }
  if (line.starts_with("HTTP/")) {  // a new answer: those of 1xx come before the last one
    exchange.headers_ = Headers();
    const size_t space = text.find(' ');
    exchange.status_line_ = space == std::string::npos ? text : text.substr(space + 1);
  } else if (text.empty()) {
    exchange.FinishHead();
  } else if (const size_t colon = text.find(':'); colon != std::string::npos) {
    exchange.headers_.Add(text.substr(0, colon),
                          std::string(absl::StripAsciiWhitespace(text.substr(colon + 1))));
  }
  return line.size();
}

void Exchange::FinishHead() {
  long status = 0;
  curl_.easy_getinfo(handles_.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return;
  status_ = static_cast<int>(status);
  head_done_ = true;
}

size_t Exchange::OnBody(char* data, size_t size, size_t count, void* self) {
  Exchange& exchange = *static_cast<Exchange*>(self);
  const size_t bytes = size * count;
  // curl hands over at most kCurlBuffer at once.
  if (!exchange.back_.empty() &&
      exchange.back_.size() + bytes > exchange.settings_.limits.buffer_bytes) {
    exchange.paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  exchange.back_.append(data, bytes);
  exchange.window_bytes_ += bytes;
  return bytes;
}

absl::Status Exchange::SetOptions(const ExchangeRequest& request) {
  CURL* const easy = handles_.easy;
  const auto set = [&](CURLoption option, auto value) {
    return curl_.easy_setopt(easy, option, value) == CURLE_OK;
  };
  for (const std::string& header : request.headers) {
    curl_slist* const longer = curl_.slist_append(header_list_, header.c_str());
    if (longer == nullptr) return absl::ResourceExhaustedError("out of memory");
    header_list_ = longer;
  }
  body_ = request.body;
  http2_ = request.http2;
  // Several streams are several connections, and a paused one holds up nobody else.
  long version = CURL_HTTP_VERSION_1_1;
  if (http2_) {
    version = request.url.is_https() ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  }
  bool ok = set(CURLOPT_URL, request.url.text.c_str()) && set(CURLOPT_NOSIGNAL, 1L) &&
            set(CURLOPT_ERRORBUFFER, error_) && set(CURLOPT_HTTPHEADER, header_list_) &&
            set(CURLOPT_USERAGENT, "lre-audit") && set(CURLOPT_FOLLOWLOCATION, 0L) &&
            set(CURLOPT_HTTP_VERSION, version) && set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
            set(CURLOPT_BUFFERSIZE, kCurlBuffer) &&
            set(CURLOPT_CONNECTTIMEOUT_MS,
                static_cast<long>(absl::ToInt64Milliseconds(settings_.limits.connect_timeout))) &&
            set(CURLOPT_HEADERFUNCTION, &Exchange::OnHeader) && set(CURLOPT_HEADERDATA, this) &&
            set(CURLOPT_WRITEFUNCTION, &Exchange::OnBody) && set(CURLOPT_WRITEDATA, this);
  if (!body_.empty()) {
    ok = ok && set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size())) &&
         set(CURLOPT_POSTFIELDS, body_.c_str());
  }
  // A proxy would have to speak HTTP/2 itself.
  if (http2_) ok = ok && set(CURLOPT_HTTPPROXYTUNNEL, 1L);
  if (http2_ && !request.url.is_https() && LosesHttp2(curl_)) {
    ok = ok && set(CURLOPT_FORBID_REUSE, 1L);
  }
  // What goes to this machine itself goes through no proxy, as with all programs written in Go.
  if (IsLoopback(request.url.host)) ok = ok && set(CURLOPT_PROXY, "");
  if (!settings_.unix_socket.empty()) {
    ok = ok && set(CURLOPT_UNIX_SOCKET_PATH, settings_.unix_socket.c_str());
  }
  if (!ok) return absl::InternalError("libcurl does not know an option; it may be too old");
  if (!request.url.is_https()) return absl::OkStatus();

  const TlsSettings& tls = settings_.tls;
  ok = set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L) &&
       set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.authorities.empty()) {
    // Copied by curl. These take the place of the system's, which are among them.
    curl_blob blob = {const_cast<char*>(tls.authorities.data()), tls.authorities.size(),
                      CURL_BLOB_COPY};
    ok = ok && set(CURLOPT_CAINFO_BLOB, &blob);
  }
  if (request.shows_certificate && !tls.certificate.empty()) {
    ok =
        ok && set(CURLOPT_SSLCERT, tls.certificate.c_str()) && set(CURLOPT_SSLKEY, tls.key.c_str());
  }
  if (!ok) return absl::InternalError("libcurl cannot be told which certificates to use");
  return absl::OkStatus();
}

absl::Status Exchange::Begin(const ExchangeRequest& request) {
  if (handles_.easy == nullptr || handles_.multi == nullptr) {
    return absl::ResourceExhaustedError("out of memory");
  }
  url_ = request.url;
  LRE_RETURN_IF_ERROR(SetOptions(request));
  if (curl_.multi_add_handle(handles_.multi, handles_.easy) != CURLM_OK) {
    return absl::InternalError("libcurl does not take the transfer");
  }
  added_ = true;
  deadline_ = Now() + settings_.limits.exchange_timeout;
  while (!head_done_) {
    if (done_) return Failure();
    LRE_RETURN_IF_ERROR(Pump());
  }
  LRE_RETURN_IF_ERROR(CheckProtocol());
  curl_off_t length = -1;
  curl_.easy_getinfo(handles_.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) content_length_ = static_cast<uint64_t>(length);
  curl_off_t retry_after = 0;  // seconds, of either form of the header
  curl_.easy_getinfo(handles_.easy, CURLINFO_RETRY_AFTER, &retry_after);
  retry_after_ = absl::Seconds(retry_after);
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> Exchange::Read() {
  while (back_.empty()) {
    if (done_) {
      if (result_ != CURLE_OK) return Failure();
      return std::string_view();
    }
    if (paused_) {
      paused_ = false;
      const SigpipeBlocked blocked;
      curl_.easy_pause(handles_.easy, CURLPAUSE_CONT);
      if (!back_.empty()) break;
    }
    LRE_RETURN_IF_ERROR(Pump());
  }
  front_.clear();
  front_.swap(back_);
  return std::string_view(front_);
}

absl::Status Exchange::Pump() {
  const SigpipeBlocked blocked;
  const uint64_t had = window_bytes_;
  int running = 0;
  if (curl_.multi_perform(handles_.multi, &running) != CURLM_OK) {
    return absl::InternalError("libcurl cannot go on");
  }
  int queued = 0;
  while (const CURLMsg* message = curl_.multi_info_read(handles_.multi, &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    done_ = true;
    result_ = message->data.result;
  }
  if (done_) return absl::OkStatus();
  const HttpLimits& limits = settings_.limits;
  if (Now() >= deadline_) {
    return absl::DeadlineExceededError(
        absl::StrCat("no end after ", absl::FormatDuration(limits.exchange_timeout)));
  }
  if (window_bytes_ != had) return absl::OkStatus();

  const absl::Duration left = std::min(limits.stall_timeout - waited_, deadline_ - Now());
  const absl::Duration before = Now();
  const int most = static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 1, 1000));
  curl_.multi_poll(handles_.multi, nullptr, 0, most, nullptr);
  waited_ += Now() - before;
  if (waited_ < limits.stall_timeout) return absl::OkStatus();
  const bool stalled = window_bytes_ < limits.stall_bytes;
  const uint64_t bytes = window_bytes_;
  waited_ = absl::ZeroDuration();
  window_bytes_ = 0;
  if (!stalled) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the server has stalled: ", bytes, " bytes in ",
                                         absl::FormatDuration(limits.stall_timeout)));
}

absl::Status Exchange::CheckProtocol() const {
  if (!http2_) return absl::OkStatus();
  long version = 0;
  curl_.easy_getinfo(handles_.easy, CURLINFO_HTTP_VERSION, &version);
  if (version == CURL_HTTP_VERSION_2_0) return absl::OkStatus();
  return absl::FailedPreconditionError("the server does not speak HTTP/2");
}

absl::Status Exchange::Failure() const {
  const std::string detail = Escaped(error_[0] != '\0' ? error_ : curl_.easy_strerror(result_));
  // curl's own limit on one line of a header is an error without a name of its own.
  constexpr int kTooLarge = 100;
  if (headers_too_long_ ||
      (!head_done_ && (result_ == CURLE_OUT_OF_MEMORY || static_cast<int>(result_) == kTooLarge))) {
    return absl::ResourceExhaustedError(absl::StrCat("the answer has headers of more than ",
                                                     settings_.limits.header_bytes, " bytes"));
  }
  switch (result_) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:  // of the connection: curl is told of no other limit
      return absl::UnavailableError(detail);
    case CURLE_PEER_FAILED_VERIFICATION:
      return absl::UnauthenticatedError(detail);
    case CURLE_SSL_CONNECT_ERROR:
      return absl::FailedPreconditionError(detail);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
      return absl::InvalidArgumentError(detail);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2_STREAM:  // RST_STREAM, or refused behind a GOAWAY
      return absl::AbortedError(
          http2_ && header_bytes_ == 0
              ? absl::StrCat("the connection broke before a word of HTTP/2 came: ", detail)
              : detail);
    case CURLE_OK:
      return absl::AbortedError("the connection was closed without an answer");
    default:  // an answer that is no HTTP, a broken chunk
      return absl::DataLossError(detail);
  }
}

}  // namespace lre_audit::net
