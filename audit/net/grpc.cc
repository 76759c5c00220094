#include "audit/net/grpc.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "audit/net/attempts.h"
#include "audit/net/exchange.h"
#include "audit/net/grpc_messages.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

constexpr size_t kLongestMessage = 500;  // of a status: what is told of it

// "1500m": at most eight digits and a unit.
std::string Timeout(absl::Duration timeout) {
  const int64_t milliseconds = absl::ToInt64Milliseconds(timeout);
  if (milliseconds < 100'000'000) return absl::StrCat(std::max<int64_t>(milliseconds, 1), "m");
  return absl::StrCat(std::min<int64_t>(absl::ToInt64Seconds(timeout), 99'999'999), "S");
}

// Names of google/rpc/code.proto.
const char* CodeName(int code) {
  constexpr const char* kNames[] = {"OK",
                                    "CANCELLED",
                                    "UNKNOWN",
                                    "INVALID_ARGUMENT",
                                    "DEADLINE_EXCEEDED",
                                    "NOT_FOUND",
                                    "ALREADY_EXISTS",
                                    "PERMISSION_DENIED",
                                    "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION",
                                    "ABORTED",
                                    "OUT_OF_RANGE",
                                    "UNIMPLEMENTED",
                                    "INTERNAL",
                                    "UNAVAILABLE",
                                    "DATA_LOSS",
                                    "UNAUTHENTICATED"};
  return code >= 0 && code <= 16 ? kNames[code] : "a status of no name";
}

// The status in headers or trailers; nothing if they have none.
std::optional<absl::Status> ServerStatus(const Headers& headers) {
  const std::string* const text = headers.Find("grpc-status");
  if (text == nullptr) return std::nullopt;
  int code = 0;
  if (!absl::SimpleAtoi(*text, &code) || code < 0) {
    return absl::UnknownError(absl::StrCat("a grpc-status of \"", Escaped(*text), "\""));
  }
  if (code == 0) return absl::OkStatus();
  std::string message = CodeName(code);
  if (const std::string* const said = headers.Find("grpc-message")) {
    std::string decoded = PercentDecoded(*said);
    if (decoded.size() > kLongestMessage) decoded = decoded.substr(0, kLongestMessage) + "...";
    if (!decoded.empty()) absl::StrAppend(&message, ": ", Escaped(decoded));
  }
  const auto known = code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
  return absl::Status(known, message);
}

// An answer of HTTP that has no status of gRPC.
absl::Status HttpStatus(const Exchange& exchange) {
  const auto code = [&] {
    switch (exchange.status()) {
      case 400:
        return absl::StatusCode::kInternal;
      case 401:
        return absl::StatusCode::kUnauthenticated;
      case 403:
        return absl::StatusCode::kPermissionDenied;
      case 404:
        return absl::StatusCode::kUnimplemented;
      case 429:
      case 502:
      case 503:
      case 504:
        return absl::StatusCode::kUnavailable;
      default:
        return absl::StatusCode::kUnknown;
    }
  }();
  return absl::Status(code, absl::StrCat("answers HTTP ", exchange.status(), " and no gRPC"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcChannel>> GrpcChannel::Make(std::string_view server,
                                                               GrpcSettings settings) {
  const bool has_tls = server.starts_with("grpcs://");
  if (!has_tls && !server.starts_with("grpc://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected grpc://HOST:PORT or grpcs://HOST:PORT, not ", Escaped(server)));
  }
  const std::string_view rest = server.substr(server.find("://"));
  LRE_ASSIGN_OR_RETURN(Url url, ParseUrl(absl::StrCat(has_tls ? "https" : "http", ToAbsl(rest))));
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<HandlePool> pool, PrepareExchanges(settings.http));
  std::string name =
      Escaped(absl::StrCat(has_tls ? "grpcs" : "grpc", "://", url.host, ":", url.port));
  return std::unique_ptr<GrpcChannel>(
      new GrpcChannel(std::move(settings), std::move(url), std::move(name), std::move(pool)));
}

GrpcChannel::GrpcChannel(GrpcSettings settings, Url url, std::string server,
                         std::shared_ptr<HandlePool> pool)
    : settings_(std::move(settings)),
      url_(std::move(url)),
      server_(std::move(server)),
      pool_(std::move(pool)) {}

GrpcChannel::~GrpcChannel() = default;

// How one attempt ended. Transient: another one may do better, and `status` says why without naming
// the server.
struct GrpcChannel::Outcome {
  absl::Status status;
  bool transient = false;
};

GrpcChannel::Outcome GrpcChannel::Once(
    std::string_view method, std::string_view request,
    absl::FunctionRef<absl::Status(std::string_view message)> on_message) {
  const auto broken = [](const absl::Status& status) { return Outcome{status, true}; };
  const auto final = [&](const absl::Status& status) {
    return Outcome{
        absl::Status(status.code(), absl::StrCat(server_, ToAbsl(method), ": ", status.message()))};
  };
  const auto ended = [&](const absl::Status& said) {
    return absl::IsUnavailable(said) ? broken(said) : final(said);
  };

  ExchangeRequest call = {
      .url = url_, .body = FramedMessage(request), .shows_certificate = true, .http2 = true};
  call.url.path = method;
  call.url.text = absl::StrCat(url_.Origin(), ToAbsl(method));
  call.headers = {"Content-Type: application/grpc", "TE: trailers",
                  "Accept:", "Expect:", "grpc-accept-encoding: identity"};
  if (const absl::Duration timeout = settings_.http.limits.exchange_timeout;
      timeout != absl::InfiniteDuration()) {
    call.headers.push_back(absl::StrCat("grpc-timeout: ", Timeout(timeout)));
  }
  call.headers.insert(call.headers.end(), settings_.headers.begin(), settings_.headers.end());

  Exchange exchange(pool_, settings_.http);
  if (const absl::Status begun = exchange.Begin(call); !begun.ok()) {
    if (absl::IsAborted(begun)) return broken(begun);
    if (!absl::IsDataLoss(begun)) return final(begun);
    return final(absl::InternalError(absl::StrCat("does not speak gRPC: ", begun.message())));
  }
  if (const std::optional<absl::Status> said = ServerStatus(exchange.headers());
      said && !said->ok()) {
    return ended(*said);
  }
  if (exchange.status() != 200) return ended(HttpStatus(exchange));
  const std::string* const type = exchange.headers().Find("Content-Type");
  if (type == nullptr || !absl::StartsWithIgnoreCase(*type, "application/grpc")) {
    return final(absl::UnknownError(absl::StrCat(
        "answers with ", type == nullptr ? "no Content-Type" : Escaped(*type), " and no gRPC")));
  }
  MessageDeframer deframer(settings_.message_bytes);
  while (true) {
    const absl::StatusOr<std::string_view> piece = exchange.Read();
    if (!piece.ok()) {
      const bool is_broken = absl::IsAborted(piece.status()) || absl::IsDataLoss(piece.status());
      return is_broken ? broken(piece.status()) : final(piece.status());
    }
    if (piece->empty()) break;
    if (const absl::Status taken = deframer.Add(*piece, on_message); !taken.ok()) {
      return final(taken);
    }
  }
  std::optional<absl::Status> said = ServerStatus(exchange.trailers());
  if (!said) said = ServerStatus(exchange.headers());
  if (!said) return broken(absl::AbortedError("the answer ends without a status"));
  if (said->ok() && deframer.ends_within_message()) {
    return final(absl::InternalError("a message is cut"));
  }
  return said->ok() ? Outcome{*said} : ended(*said);
}

absl::Status GrpcChannel::Stream(
    std::string_view method, absl::FunctionRef<std::string()> request,
    absl::FunctionRef<absl::Status(std::string_view message)> on_message) {
  const HttpLimits& limits = settings_.http.limits;
  Attempts attempts(limits, gave_up_);
  while (true) {
    uint64_t bytes = 0;
    const Outcome outcome = Once(method, request(), [&](std::string_view message) {
      bytes += message.size();
      return on_message(message);
    });
    const bool has_progressed = bytes >= limits.stall_bytes;
    if (has_progressed) attempts.Reset();
    const bool is_slow = has_progressed && absl::IsDeadlineExceeded(outcome.status);
    if (!outcome.transient && !is_slow) return outcome.status;
    LRE_RETURN_IF_ERROR(attempts.Wait(absl::StrCat(server_, ToAbsl(method)),
                                      std::string(outcome.status.message()), absl::ZeroDuration()));
  }
}

absl::StatusOr<std::string> GrpcChannel::Call(std::string_view method, std::string_view request) {
  std::optional<std::string> answer;
  const absl::Status called = Stream(
      method,
      [&] {
        answer.reset();
        return std::string(request);
      },
      [&](std::string_view message) -> absl::Status {
        if (answer) return absl::InternalError("a second answer to a call that has one");
        answer = message;
        return absl::OkStatus();
      });
  LRE_RETURN_IF_ERROR(called);
  if (answer) return *std::move(answer);
  return absl::InternalError(absl::StrCat(server_, ToAbsl(method), ": no answer, and no error"));
}

}  // namespace lre_audit::net
