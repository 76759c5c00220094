#include "audit/net/http_body.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

// "bytes 0-499/1234", where the whole may be "*" (RFC 9110 section 14.4).
struct ContentRange {
  uint64_t first = 0, last = 0;
  std::optional<uint64_t> whole;
};

std::optional<ContentRange> ParseContentRange(absl::string_view text) {
  ContentRange range;
  if (!absl::ConsumePrefix(&text, "bytes ")) return std::nullopt;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(parts.first, absl::MaxSplits('-', 1));
  if (!absl::SimpleAtoi(ends.first, &range.first) || !absl::SimpleAtoi(ends.second, &range.last) ||
      range.last < range.first) {
    return std::nullopt;
  }
  if (parts.second == "*") return range;
  uint64_t whole = 0;
  if (!absl::SimpleAtoi(parts.second, &whole) || whole <= range.last) return std::nullopt;
  range.whole = whole;
  return range;
}

}  // namespace

std::vector<std::string> RangeHeaders(const HttpRequest& request, uint64_t position,
                                      const std::string& validator) {
  if (position == 0 && !request.length) return {};
  std::string range = absl::StrCat("Range: bytes=", position, "-");
  if (request.length) absl::StrAppend(&range, request.offset + *request.length - 1);
  std::vector<std::string> headers = {std::move(range)};
  if (!validator.empty()) headers.push_back(absl::StrCat("If-Range: ", validator));
  return headers;
}

HttpBody::HttpBody(std::shared_ptr<HttpClient> client, HttpRequest request, std::string where,
                   std::unique_ptr<Exchange> exchange, const Attempts& attempts)
    : client_(std::move(client)),
      request_(std::move(request)),
      expected_(request_.size),
      where_(std::move(where)),
      exchange_(std::move(exchange)),
      attempts_(attempts),
      position_(request_.offset) {}

absl::Status HttpBody::Contradiction(const std::string& what) const {
  return absl::DataLossError(absl::StrCat(where_, ": ", what));
}

std::optional<uint64_t> HttpBody::end() const {
  const std::optional<uint64_t> whole = whole_ ? whole_ : expected_;
  if (!request_.length) return whole;
  const uint64_t asked = request_.offset + *request_.length;
  return whole ? std::min(*whole, asked) : asked;
}

std::optional<uint64_t> HttpBody::size() const {
  if (!resumes_) return exchange_->content_length();
  const std::optional<uint64_t> last = end();
  if (!last) return std::nullopt;
  return *last - std::min(*last, request_.offset);
}

absl::Status HttpBody::Begin() {
  resumes_ = exchange_->status() == 200 || exchange_->status() == 206;
  return resumes_ ? ReadHead() : absl::OkStatus();
}

absl::Status HttpBody::ReadHead() {
  std::optional<uint64_t> whole;
  skip_ = 0;
  if (exchange_->status() == 206) {
    const std::string* const header = exchange_->headers().Find("Content-Range");
    const std::optional<ContentRange> range =
        header == nullptr ? std::nullopt : ParseContentRange(*header);
    if (!range || range->first != position_) {
      return Contradiction(
          absl::StrCat("was asked for the bytes from ", position_, " on, and answers with ",
                       header == nullptr ? "others" : absl::StrCat("\"", Escaped(*header), "\"")));
    }
    whole = range->whole;
  } else {
    skip_ = position_;
    whole = exchange_->content_length();
  }
  if (whole_ && whole && *whole != *whole_) {
    return Contradiction(
        absl::StrCat("had ", *whole_, " bytes and has ", *whole, " now: it is not the same"));
  }
  if (!whole_) whole_ = whole;
  // The size of what is packed in it says nothing of the body's.
  const std::string* const encoding = exchange_->headers().Find("Content-Encoding");
  if (encoding != nullptr && !absl::EqualsIgnoreCase(*encoding, "identity")) expected_.reset();
  if (expected_ && whole_ && *whole_ > *expected_) {
    return Contradiction(absl::StrCat("answers with ", *whole_, " bytes, expected ", *expected_));
  }
  const std::string* const etag = exchange_->headers().Find("ETag");
  if (etag == nullptr || !etag->starts_with('"')) return absl::OkStatus();
  if (!validator_.empty() && *etag != validator_) {
    return Contradiction("has changed while it was read");
  }
  validator_ = *etag;
  return absl::OkStatus();
}

absl::Status HttpBody::Broke(const std::string& how) {
  exchange_.reset();
  const std::optional<uint64_t> last = end();
  return attempts_.Wait(
      where_,
      absl::StrCat(how, ", after ", position_, last ? absl::StrCat(" of ", *last) : "", " bytes"),
      absl::ZeroDuration());
}

absl::Status HttpBody::Reconnect() {
  while (true) {
    absl::StatusOr<std::unique_ptr<Exchange>> next =
        client_->OpenRetrying(request_, RangeHeaders(request_, position_, validator_), attempts_);
    if (next.ok()) {
      exchange_ = *std::move(next);
      break;
    }
    // What could be reached before may be started anew: unlike the first time, that is waited for.
    const bool gone =
        absl::IsUnavailable(next.status()) || absl::IsFailedPrecondition(next.status());
    if (!gone || attempts_.exhausted()) return next.status();
    LRE_RETURN_IF_ERROR(Broke("the server cannot be reached any more"));
  }
  if (exchange_->status() == 200 || exchange_->status() == 206) return ReadHead();
  return absl::UnavailableError(
      absl::StrCat(where_, ": answers ", Escaped(exchange_->status_line()),
                   " when asked for the rest, after ", position_, " bytes; try again later"));
}

absl::StatusOr<std::string_view> HttpBody::Next() {
  while (!ended_) {
    if (exchange_ == nullptr) LRE_RETURN_IF_ERROR(Reconnect());
    absl::StatusOr<std::string_view> piece = exchange_->Read();
    if (!piece.ok()) {
      if (!absl::IsAborted(piece.status()) || !resumes_) {
        return absl::Status(absl::IsAborted(piece.status()) ? absl::StatusCode::kUnavailable
                                                            : piece.status().code(),
                            absl::StrCat(where_, ": ", piece.status().message()));
      }
      // Nothing was lost where nothing is missing, and there is no rest to ask for.
      if (end() && position_ == *end()) break;
      LRE_RETURN_IF_ERROR(Broke(std::string(piece.status().message())));
      continue;
    }
    const std::optional<uint64_t> last = end();
    if (piece->empty()) {
      // Without a length, the end of the connection looks like the end of the body.
      if (resumes_ && last && position_ < *last && !exchange_->content_length()) {
        LRE_RETURN_IF_ERROR(Broke("the connection was closed"));
        continue;
      }
      if (skip_ > 0) return Contradiction("is shorter than when it was asked for first");
      break;
    }
    const size_t skipped = static_cast<size_t>(std::min<uint64_t>(skip_, piece->size()));
    skip_ -= skipped;
    piece->remove_prefix(skipped);
    if (request_.length && last && piece->size() > *last - position_) {
      piece = piece->substr(0, static_cast<size_t>(*last - position_));
      if (piece->empty() && skip_ == 0) break;
    }
    if (piece->empty()) continue;
    position_ += piece->size();
    const uint64_t most = expected_.value_or(client_->settings().limits.body_bytes);
    if (position_ > most) {
      return absl::Status(
          expected_ ? absl::StatusCode::kDataLoss : absl::StatusCode::kResourceExhausted,
          absl::StrCat(where_, ": sends more than the ", most, " bytes that ",
                       expected_ ? "are expected" : "are the limit"));
    }
    progress_ += piece->size();
    if (progress_ >= client_->settings().limits.progress_bytes) {
      progress_ = 0;
      attempts_.Reset();
    }
    return piece;
  }
  ended_ = true;
  exchange_.reset();
  return std::string_view();
}

}  // namespace lre_audit::net
