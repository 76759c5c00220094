#include "audit/registry/authorizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "tests/audit/net/scripted_server.h"

namespace lre_audit::registry {
namespace {

using net::Answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Reply = net::ScriptedServer::Reply;

std::shared_ptr<RegistryAuthorizer> Make(const Credentials& credentials,
                                         const std::string& registry = "http://127.0.0.1:1/v2/") {
  return std::make_shared<RegistryAuthorizer>(*net::ParseUrl(registry), "a/b", credentials,
                                              *net::HttpClient::Make(net::Hasty()));
}
std::string Challenge(const net::ScriptedServer& server) {
  return absl::StrCat("Bearer realm=\"", server.Url("/token?x=1"), "\",service=\"the service\"");
}
Credentials User() { return {"me", "secret", "", "auth.json"}; }

TEST(Authorizer, NothingWithoutAChallenge) { EXPECT_EQ(*Make(User())->Authorization(), ""); }

TEST(Authorizer, Basic) {
  const auto authorizer = Make(User());
  EXPECT_TRUE(authorizer->Learn({"Basic realm=\"x\""}));
  const std::string said = *authorizer->Authorization();
  EXPECT_EQ(said, "Basic " + absl::Base64Escape("me:secret"));
  // Wrong once is wrong.
  EXPECT_FALSE(*authorizer->Refused(said, {"Basic realm=\"x\""}));
  EXPECT_FALSE(Make({})->Learn({"Basic realm=\"x\""}));
  EXPECT_FALSE(Make(User())->Learn({"Negotiate"}));
}

TEST(Authorizer, FetchesATokenOnce) {
  net::ScriptedServer server(
      [](const std::string&, int) { return Reply{Answer("200 OK", "", R"({"token": "t1"})")}; });
  const auto authorizer = Make(User());
  EXPECT_TRUE(authorizer->Learn({"Basic realm=\"x\"", Challenge(server)}));
  EXPECT_EQ(*authorizer->Authorization(), "Bearer t1");
  EXPECT_EQ(*authorizer->Authorization(), "Bearer t1");
  ASSERT_EQ(server.requests().size(), 1);
  const std::string request = server.requests()[0];
  EXPECT_THAT(
      request,
      testing::StartsWith(
          "GET /token?x=1&service=the%20service&scope=repository%3Aa%2Fb%3Apull&account=me "));
  EXPECT_THAT(request, HasSubstr("Authorization: Basic " + absl::Base64Escape("me:secret")));
}

TEST(Authorizer, RenewsATokenThatIsRefused) {
  net::ScriptedServer server([](const std::string&, int number) {
    return Reply{Answer("200 OK", "", absl::StrCat(R"({"access_token": "t)", number, R"("})"))};
  });
  const auto authorizer = Make({});
  EXPECT_TRUE(authorizer->Learn({Challenge(server)}));
  EXPECT_EQ(*authorizer->Authorization(), "Bearer t0");
  EXPECT_THAT(server.requests()[0], Not(HasSubstr("Authorization")));
  EXPECT_TRUE(*authorizer->Refused("Bearer t0", {Challenge(server) + ",error=\"invalid_token\""}));
  EXPECT_EQ(*authorizer->Authorization(), "Bearer t1");
  // Another thread, which was refused with the old one, takes what is there.
  EXPECT_TRUE(*authorizer->Refused("Bearer t0", {Challenge(server)}));
  EXPECT_EQ(*authorizer->Authorization(), "Bearer t1");
}

TEST(Authorizer, IdentityTokensAreExchanged) {
  net::ScriptedServer server([](const std::string&, int) {
    return Reply{Answer("200 OK", "", R"({"access_token": "t"})")};
  });
  const auto authorizer = Make({"", "", "re&fresh", "auth.json"});
  EXPECT_TRUE(authorizer->Learn({Challenge(server)}));
  EXPECT_EQ(*authorizer->Authorization(), "Bearer t");
  EXPECT_THAT(server.requests()[0], testing::StartsWith("POST /token?x=1 "));
}

TEST(Authorizer, WhatTokenServersShouldNotAnswer) {
  for (const auto& [status, body, words] : std::vector<std::array<std::string, 3>>{
           {"200 OK", "<html>", "no JSON object"},
           {"200 OK", "[]", "no JSON object"},
           {"200 OK", "{}", "without a token"},
           {"200 OK", R"({"token": 5})", "without a token"},
           {"200 OK", R"({"token": "a\r\nX-Injected: 1"})", "cannot be sent"},
           {"200 OK", R"({"token": ")" + std::string(100'000, 'x') + "\"}", "cannot be sent"},
           {"200 OK", std::string(2 << 20, ' '), "more than the limit"},
           {"401 Unauthorized", "", "the credentials from auth.json are refused"},
           {"404 Not Found", "", "answers 404"},
           {"500 Oops", "", "given up"}}) {
    net::ScriptedServer server(
        [&, answer = Answer(status, "", body)](const std::string&, int) { return Reply{answer}; });
    const auto authorizer = Make(User());
    EXPECT_TRUE(authorizer->Learn({Challenge(server)}));
    const absl::Status error = authorizer->Authorization().status();
    EXPECT_THAT(ToStd(error.message()), HasSubstr(words));
    EXPECT_THAT(ToStd(error.message()), HasSubstr("http://127.0.0.1:"));
    EXPECT_THAT(ToStd(error.message()), Not(HasSubstr("secret")));
  }
}

// A registry that is reached by https cannot have credentials sent around in the clear.
TEST(Authorizer, TokenServersThatAreNotAsked) {
  for (const char* realm :
       {"http://auth.example/token", "file:///etc/passwd", "token", "https://u:p@h/"}) {
    const auto authorizer = Make(User(), "https://registry.example/v2/");
    EXPECT_TRUE(authorizer->Learn({absl::StrCat("Bearer realm=\"", realm, "\"")}));
    EXPECT_EQ(authorizer->Authorization().status().code(), absl::StatusCode::kDataLoss) << realm;
  }
}

}  // namespace
}  // namespace lre_audit::registry
