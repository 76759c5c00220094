#include "audit/net/grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/audit/net/scripted_grpc.h"

namespace lre_audit::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Answers = std::vector<std::string>;

GrpcSettings HastySettings() {
  GrpcSettings settings = {.http = Hasty()};
  settings.http.limits.stall_timeout = absl::Seconds(5);
  settings.http.limits.exchange_timeout = absl::Milliseconds(300);
  settings.message_bytes = 1000;
  return settings;
}

// One call to a server that answers the n-th attempt with the n-th of `answers`, then with the
// last.
struct Called {
  explicit Called(Answers answers)
      : server(GrpcServer([answers](int number) {
          return answers[std::min<size_t>(static_cast<size_t>(number), answers.size() - 1)];
        })),
        channel(*GrpcChannel::Make(GrpcUrl(*server), HastySettings())),
        answer(channel->Call("/a.Service/Method", "question")) {}

  std::unique_ptr<ScriptedServer> server;
  std::unique_ptr<GrpcChannel> channel;
  absl::StatusOr<std::string> answer;
};

void ExpectError(const Called& called, absl::StatusCode code, const std::string& words,
                 int connections = 1) {
  EXPECT_EQ(called.answer.status().code(), code) << called.answer.status();
  const std::string message(called.answer.status().message());
  EXPECT_THAT(message, HasSubstr(words));
  EXPECT_THAT(message, HasSubstr("/a.Service/Method: "));
  EXPECT_THAT(message, HasSubstr(GrpcUrl(*called.server)));
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_EQ(called.server->connections(), connections) << message;
}

TEST(Grpc, CallsAndIsAnswered) {
  const Called called(Answers{GrpcAnswer("answer")});
  ASSERT_TRUE(called.answer.ok()) << called.answer.status();
  EXPECT_EQ(*called.answer, "answer");
  const Called empty(Answers{GrpcAnswer("")});
  ASSERT_TRUE(empty.answer.ok()) << empty.answer.status();
  EXPECT_EQ(*empty.answer, "");
}

TEST(Grpc, AMessageComesInPiecesOfAnySize) {
  std::string bytes =
      Settings() + HeaderFrame({{":status", "200"}, {"content-type", "application/grpc+proto"}});
  for (const char c : Message("answer")) bytes += DataFrame(std::string(1, c));
  const Called called(Answers{bytes + HeaderFrame({{"grpc-status", "0"}}, true)});
  ASSERT_TRUE(called.answer.ok()) << called.answer.status();
  EXPECT_EQ(*called.answer, "answer");
}

TEST(Grpc, AServersStatusIsTheCallers) {
  ExpectError(Called(Answers{GrpcStatus(5, "no%20such%0Athing %zz%2")}),
              absl::StatusCode::kNotFound, "NOT_FOUND: no such\\nthing %zz%2");
  ExpectError(Called(Answers{GrpcStatus(16, "")}), absl::StatusCode::kUnauthenticated,
              "UNAUTHENTICATED");
  ExpectError(Called(Answers{GrpcStatus(99, "new")}), absl::StatusCode::kUnknown, "no name: new");
  ExpectError(Called(Answers{GrpcAnswer({}, {{"grpc-status", "12"}})}),
              absl::StatusCode::kUnimplemented, "UNIMPLEMENTED");
  ExpectError(Called(Answers{GrpcAnswer({"answer"}, {{"grpc-status", "13"}})}),
              absl::StatusCode::kInternal, "INTERNAL");
  ExpectError(Called(Answers{GrpcAnswer({"answer"}, {{"grpc-status", "fine"}})}),
              absl::StatusCode::kUnknown, "\"fine\"");
}

TEST(Grpc, WhatIsUnavailableIsAskedAgain) {
  const Called called(Answers{GrpcStatus(14, "busy"), GrpcAnswer("answer")});
  EXPECT_EQ(called.answer.value_or("none"), "answer") << called.answer.status();
  ExpectError(Called(Answers{GrpcStatus(14, "busy")}), absl::StatusCode::kUnavailable,
              "busy; given up after 4 attempts", 4);
}

TEST(Grpc, WhatBreaksOffIsAskedAgain) {
  const std::string head =
      Settings() + HeaderFrame({{":status", "200"}, {"content-type", "application/grpc"}});
  for (const std::string& broken :
       {std::string(), Settings(), head, head + DataFrame(Message("answer").substr(0, 7)),
        head + ResetStream(2), Settings() + ResetStream(7), head + DataFrame(Message("answer"))}) {
    const Called called(Answers{broken + std::string(kCloses), GrpcAnswer("answer")});
    EXPECT_EQ(called.answer.value_or("none"), "answer") << called.answer.status();
    EXPECT_EQ(called.server->connections(), 2);
  }
  ExpectError(Called(Answers{head + ResetStream(2)}), absl::StatusCode::kUnavailable,
              "given up after 4 attempts", 4);
}

TEST(Grpc, ErrorsOfHttpAreThoseOfGrpc) {
  const auto answers = [](const std::string& status) {
    return Answers{Settings() + HeaderFrame({{":status", status}}, true)};
  };
  ExpectError(Called(answers("401")), absl::StatusCode::kUnauthenticated, "HTTP 401");
  ExpectError(Called(answers("403")), absl::StatusCode::kPermissionDenied, "HTTP 403");
  ExpectError(Called(answers("404")), absl::StatusCode::kUnimplemented, "HTTP 404");
  ExpectError(Called(answers("400")), absl::StatusCode::kInternal, "HTTP 400");
  ExpectError(Called(answers("418")), absl::StatusCode::kUnknown, "HTTP 418");
  ExpectError(Called(answers("302")), absl::StatusCode::kUnknown, "HTTP 302");
  ExpectError(Called(answers("503")), absl::StatusCode::kUnavailable, "HTTP 503", 4);
}

TEST(Grpc, WhatIsNoGrpcIsSaidToBeNone) {
  ExpectError(
      Called(Answers{Settings() + HeaderFrame({{":status", "200"}, {"content-type", "text/html"}}) +
                     DataFrame("<html>")}),
      absl::StatusCode::kUnknown, "text/html");
  ExpectError(Called(Answers{GrpcAnswer({}, {{"grpc-status", "0"}})}), absl::StatusCode::kInternal,
              "no answer");
  ExpectError(Called(Answers{GrpcAnswer({"one", "two"}, {{"grpc-status", "0"}})}),
              absl::StatusCode::kInternal, "a second answer");
  const std::string head =
      Settings() + HeaderFrame({{":status", "200"}, {"content-type", "application/grpc"}});
  ExpectError(Called(Answers{head + DataFrame(std::string("\1\0\0\0\1x", 6))}),
              absl::StatusCode::kInternal, "compressed");
  ExpectError(Called(Answers{head + DataFrame("<html>")}), absl::StatusCode::kInternal,
              "no message of gRPC");
  ExpectError(Called(Answers{head + DataFrame(Message("answer").substr(0, 7)) +
                             HeaderFrame({{"grpc-status", "0"}}, true)}),
              absl::StatusCode::kInternal, "cut");
  const Called http1(Answers{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\ncloses"});
  EXPECT_FALSE(http1.answer.ok());
  EXPECT_THAT(std::string(http1.answer.status().message()), HasSubstr("HTTP"));
}

TEST(Grpc, LimitsHold) {
  const std::string head =
      Settings() + HeaderFrame({{":status", "200"}, {"content-type", "application/grpc"}});
  ExpectError(Called(Answers{head + DataFrame(std::string("\0\xff\xff\xff\xff", 5))}),
              absl::StatusCode::kResourceExhausted, "a message of 4294967295 bytes");
  ExpectError(Called(Answers{head + DataFrame(Message(std::string(1001, 'x')))}),
              absl::StatusCode::kResourceExhausted, "more than the limit of 1000");
  // Time, whether nothing comes or too little.
  ExpectError(Called(Answers{std::string(kStalls)}), absl::StatusCode::kDeadlineExceeded, "300ms");
}

TEST(Grpc, AStreamGoesOnWhereItWas) {
  const std::string head =
      Settings() + HeaderFrame({{":status", "200"}, {"content-type", "application/grpc"}});
  const auto server = GrpcServer([&](int number) {
    return number == 0 ? head + DataFrame(Message("one")) + DataFrame(Message("two").substr(0, 6)) +
                             std::string(kCloses)
                       : GrpcAnswer({"two", "three"}, {{"grpc-status", "0"}});
  });
  const auto channel = *GrpcChannel::Make(GrpcUrl(*server), HastySettings());
  std::vector<std::string> got;
  std::vector<size_t> asked;
  const absl::Status status = channel->Stream(
      "/a.Service/Read",
      [&] {
        asked.push_back(got.size());
        return absl::StrCat(got.size());
      },
      [&](std::string_view message) {
        got.emplace_back(message);
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(got, ElementsAre("one", "two", "three"));
  EXPECT_THAT(asked, ElementsAre(0, 1));
}

TEST(Grpc, RefusesWhatIsNoServer) {
  for (const char* server :
       {"http://localhost", "localhost:1", "grpc://", "grpc://a:b", "grpc:a"}) {
    EXPECT_EQ(GrpcChannel::Make(server, {}).status().code(), absl::StatusCode::kInvalidArgument)
        << server;
  }
  EXPECT_THAT((*GrpcChannel::Make("grpcs://EXAMPLE.org", {}))->server(), "grpcs://example.org:443");
}

}  // namespace
}  // namespace lre_audit::net
