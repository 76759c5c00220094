#include "audit/net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "tests/audit/net/scripted_server.h"

namespace lre_audit::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Reply = ScriptedServer::Reply;

absl::StatusOr<HttpAnswer> Fetch(const HttpRequest& request, uint64_t most_bytes = 1000) {
  return (*HttpClient::Make(Hasty()))->Fetch(request, most_bytes);
}
absl::StatusOr<HttpAnswer> Fetch(const ScriptedServer& server) {
  return Fetch({.url = server.Url("/a?secret")});
}

// Every message is one line that names the URL, without what its query may hold.
void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& words) {
  EXPECT_EQ(status.code(), code) << status;
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr(words));
  EXPECT_THAT(message, HasSubstr("http://127.0.0.1:"));
  EXPECT_THAT(message, Not(HasSubstr("secret")));
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(Http, FetchesAnAnswerOfAnyStatus) {
  ScriptedServer server([](const std::string&, int) {
    return Reply{Answer("404 Not Found", "X-Y: a\r\nx-y: b\r\n", "nothing here")};
  });
  const absl::StatusOr<HttpAnswer> answer =
      Fetch({.url = server.Url("/a"), .headers = {"Accept: text/plain"}});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->status_line, "404 Not Found");
  EXPECT_EQ(answer->body, "nothing here");
  EXPECT_EQ(*answer->headers.Find("X-y"), "a");
  EXPECT_THAT(answer->headers.All("X-Y"), ::testing::ElementsAre("a", "b"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("Accept: text/plain\r\n"));
}

TEST(Http, UsesAConnectionAgain) {
  const auto client = *HttpClient::Make(Hasty());
  ScriptedServer server([](const std::string&, int number) {
    return Reply{.bytes = Answer("200 OK", "", "x"), .keeps = number < 2};
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client->Fetch({.url = server.Url("/")}, 10).ok());
  EXPECT_EQ(server.requests().size(), 3);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, TriesAgainWhatMayPass) {
  for (const char* first :
       {"429 Too Many Requests", "500 Oops", "502 Bad", "503 Busy", "504 Late"}) {
    ScriptedServer server([&](const std::string&, int number) {
      return Reply{number < 2 ? Answer(first, "", "") : Answer("200 OK", "", "fine")};
    });
    const absl::StatusOr<HttpAnswer> answer = Fetch(server);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->body, "fine");
    EXPECT_EQ(server.requests().size(), 3);
  }
}

TEST(Http, DoesNotTryAgainWhatIsFinal) {
  for (const char* only : {"400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found",
                           "501 Not Implemented"}) {
    ScriptedServer server([&](const std::string&, int) { return Reply{Answer(only, "", "")}; });
    EXPECT_TRUE(Fetch(server).ok());
    EXPECT_EQ(server.requests().size(), 1) << only;
  }
}

TEST(Http, GivesUp) {
  ScriptedServer server(
      [&](const std::string&, int) { return Reply{Answer("503 Service Unavailable", "", "")}; });
  ExpectError(Fetch(server).status(), absl::StatusCode::kUnavailable,
              "answers 503 Service Unavailable; given up after 4 attempts");
  EXPECT_EQ(server.requests().size(), 4);
}

// A server that breaks everything costs its delays once, not once for each thing.
TEST(Http, IsLessPatientOnceItHasGivenUp) {
  ScriptedServer server([&](const std::string& request, int) {
    const bool fine = request.find("/fine") != std::string::npos;
    return Reply{Answer(fine ? "200 OK" : "503 Service Unavailable", "", "")};
  });
  const auto client = *HttpClient::Make(Hasty());
  for (const int requests : {4, 6, 8}) {
    EXPECT_FALSE(client->Fetch({.url = server.Url("/")}, 100).ok());
    EXPECT_EQ(server.requests().size(), requests);
  }
  EXPECT_TRUE(client->Fetch({.url = server.Url("/fine")}, 100).ok());
}

TEST(Http, WaitsAsLongAsItIsAskedToButNotLonger) {
  ScriptedServer server([](const std::string&, int number) {
    return Reply{Answer("429 Too Many Requests",
                        number == 0 ? "Retry-After: 0\r\n" : "Retry-After: 86400\r\n", "")};
  });
  ExpectError(Fetch(server).status(), absl::StatusCode::kUnavailable, "asks to wait 24h, longer");
  EXPECT_EQ(server.requests().size(), 2);
}

TEST(Http, ClosedWithoutAnAnswer) {
  ScriptedServer server([](const std::string&, int) { return Reply{""}; });
  ExpectError(Fetch(server).status(), absl::StatusCode::kUnavailable, "given up after 4 attempts");
}

TEST(Http, StallsBeforeTheHeadAndInTheBody) {
  for (const char* bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}) {
    ScriptedServer server([&](const std::string&, int) { return Reply{bytes, true}; });
    ExpectError(Fetch(server).status(), absl::StatusCode::kUnavailable, "the server has stalled");
  }
}

TEST(Http, NobodyListens) {
  std::string url;
  {
    ScriptedServer server([](const std::string&, int) { return Reply{""}; });
    url = server.Url("/");
  }
  ExpectError(Fetch({.url = url}).status(), absl::StatusCode::kUnavailable,
              "check the name, the port and the network");
}

TEST(Http, HeadersWithoutEnd) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 5000; ++i)
    absl::StrAppend(&many, "X-", i, ": ", std::string(90, 'y'), "\r\n");
  for (const std::string& head : {many, "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'y')}) {
    ScriptedServer server([&](const std::string&, int) { return Reply{head}; });
    ExpectError(Fetch(server).status(), absl::StatusCode::kResourceExhausted,
                "headers of more than");
    EXPECT_EQ(server.requests().size(), 1);
  }
}

TEST(Http, BodyWithoutEnd) {
  ScriptedServer server([](const std::string&, int) {
    return Reply{"HTTP/1.1 200 OK\r\n\r\n", false, true};
  });
  ExpectError(Fetch(server).status(), absl::StatusCode::kResourceExhausted,
              "more than the limit of 1000 bytes");
}

TEST(Http, NoHttp) {
  ScriptedServer server([](const std::string&, int) { return Reply{"SSH-2.0-OpenSSH_9.2\r\n"}; });
  ExpectError(Fetch(server).status(), absl::StatusCode::kDataLoss, "");
}

class Word : public Authorizer {
 public:
  absl::StatusOr<std::string> Authorization() override { return word; }
  absl::StatusOr<bool> Refused(const std::string& sent,
                               const std::vector<std::string>& challenges) override {
    refused.push_back(absl::StrCat(sent, "|", challenges.empty() ? "" : challenges[0]));
    word = "Bearer new";
    return refused.size() < 2;
  }
  std::string word;
  std::vector<std::string> refused;
};

TEST(Http, AsksAgainWithWhatTheChallengeWants) {
  ScriptedServer server([](const std::string& request, int) {
    return Reply{absl::StrContains(request, "Authorization: Bearer new\r\n")
                     ? Answer("200 OK", "", "in")
                     : Answer("401 Unauthorized", "WWW-Authenticate: Basic\r\n", "")};
  });
  const auto word = std::make_shared<Word>();
  const absl::StatusOr<HttpAnswer> answer = Fetch({.url = server.Url("/"), .authorizer = word});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "in");
  EXPECT_THAT(word->refused, ::testing::ElementsAre("|Basic"));
}

TEST(Http, A401ThatStays) {
  ScriptedServer server(
      [](const std::string&, int) { return Reply{Answer("401 Unauthorized", "", "")}; });
  const absl::StatusOr<HttpAnswer> answer =
      Fetch({.url = server.Url("/"), .authorizer = std::make_shared<Word>()});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(server.requests().size(), 2);
}

// Another port is another server, and so is another name for the same machine.
TEST(Http, CredentialsStayWithTheirOrigin) {
  ScriptedServer other(
      [](const std::string&, int) { return Reply{Answer("200 OK", "", "there")}; });
  ScriptedServer server([&](const std::string& request, int) {
    return Reply{
        absl::StartsWith(request, "GET /here")
            ? Answer("200 OK", "", "here")
            : Answer("307 Away",
                     absl::StrCat("Location: ",
                                  absl::StrContains(request, "/near") ? "/here" : other.Url("/x"),
                                  "\r\n"),
                     "")};
  });
  const auto word = std::make_shared<Word>();
  word->word = "Basic secret";
  EXPECT_EQ(Fetch({.url = server.Url("/near"), .authorizer = word})->body, "here");
  EXPECT_EQ(Fetch({.url = server.Url("/far"), .authorizer = word})->body, "there");
  for (const std::string& request : server.requests()) {
    EXPECT_THAT(request, HasSubstr("Authorization: Basic secret\r\n"));
  }
  EXPECT_THAT(other.requests().at(0), Not(HasSubstr("uthorization")));
}

TEST(Http, RedirectsThatNeverEnd) {
  ScriptedServer server(
      [](const std::string&, int) { return Reply{Answer("302 Found", "Location: /a\r\n", "")}; });
  ExpectError(Fetch(server).status(), absl::StatusCode::kDataLoss, "more than 10 redirects");
  EXPECT_EQ(server.requests().size(), 11);
}

TEST(Http, RedirectsToWhereNobodyShouldGo) {
  for (const char* place : {"file:///etc/passwd", "gopher://h/", "http://user:word@127.0.0.1/"}) {
    ScriptedServer server([&](const std::string&, int) {
      return Reply{Answer("302 Found", absl::StrCat("Location: ", place, "\r\n"), "")};
    });
    ExpectError(Fetch(server).status(), absl::StatusCode::kDataLoss, "cannot be used");
  }
}

TEST(Http, AFormIsNotSentToAnotherServer) {
  ScriptedServer other([](const std::string&, int) { return Reply{Answer("200 OK", "", "")}; });
  ScriptedServer server([&](const std::string&, int) {
    return Reply{Answer("307 Away", absl::StrCat("Location: ", other.Url("/"), "\r\n"), "")};
  });
  ExpectError(Fetch({.url = server.Url("/"), .form = "password=secret"}).status(),
              absl::StatusCode::kDataLoss, "redirects a POST");
  EXPECT_TRUE(other.requests().empty());
  EXPECT_THAT(server.requests().at(0), ::testing::StartsWith("POST / "));
}

}  // namespace
}  // namespace lre_audit::net
