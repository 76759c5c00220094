#include "audit/net/http.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audit/net/attempts.h"
#include "audit/net/exchange.h"
#include "audit/net/http_body.h"
#include "audit/net/url.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool IsTransient(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

// An error of an exchange is about the URL, and says what may help.
absl::Status About(const Url& url, const absl::Status& status) {
  const char* advice = "";
  if (absl::IsUnavailable(status)) advice = "; check the name, the port and the network";
  if (absl::IsUnauthenticated(status)) {
    advice = "; if it is the right server, name the authority that signed its certificate";
  }
  return absl::Status(status.code(), absl::StrCat(url.Printable(), ": ", status.message(), advice));
}

}  // namespace

const std::string* Headers::Find(std::string_view name) const {
  for (const auto& [known, value] : all_) {
    if (absl::EqualsIgnoreCase(known, ToAbsl(name))) return &value;
  }
  return nullptr;
}

std::vector<std::string> Headers::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [known, value] : all_) {
    if (absl::EqualsIgnoreCase(known, ToAbsl(name))) values.push_back(value);
  }
  return values;
}

absl::StatusOr<std::shared_ptr<HttpClient>> HttpClient::Make(HttpSettings settings) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<HandlePool> pool, PrepareExchanges(settings));
  return std::shared_ptr<HttpClient>(new HttpClient(std::move(settings), std::move(pool)));
}

HttpClient::~HttpClient() = default;

absl::StatusOr<std::unique_ptr<Exchange>> HttpClient::OpenOnce(
    const HttpRequest& request, const std::vector<std::string>& more_headers, std::string* where) {
  constexpr int kMostRefusals = 2;  // without a word of who asks, and with one that has expired
  LRE_ASSIGN_OR_RETURN(const Url first, ParseUrl(request.url));
  Url url = first;
  int refusals = 0;
  for (int redirects = 0;;) {
    const bool at_origin = url.Origin() == first.Origin();
    ExchangeRequest hop = {.url = url,
                           .headers = request.headers,
                           .body = request.form,
                           .shows_certificate = at_origin};
    hop.headers.insert(hop.headers.end(), more_headers.begin(), more_headers.end());
    if (at_origin) {
      hop.headers.insert(hop.headers.end(), request.origin_headers.begin(),
                         request.origin_headers.end());
    }
    std::string authorization;
    if (request.authorizer != nullptr && at_origin) {
      LRE_ASSIGN_OR_RETURN(authorization, request.authorizer->Authorization());
      if (!authorization.empty()) {
        hop.headers.push_back(absl::StrCat("Authorization: ", authorization));
      }
    }
    *where = url.Printable();
    auto exchange = std::make_unique<Exchange>(pool_, settings_);
    if (absl::Status begun = exchange->Begin(hop); !begun.ok()) {
      return absl::IsAborted(begun) ? begun : About(url, begun);
    }
    const int status = exchange->status();
    if (status == 401 && request.authorizer != nullptr && at_origin && refusals < kMostRefusals) {
      LRE_ASSIGN_OR_RETURN(
          const bool other_try,
          request.authorizer->Refused(authorization, exchange->headers().All("WWW-Authenticate")));
      ++refusals;
      if (other_try) continue;
    }
    const std::string* const location = exchange->headers().Find("Location");
    if (!IsRedirect(status) || location == nullptr) return exchange;

    if (++redirects > settings_.limits.redirects) {
      return absl::DataLossError(absl::StrCat(first.Printable(), ": more than ",
                                              settings_.limits.redirects,
                                              " redirects, the last one to ", url.Printable()));
    }
    absl::StatusOr<Url> next = ResolveUrl(url, *location);
    if (!next.ok()) {
      return absl::DataLossError(absl::StrCat(url.Printable(), ": redirects to a place that ",
                                              "cannot be used: ", next.status().message()));
    }
    if (url.is_https() && !next->is_https()) {
      return absl::DataLossError(absl::StrCat(url.Printable(), ": redirects from https to ",
                                              next->Printable(), ", which is refused"));
    }
    // A form holds secrets that are meant for one server.
    if (!request.form.empty() && (next->Origin() != first.Origin() || status < 307)) {
      return absl::DataLossError(absl::StrCat(url.Printable(), ": redirects a POST to ",
                                              next->Printable(), ", which is refused"));
    }
    url = *std::move(next);
  }
}

absl::StatusOr<std::unique_ptr<Exchange>> HttpClient::OpenRetrying(
    const HttpRequest& request, const std::vector<std::string>& more_headers, Attempts& attempts) {
  while (true) {
    std::string where;
    absl::StatusOr<std::unique_ptr<Exchange>> opened = OpenOnce(request, more_headers, &where);
    std::string why;
    absl::Duration asked;
    if (opened.ok()) {
      if (!IsTransient((*opened)->status())) return opened;
      why = absl::StrCat("answers ", Escaped((*opened)->status_line()));
      asked = (*opened)->retry_after();
    } else if (absl::IsAborted(opened.status())) {
      why = std::string(opened.status().message());
    } else {
      return opened.status();
    }
    LRE_RETURN_IF_ERROR(attempts.Wait(where, why, asked));
  }
}

absl::StatusOr<HttpAnswer> HttpClient::Fetch(const HttpRequest& request, uint64_t most_bytes) {
  Attempts attempts(settings_.limits, gave_up_);
  while (true) {
    LRE_ASSIGN_OR_RETURN(const std::unique_ptr<Exchange> opened,
                         OpenRetrying(request, {}, attempts));
    Exchange& exchange = *opened;
    const std::string where = exchange.url().Printable();
    HttpAnswer answer = {exchange.status(), exchange.status_line(), where, exchange.headers(), {}};
    const auto too_long = [&] {
      return absl::ResourceExhaustedError(
          absl::StrCat(where, ": answers with more than the limit of ", most_bytes, " bytes"));
    };
    if (exchange.content_length().value_or(0) > most_bytes) return too_long();
    while (true) {
      absl::StatusOr<std::string_view> piece = exchange.Read();
      if (!piece.ok()) {
        if (!absl::IsAborted(piece.status())) return About(exchange.url(), piece.status());
        LRE_RETURN_IF_ERROR(
            attempts.Wait(where, std::string(piece.status().message()), absl::ZeroDuration()));
        break;
      }
      if (piece->empty()) return answer;
      if (piece->size() > most_bytes - answer.body.size()) return too_long();
      answer.body.append(*piece);
    }
  }
}

absl::StatusOr<HttpStream> HttpClient::Open(const HttpRequest& request) {
  Attempts attempts(settings_.limits, gave_up_);
  LRE_ASSIGN_OR_RETURN(std::unique_ptr<Exchange> exchange,
                       OpenRetrying(request, RangeHeaders(request, request.offset, ""), attempts));
  HttpStream stream;
  stream.status = exchange->status();
  stream.status_line = exchange->status_line();
  stream.url = exchange->url().Printable();
  stream.headers = exchange->headers();
  auto body = std::make_unique<HttpBody>(shared_from_this(), request, stream.url,
                                         std::move(exchange), attempts);
  LRE_RETURN_IF_ERROR(body->Begin());
  stream.size = body->size();
  stream.body = std::move(body);
  return stream;
}

}  // namespace lre_audit::net
