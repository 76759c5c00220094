// Streams that break, lie and change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "audit/net/http.h"
#include "base/status.h"
#include "base/text.h"
#include "tests/audit/net/scripted_server.h"

namespace lre_audit::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Reply = ScriptedServer::Reply;

std::string Contents() {
  std::string bytes;
  while (bytes.size() < 3'000'000) absl::StrAppend(&bytes, bytes.size(), " ");
  return bytes;
}
const std::string& kContents = *new std::string(Contents());

absl::StatusOr<std::string> Read(const HttpRequest& request) {
  LRE_ASSIGN_OR_RETURN(const HttpStream stream, (*HttpClient::Make(Hasty()))->Open(request));
  absl::StatusOr<std::string> all = ReadAll(*stream.body, uint64_t{1} << 30);
  // An end can be asked for twice.
  if (all.ok()) {
    EXPECT_EQ(*stream.body->Next(), "");
  }
  return all;
}

// Where a request asks to start; 0 if it does not.
uint64_t Start(const std::string& request) {
  const size_t at = request.find("Range: bytes=");
  uint64_t start = 0;
  if (at == std::string::npos) return 0;
  const size_t first = at + 13;
  EXPECT_TRUE(absl::SimpleAtoi(request.substr(first, request.find('-', first) - first), &start));
  return start;
}

std::string Partial(uint64_t start, const std::string& headers, size_t bytes) {
  return absl::StrCat("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes ", start, "-",
                      kContents.size() - 1, "/", kContents.size(),
                      "\r\nContent-Length: ", kContents.size() - start, "\r\n", headers, "\r\n",
                      kContents.substr(start, bytes));
}

TEST(HttpBody, ComesWhole) {
  ScriptedServer server(
      [](const std::string&, int) { return Reply{Answer("200 OK", "", kContents)}; });
  EXPECT_EQ(*Read({.url = server.Url("/")}), kContents);
  EXPECT_EQ(*Read({.url = server.Url("/"), .size = kContents.size()}), kContents);
}

TEST(HttpBody, GoesOnByRange) {
  ScriptedServer server([&](const std::string& request, int number) {
    if (number == 0) {
      std::string whole = Answer("200 OK", "ETag: \"v1\"\r\n", kContents);
      whole.resize(700'000);
      return Reply{whole};
    }
    return Reply{Partial(Start(request), "ETag: \"v1\"\r\n", 800'000)};
  });
  EXPECT_EQ(*Read({.url = server.Url("/")}), kContents);
  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 4);
  EXPECT_THAT(requests[0], Not(HasSubstr("Range")));
  for (size_t i = 1; i < 4; ++i) EXPECT_THAT(requests[i], HasSubstr("If-Range: \"v1\"\r\n"));
}

TEST(HttpBody, GoesOnAfterAStall) {
  ScriptedServer server([](const std::string& request, int number) {
    return Reply{Partial(Start(request), "", number == 0 ? 100'000 : kContents.size()),
                 number == 0};
  });
  EXPECT_EQ(*Read({.url = server.Url("/"), .length = kContents.size()}), kContents);
}

TEST(HttpBody, StartsOverWhereRangeIsIgnored) {
  ScriptedServer server([](const std::string&, int number) {
    std::string whole = Answer("200 OK", "", kContents);
    if (number < 2) whole.resize(1'000'000 * (number + 1));
    return Reply{whole};
  });
  EXPECT_EQ(*Read({.url = server.Url("/")}), kContents);
  EXPECT_EQ(server.requests().size(), 3);
}

TEST(HttpBody, WithoutALengthTheExpectedSizeTellsTheEnd) {
  ScriptedServer server([](const std::string&, int number) {
    return Reply{absl::StrCat("HTTP/1.1 200 OK\r\n\r\n",
                              number == 0 ? kContents.substr(0, 1'000'000) : kContents)};
  });
  EXPECT_EQ(*Read({.url = server.Url("/"), .size = kContents.size()}), kContents);
  EXPECT_EQ(server.requests().size(), 2);
}

TEST(HttpBody, ABreakBehindTheLastByteIsNone) {
  ScriptedServer server([](const std::string&, int) {
    return Reply{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"};
  });
  EXPECT_EQ(*Read({.url = server.Url("/"), .size = 3}), "abc");
  EXPECT_EQ(server.requests().size(), 1);
}

TEST(HttpBody, GivesUpWhereNothingComes) {
  ScriptedServer server([](const std::string&, int) {
    std::string whole = Answer("200 OK", "", kContents);
    whole.resize(50'000);
    return Reply{whole};
  });
  const absl::Status status = Read({.url = server.Url("/a?secret")}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(ToStd(status.message()), HasSubstr("given up after 4 attempts"));
  EXPECT_THAT(ToStd(status.message()), HasSubstr(absl::StrCat("of ", kContents.size(), " bytes")));
  EXPECT_THAT(ToStd(status.message()), Not(HasSubstr("secret")));
  EXPECT_EQ(server.requests().size(), 4);
}

TEST(HttpBody, GivesUpWhenTheServerIsGone) {
  auto server = std::make_unique<ScriptedServer>([](const std::string&, int) {
    std::string whole = Answer("200 OK", "", kContents);
    whole.resize(50'000);
    return Reply{whole};
  });
  const absl::StatusOr<HttpStream> stream =
      (*HttpClient::Make(Hasty()))->Open({.url = server->Url("/")});
  ASSERT_TRUE(stream.ok()) << stream.status();
  server.reset();
  const absl::Status status = ReadAll(*stream->body, uint64_t{1} << 30).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(ToStd(status.message()), HasSubstr("cannot be reached any more"));
}

// What a body must not be, each with the answer to the first and to every later request.
struct Lie {
  const char* name;
  std::string first, later;
  const char* words;
};
class HttpBodyLies : public testing::TestWithParam<Lie> {};

TEST_P(HttpBodyLies, AreRefused) {
  const Lie& lie = GetParam();
  ScriptedServer server(
      [&](const std::string&, int number) { return Reply{number == 0 ? lie.first : lie.later}; });
  const absl::Status status = Read({.url = server.Url("/"), .size = kContents.size()}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(ToStd(status.message()), HasSubstr(lie.words));
  EXPECT_THAT(ToStd(status.message()), HasSubstr("http://127.0.0.1:"));
}

std::string Cut(std::string whole) {
  whole.resize(100'000);
  return whole;
}
INSTANTIATE_TEST_SUITE_P(
    All, HttpBodyLies,
    testing::Values(Lie{"longer", Answer("200 OK", "", kContents + "x"), "", "expected "},
                    Lie{"longer_without_saying", "HTTP/1.1 200 OK\r\n\r\n" + kContents + "x", "",
                        "sends more than the"},
                    Lie{"another_version", Cut(Answer("200 OK", "ETag: \"1\"\r\n", kContents)),
                        Answer("200 OK", "ETag: \"2\"\r\n", kContents),
                        "has changed while it was read"},
                    Lie{"another_size", Cut(Answer("200 OK", "", kContents)),
                        Answer("200 OK", "", "short"), "it is not the same"},
                    Lie{"another_range", Cut(Answer("200 OK", "", kContents)), Partial(7, "", 100),
                        "was asked for the bytes from"},
                    Lie{"a_range_that_is_none", Cut(Answer("200 OK", "", kContents)),
                        Answer("206 Partial Content", "Content-Range: bytes x\r\n", "abc"),
                        "bytes x"},
                    Lie{"a_part_that_was_not_asked_for",
                        Answer("206 Partial Content", "Content-Range: bytes 5-7/9\r\n", "abc"), "",
                        "bytes 5-7/9"}),
    [](const auto& lie) { return lie.param.name; });

TEST(HttpBody, EndlessDataIsBounded) {
  ScriptedServer server([](const std::string&, int) {
    return Reply{"HTTP/1.1 200 OK\r\n\r\n", false, true};
  });
  HttpSettings settings = Hasty();
  settings.limits.body_bytes = 4 << 20;
  const absl::StatusOr<HttpStream> stream =
      (*HttpClient::Make(settings))->Open({.url = server.Url("/")});
  ASSERT_TRUE(stream.ok()) << stream.status();
  const absl::Status status = ReadAll(*stream->body, uint64_t{1} << 40).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
}

TEST(HttpBody, APartOfTheWhole) {
  for (const bool knows_ranges : {true, false}) {
    ScriptedServer server([&](const std::string&, int) {
      return Reply{knows_ranges ? Answer("206 Partial Content",
                                         absl::StrCat("Content-Range: bytes 10-19/",
                                                      kContents.size(), "\r\n"),
                                         kContents.substr(10, 10))
                                : Answer("200 OK", "", kContents)};
    });
    EXPECT_EQ(*Read({.url = server.Url("/"), .offset = 10, .length = 10}),
              kContents.substr(10, 10));
    EXPECT_THAT(server.requests().at(0), HasSubstr("Range: bytes=10-19\r\n"));
  }
}

// A reader that takes its time is no stall of the server, and holds no more than its buffer.
TEST(HttpBody, WaitsForASlowReader) {
  ScriptedServer server(
      [](const std::string&, int) { return Reply{Answer("200 OK", "", kContents)}; });
  HttpSettings settings = Hasty();
  settings.limits.buffer_bytes = 300'000;
  const absl::StatusOr<HttpStream> stream =
      (*HttpClient::Make(settings))->Open({.url = server.Url("/")});
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::string all;
  while (true) {
    const absl::StatusOr<std::string_view> piece = stream->body->Next();
    ASSERT_TRUE(piece.ok()) << piece.status();
    if (piece->empty()) break;
    EXPECT_LE(piece->size(), 600'000);
    all.append(*piece);
    if (all.size() < 400'000) absl::SleepFor(absl::Milliseconds(300));
  }
  EXPECT_EQ(all, kContents);
  EXPECT_EQ(server.requests().size(), 1);
}

TEST(HttpBody, AnAnswerOfAnotherStatusIsReadAsItIs) {
  ScriptedServer server(
      [](const std::string&, int) { return Reply{Answer("404 Not Found", "", "no")}; });
  const absl::StatusOr<HttpStream> stream =
      (*HttpClient::Make(Hasty()))->Open({.url = server.Url("/"), .size = 100});
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->status, 404);
  EXPECT_EQ(*ReadAll(*stream->body, 100), "no");
}

}  // namespace
}  // namespace lre_audit::net
