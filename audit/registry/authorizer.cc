#include "audit/registry/authorizer.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/registry/challenge.h"
#include "base/status.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit::registry {
namespace {

constexpr uint64_t kMostAnswerBytes = 1 << 20;
constexpr size_t kLongestToken = 64 << 10;  // it becomes a header
// What a token lives at least, and where nothing is said (token.md).
constexpr double kShortestLife = 60, kLongestLife = 24 * 3600;
constexpr absl::Duration kMargin = absl::Seconds(10);

std::string Basic(const Credentials& credentials) {
  return absl::StrCat(
      "Basic ", absl::Base64Escape(absl::StrCat(credentials.username, ":", credentials.password)));
}

class Fixed : public net::Authorizer {
 public:
  explicit Fixed(std::string value) : value_(std::move(value)) {}
  absl::StatusOr<std::string> Authorization() override { return value_; }
  absl::StatusOr<bool> Refused(const std::string&, const std::vector<std::string>&) override {
    return false;
  }

 private:
  const std::string value_;
};

}  // namespace

bool RegistryAuthorizer::Learn(const std::vector<std::string>& challenges) {
  const absl::MutexLock lock(&mutex_);
  return LearnLocked(challenges);
}

bool RegistryAuthorizer::LearnLocked(const std::vector<std::string>& headers) {
  bool basic = false;
  for (const std::string& header : headers) {
    for (Challenge& challenge : ParseChallenges(header)) {
      basic |= challenge.scheme == "basic";
      if (challenge.scheme != "bearer" || challenge.parameters["realm"].empty()) continue;
      scheme_ = Scheme::kBearer;
      realm_ = challenge.parameters["realm"];
      service_ = challenge.parameters["service"];
      const std::string& scope = challenge.parameters["scope"];
      if (!scope.empty() && scope != scope_) more_scope_ = scope;
      return true;
    }
  }
  if (!basic || credentials_.username.empty()) return false;
  scheme_ = Scheme::kBasic;
  return true;
}

absl::StatusOr<std::string> RegistryAuthorizer::Authorization() {
  const absl::MutexLock lock(&mutex_);
  switch (scheme_) {
    case Scheme::kNone:
      return std::string();
    case Scheme::kBasic:
      return Basic(credentials_);
    case Scheme::kBearer:
      break;
  }
  if (token_.empty() || absl::Now() + kMargin >= expires_) LRE_RETURN_IF_ERROR(FetchToken());
  return absl::StrCat("Bearer ", token_);
}

absl::StatusOr<bool> RegistryAuthorizer::Refused(const std::string& sent,
                                                 const std::vector<std::string>& challenges) {
  const absl::MutexLock lock(&mutex_);
  const Scheme before = scheme_;
  if (!LearnLocked(challenges)) return false;
  // A password does not become right by being said again.
  if (scheme_ == Scheme::kBasic) return before != Scheme::kBasic || sent.empty();
  // Another thread may have a new one already.
  if (sent == absl::StrCat("Bearer ", token_)) token_.clear();
  return true;
}

absl::StatusOr<net::HttpRequest> RegistryAuthorizer::TokenRequest() {
  const absl::StatusOr<net::Url> realm = net::ParseUrl(realm_);
  if (!realm.ok()) {
    return absl::DataLossError(absl::StrCat(registry_.Printable(), ": names a token server that ",
                                            "cannot be used: ", realm.status().message()));
  }
  if (!realm->is_https() && registry_.is_https()) {
    return absl::DataLossError(absl::StrCat(registry_.Printable(), ": names the token server ",
                                            realm->Printable(),
                                            ", which is not asked without encryption"));
  }
  std::vector<std::string> scopes = {scope_};
  if (!more_scope_.empty()) scopes.push_back(more_scope_);
  net::HttpRequest request;
  request.url = realm->text;
  if (!credentials_.identity_token.empty()) {
    request.form = absl::StrCat(
        "grant_type=refresh_token&client_id=lre-audit&service=", net::PercentEncoded(service_),
        "&refresh_token=", net::PercentEncoded(credentials_.identity_token), "&scope=");
    for (size_t i = 0; i < scopes.size(); ++i) {
      absl::StrAppend(&request.form, i > 0 ? "%20" : "", net::PercentEncoded(scopes[i]));
    }
    return request;
  }
  char separator = absl::StrContains(request.url, "?") ? '&' : '?';
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    absl::StrAppend(&request.url, std::string(1, separator), name, "=", net::PercentEncoded(value));
    separator = '&';
  };
  add("service", service_);
  for (const std::string& scope : scopes) add("scope", scope);
  add("account", credentials_.username);
  if (!credentials_.username.empty()) {
    request.authorizer = std::make_shared<Fixed>(Basic(credentials_));
  }
  return request;
}

absl::Status RegistryAuthorizer::FetchToken() {
  LRE_ASSIGN_OR_RETURN(const net::HttpRequest request, TokenRequest());
  const absl::Time asked = absl::Now();
  LRE_ASSIGN_OR_RETURN(const net::HttpAnswer answer, tokens_->Fetch(request, kMostAnswerBytes));
  if (answer.status == 200) return ReadToken(answer, asked);
  const std::string says = absl::StrCat(answer.url, " answers ", Escaped(answer.status_line));
  if (answer.status != 400 && answer.status != 401 && answer.status != 403) {
    return absl::UnavailableError(absl::StrCat("the token server ", says, "; try again later"));
  }
  const std::string login =
      absl::StrCat("skopeo login ", Escaped(registry_.host), " or --authfile FILE");
  return absl::PermissionDeniedError(
      credentials_.empty()
          ? absl::StrCat("the token server ", says, " without credentials: ", login)
          : absl::StrCat("the credentials from ", Escaped(credentials_.source),
                         " are refused: ", says, "; ", login));
}

absl::Status RegistryAuthorizer::ReadToken(const net::HttpAnswer& answer, absl::Time asked) {
  const auto wrong = [&](const char* what) {
    return absl::DataLossError(
        absl::StrCat("the token server ", answer.url, " answers with ", what));
  };
  const auto json = nlohmann::json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return wrong("something that is no JSON object, expected a token");
  std::string token;
  for (const char* name : {"token", "access_token"}) {
    if (token.empty() && json.contains(name) && json[name].is_string()) {
      token = json[name].get<std::string>();
    }
  }
  if (token.empty()) return wrong("an object without a token");
  const bool printable =
      std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!printable || token.size() > kLongestToken) return wrong("a token that cannot be sent");
  double life = kShortestLife;
  if (json.contains("expires_in") && json["expires_in"].is_number()) {
    life = std::clamp(json["expires_in"].get<double>(), kShortestLife, kLongestLife);
  }
  token_ = std::move(token);
  expires_ = asked + absl::Seconds(life);
  return absl::OkStatus();
}

}  // namespace lre_audit::registry
