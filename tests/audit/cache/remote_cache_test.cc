#include "audit/cache/remote_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "audit/cache/build_caches.h"
#include "audit/cache/proto/bytestream.pb.h"
#include "audit/cache/proto/cache_services.pb.h"
#include "audit/cache/proto/remote_execution.pb.h"
#include "tests/audit/net/scripted_grpc.h"

namespace lre_audit::cache {
namespace {

using net::Answer;
using net::DataFrame;
using net::GrpcAnswer;
using net::GrpcServer;
using net::GrpcStatus;
using net::GrpcUrl;
using net::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
namespace reapi = ::build::bazel::remote::execution::v2;

constexpr DigestFunction kSha256 = DigestFunction::kSha256;

std::string Capabilities(std::initializer_list<int> functions) {
  reapi::ServerCapabilities capabilities;
  for (const int function : functions) {
    capabilities.mutable_cache_capabilities()->add_digest_functions(function);
  }
  return GrpcAnswer(capabilities.SerializeAsString());
}
std::string NotFound() { return GrpcStatus(5, "not here"); }
std::string Result() {
  reapi::ActionResult result;
  result.set_exit_code(0);
  result.set_stdout_raw("hello");
  return GrpcAnswer(result.SerializeAsString());
}
std::string Data(std::string_view bytes) {
  google::bytestream::ReadResponse response;
  response.set_data(std::string(bytes));
  return response.SerializeAsString();
}
std::string Blob(const std::vector<std::string>& pieces) {
  std::vector<std::string> messages;
  for (const std::string& piece : pieces) messages.push_back(Data(piece));
  return GrpcAnswer(messages, {{"grpc-status", "0"}});
}

RemoteCacheOptions Hasty() {
  RemoteCacheOptions options;
  options.timeout = absl::Milliseconds(300);
  return options;
}

// A server of these answers, one call each, and the caches that name it.
struct Served {
  explicit Served(std::vector<std::string> answers, DigestFunction function = kSha256,
                  const std::string& path = "", const RemoteCacheOptions& options = Hasty())
      : server(GrpcServer([answers](int number) {
          return answers[std::min<size_t>(static_cast<size_t>(number), answers.size() - 1)];
        })),
        caches(*BuildCaches::Open({GrpcUrl(*server) + path}, function, options)) {}

  std::vector<std::string> requests() const { return net::GrpcRequests(*server); }
  size_t calls() const { return requests().size(); }
  absl::Status trouble() const {
    return caches.Troubles().empty() ? absl::OkStatus() : caches.Troubles()[0].status;
  }

  std::unique_ptr<ScriptedServer> server;
  BuildCaches caches;
};

BlobDigest Key(std::string_view name) { return DigestOf(kSha256, name); }

TEST(RemoteCache, HasAnEntryOrHasNone) {
  Served served({Capabilities({1}), NotFound(), Result(), NotFound()});
  EXPECT_EQ(*served.caches.Contains(Key("a")), true);
  EXPECT_EQ(*served.caches.Contains(Key("b")), false);
  EXPECT_EQ(*served.caches.Contains(Key("a")), true);
  EXPECT_EQ(*served.caches.Contains(Key("b")), false);
  EXPECT_EQ(served.calls(), 4u) << "what was answered is asked again";
  EXPECT_TRUE(served.trouble().ok());
}

TEST(RemoteCache, IsAskedByInstanceAndFunction) {
  Served served({Capabilities({1, 9}), NotFound(), NotFound(), Blob({"contents"})},
                DigestFunction::kBlake3, "/main%2Fone");
  EXPECT_EQ(*served.caches.Contains(DigestOf(DigestFunction::kBlake3, "a")), false);
  const BlobDigest blob = DigestOf(DigestFunction::kBlake3, "contents");
  EXPECT_EQ(served.caches.ReadBlob(blob, 100).value_or("none"), "contents");
  const std::vector<std::string> requests = served.requests();
  EXPECT_THAT(requests[0], HasSubstr("main/one"));
  EXPECT_THAT(requests[2], HasSubstr("main/one"));
  EXPECT_THAT(requests[2], HasSubstr("\x30\x09")) << "digest_function: BLAKE3";
  EXPECT_THAT(requests[3], HasSubstr(absl::StrCat("main/one/blobs/blake3/", blob.Hex(), "/8")));
}

TEST(RemoteCache, ReadsBlobsInPiecesAndGoesOnWhereTheyBreak) {
  const std::string cut = absl::StrCat(
      net::Settings(), net::HeaderFrame({{":status", "200"}, {"content-type", "application/grpc"}}),
      DataFrame(net::Message(Data("con"))), DataFrame(net::Message(Data("tent")).substr(0, 8)),
      std::string(net::kCloses));
  Served served({Capabilities({1}), cut, Blob({"tents"})});
  EXPECT_EQ(served.caches.ReadBlob(Key("contents"), 100).value_or("none"), "contents");
  EXPECT_THAT(served.requests().back(), HasSubstr(Key("contents").ToString() + "\x10\x03"));
  EXPECT_TRUE(served.trouble().ok()) << served.trouble();
}

TEST(RemoteCache, WhatTheCallerDoesNotWantIsNotAsked) {
  Served served({Capabilities({1}), NotFound()});
  EXPECT_EQ(served.caches.ReadBlob(Key("contents"), 7).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(served.caches.ReadBlob(Key(""), 7).value_or("none"), "");
  EXPECT_EQ(served.calls(), 0u);
  EXPECT_EQ(served.caches.ReadBlob(Key("contents"), 8).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(served.trouble().ok()) << served.trouble();
}

// What is told of the one cache: that it is broken, or that a blob is another's.
absl::Status Told(const BuildCaches& caches) {
  const std::vector<CacheTrouble> troubles = caches.Troubles();
  if (troubles.size() != 1) return absl::InternalError("not one trouble");
  return troubles[0].status.ok() ? troubles[0].first_fault : troubles[0].status;
}

// Whatever comes instead of an answer: the cache has no say, and is not asked again. A blob that is
// wrong says nothing of the others.
void ExpectTrouble(Served served, const std::string& words, bool of_blob = false) {
  const auto ask = [&] {
    return of_blob ? served.caches.ReadBlob(Key("contents"), 100).status()
                   : served.caches.Contains(Key("a")).status();
  };
  EXPECT_EQ(ask().code(), absl::StatusCode::kUnavailable);
  const size_t calls = served.calls();
  EXPECT_THAT(std::string(Told(served.caches).message()), HasSubstr(words));
  EXPECT_THAT(std::string(Told(served.caches).message()), HasSubstr(GrpcUrl(*served.server)));
  EXPECT_EQ(ask().code(), absl::StatusCode::kUnavailable);
  if (served.trouble().ok()) {
    EXPECT_TRUE(of_blob);
    EXPECT_GT(served.calls(), calls);
  } else {
    EXPECT_EQ(served.calls(), calls);
  }
  EXPECT_EQ(served.caches.Troubles().size(), 1u);
}

TEST(RemoteCache, TroubleIsToldOnceAndEndsIt) {
  ExpectTrouble(Served({GrpcStatus(16, "who%20are%20you")}), "UNAUTHENTICATED: who are you");
  ExpectTrouble(Served({GrpcStatus(5, "no such instance")}), "no such instance");
  ExpectTrouble(Served({GrpcStatus(8, "quota")}), "RESOURCE_EXHAUSTED: quota");
  ExpectTrouble(Served({Capabilities({1}), GrpcStatus(12, "")}), "UNIMPLEMENTED");
  ExpectTrouble(Served({Capabilities({1}), GrpcStatus(14, "")}), "given up after 3 attempts");
  ExpectTrouble(Served({Capabilities({1}), std::string(net::kStalls)}), "no end after 300ms");
  ExpectTrouble(Served({GrpcAnswer("\xff\xff")}), "no capabilities");
  ExpectTrouble(Served({Capabilities({1}), Result()}), "a key that no action has");
  ExpectTrouble(Served({Capabilities({1}), Blob({"CONTENTS"})}), "has other contents", true);
  ExpectTrouble(Served({Capabilities({1}), Blob({"contents", "!"})}), "more than the 8 bytes",
                true);
  ExpectTrouble(Served({Capabilities({1}), Blob({"conte"})}), "has other contents", true);
  ExpectTrouble(Served({Capabilities({1}), Blob(std::vector<std::string>(1002, ""))}),
                "an endless stream of nothing", true);
  ExpectTrouble(Served({Capabilities({1}), GrpcAnswer("\xff")}), "no ReadResponse", true);
}

TEST(RemoteCache, AServerWithoutCapabilitiesIsTakenAsItIs) {
  Served served({GrpcStatus(12, ""), NotFound(), Result()});
  EXPECT_EQ(*served.caches.Contains(Key("a")), true);
}

TEST(RemoteCache, SaysWhichFunctionsItHasInstead) {
  Served served({Capabilities({9, 2})});
  EXPECT_FALSE(served.caches.Contains(Key("a")).ok());
  ASSERT_EQ(served.caches.Troubles().size(), 1u);
  EXPECT_THAT(served.caches.Troubles()[0].other_functions, ElementsAre("BLAKE3", "SHA1"));
}

TEST(RemoteCache, AnotherCacheAnswersWhereOneFails) {
  const auto broken = GrpcServer([](int) { return GrpcStatus(16, ""); });
  const auto sound = GrpcServer([](int number) {
    return std::vector<std::string>{Capabilities({1}), NotFound(), Result(), NotFound()}[number];
  });
  BuildCaches caches = *BuildCaches::Open({GrpcUrl(*broken), GrpcUrl(*sound)}, kSha256, Hasty());
  EXPECT_EQ(*caches.Contains(Key("a")), true);
  // One that cannot say may have it.
  EXPECT_EQ(caches.Contains(Key("b")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(caches.Troubles().size(), 1u);
}

TEST(RemoteCache, ManyAreAskedForAtOnceAndOnce) {
  reapi::ActionResult result;
  result.set_stdout_raw("hello");
  ScriptedServer server([&](const std::string& request, int) {
    const bool has =
        request.find("/ac/0") != std::string::npos || request.find("/ac/a") != std::string::npos;
    return ScriptedServer::Reply{has ? Answer("200 OK", "", result.SerializeAsString())
                                     : Answer("404 Not Found", "", "")};
  });
  BuildCaches caches = *BuildCaches::Open({server.Url("")}, kSha256, Hasty());
  std::vector<BlobDigest> keys;
  for (int i = 0; i < 300; ++i) keys.push_back(Key(absl::StrCat(i)));
  caches.Prefetch(keys);
  EXPECT_EQ(server.requests().size(), 301u);  // and nobody's key
  for (const BlobDigest& key : keys) {
    EXPECT_EQ(*caches.Contains(key), key.Hex()[0] == '0' || key.Hex()[0] == 'a') << key.Hex();
  }
  EXPECT_EQ(server.requests().size(), 301u);
  EXPECT_TRUE(caches.Troubles().empty());
}

std::string ResultOf(const BlobDigest& blob) {
  reapi::ActionResult result;
  reapi::Digest& digest = *result.add_output_files()->mutable_digest();
  digest.set_hash(blob.Hex());
  digest.set_size_bytes(static_cast<int64_t>(blob.size));
  return GrpcAnswer(result.SerializeAsString());
}
std::string Missing(const std::vector<BlobDigest>& blobs) {
  reapi::FindMissingBlobsResponse response;
  for (const BlobDigest& blob : blobs) {
    response.add_missing_blob_digests()->set_hash(blob.Hex());
  }
  return GrpcAnswer(response.SerializeAsString());
}

TEST(RemoteCache, BlobsOfAResultAreAskedFor) {
  const BlobDigest blob = Key("object");
  Served there({Capabilities({1}), NotFound(), ResultOf(blob), Missing({})}, kSha256, "/main");
  EXPECT_EQ(there.caches.LookAtResult(Key("a"))->missing, std::nullopt);
  EXPECT_THAT(there.requests().back(), HasSubstr(blob.Hex()));
  EXPECT_THAT(there.requests().back(), HasSubstr("main"));
  Served gone({Capabilities({1}), NotFound(), ResultOf(blob), Missing({blob})});
  EXPECT_EQ(gone.caches.LookAtResult(Key("a"))->missing, blob);
  // A server without that service has them elsewhere.
  Served without({Capabilities({1}), NotFound(), ResultOf(blob), GrpcStatus(12, "")});
  EXPECT_EQ(without.caches.LookAtResult(Key("a"))->missing, std::nullopt);
  EXPECT_TRUE(without.trouble().ok());
  Served broken({Capabilities({1}), NotFound(), ResultOf(blob), GrpcAnswer("\xff\xff")});
  EXPECT_EQ(broken.caches.LookAtResult(Key("a")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(broken.trouble().message()), HasSubstr("no FindMissingBlobsResponse"));
}

TEST(RemoteCache, ManyBlobsAreReadAtOnce) {
  const auto contents = [](int i) { return absl::StrCat("blob ", i); };
  std::map<std::string, std::string> blobs;
  std::vector<BlobDigest> wanted;
  for (int i = 0; i < 100; ++i) {
    wanted.push_back(Key(contents(i)));
    if (i % 3 != 0) blobs[wanted.back().Hex()] = i % 5 == 0 ? "wrong" : contents(i);
  }
  ScriptedServer server([&](const std::string& request, int) {
    const size_t at = request.find("/cas/");
    const auto found = blobs.find(request.substr(at + 5, 64));
    return ScriptedServer::Reply{found == blobs.end() ? Answer("404 Not Found", "", "")
                                                      : Answer("200 OK", "", found->second)};
  });
  BuildCaches caches = *BuildCaches::Open({server.Url("")}, kSha256, Hasty());
  const std::vector<absl::StatusOr<std::string>> answers = caches.ReadBlobs(wanted, 100);
  ASSERT_EQ(answers.size(), wanted.size());
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<std::string>& answer = answers[static_cast<size_t>(i)];
    if (i % 3 == 0) {
      EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound) << i;
    } else if (i % 5 == 0) {
      EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable) << i;
    } else {
      EXPECT_EQ(answer.value_or("none"), contents(i));
    }
  }
  // Wrong ones are told, each once, and end nothing.
  ASSERT_EQ(caches.Troubles().size(), 1u);
  EXPECT_TRUE(caches.Troubles()[0].status.ok());
  EXPECT_EQ(caches.Troubles()[0].faults, 13u);
}

// What several were asked for at once is not asked again, but what one has not, another may have.
TEST(RemoteCache, BlobsOfManyResultsAreAskedForAtOnce) {
  const BlobDigest blob = Key("object");
  const auto serve = [&](bool has_blob) {
    return GrpcServer([=](int number) {
      if (number < 2) return number == 0 ? Capabilities({1}) : NotFound();
      // Results and blobs in turn, for one key alone is asked for at a time.
      return number % 2 == 0 ? ResultOf(blob)
                             : Missing(has_blob ? std::vector<BlobDigest>() : std::vector{blob});
    });
  };
  const auto with = serve(true);
  BuildCaches one = *BuildCaches::Open({GrpcUrl(*with)}, kSha256, Hasty());
  one.Prefetch({Key("a")});
  const size_t asked = net::GrpcRequests(*with).size();
  EXPECT_TRUE(*one.Contains(Key("a")));
  EXPECT_EQ(one.LookAtResult(Key("a"))->missing, std::nullopt);
  EXPECT_EQ(net::GrpcRequests(*with).size(), asked);

  const auto without = serve(false);
  BuildCaches two = *BuildCaches::Open({GrpcUrl(*without), GrpcUrl(*with)}, kSha256, Hasty());
  EXPECT_EQ(two.LookAtResult(Key("b"))->missing, std::nullopt);
}

// An entry that is rubbish says nothing of the others, and is named.
TEST(RemoteCache, OneRubbishEntryIsOneFault) {
  Served served({Capabilities({1}), NotFound(), GrpcAnswer("\xff\xff"), Result()});
  EXPECT_EQ(served.caches.Contains(Key("a")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(*served.caches.Contains(Key("b")));
  EXPECT_TRUE(served.trouble().ok());
  ASSERT_EQ(served.caches.Troubles().size(), 1u);
  EXPECT_EQ(served.caches.Troubles()[0].faults, 1u);
  const std::string said(served.caches.Troubles()[0].first_fault.message());
  EXPECT_THAT(said, HasSubstr("2 bytes that are no ActionResult"));
  EXPECT_THAT(said, HasSubstr(Key("a").ToString()));
}

// The tree of a result is looked into, once, and its blobs are asked for.
TEST(RemoteCache, TreesOfAResultAreLookedInto) {
  reapi::Tree tree;
  const BlobDigest inner = Key("inner");
  reapi::Digest& digest = *tree.mutable_root()->add_files()->mutable_digest();
  digest.set_hash(inner.Hex());
  digest.set_size_bytes(static_cast<int64_t>(inner.size));
  const std::string bytes = tree.SerializeAsString();
  reapi::ActionResult result;
  for (int i = 0; i < 3; ++i) {
    reapi::OutputDirectory& directory = *result.add_output_directories();
    directory.set_path(absl::StrCat("tree", i));
    directory.mutable_tree_digest()->set_hash(Key(bytes).Hex());
    directory.mutable_tree_digest()->set_size_bytes(static_cast<int64_t>(bytes.size()));
  }
  const std::string answer = GrpcAnswer(result.SerializeAsString());
  Served there({Capabilities({1}), NotFound(), answer, Blob({bytes}), Missing({})});
  const auto usability = there.caches.LookAtResult(Key("a"));
  ASSERT_TRUE(usability.ok()) << usability.status();
  EXPECT_EQ(usability->missing, std::nullopt);
  EXPECT_THAT(usability->outputs,
              ElementsAre(BuildCaches::HashOfPath("tree0"), BuildCaches::HashOfPath("tree1")));
  EXPECT_EQ(there.calls(), 5u);
  Served gone({Capabilities({1}), NotFound(), answer, Blob({bytes}), Missing({inner})});
  EXPECT_EQ(gone.caches.LookAtResult(Key("a"))->missing, inner);
  Served no_tree({Capabilities({1}), NotFound(), answer, NotFound()});
  EXPECT_EQ(no_tree.caches.LookAtResult(Key("a"))->missing, Key(bytes));
}

// What has been answered counts, although what comes behind it is too late or fails.
TEST(RemoteCache, AnswersBeforeTheEndCount) {
  ScriptedServer server([&](const std::string&, int number) {
    return ScriptedServer::Reply{number < 40 ? Answer("404 Not Found", "", "")
                                             : Answer("500 Broken", "", "")};
  });
  RemoteCacheOptions options = Hasty();
  options.timeout = absl::Seconds(10);
  BuildCaches caches = *BuildCaches::Open({server.Url("")}, kSha256, options);
  std::vector<BlobDigest> keys;
  for (int i = 0; i < 300; ++i) keys.push_back(Key(absl::StrCat(i)));
  caches.Prefetch(keys);
  ASSERT_EQ(caches.Troubles().size(), 1u);
  EXPECT_EQ(caches.Troubles()[0].answered, 39u);  // nobody's key apart
  const auto is_known = [&](const BlobDigest& key) { return caches.Contains(key).ok(); };
  EXPECT_EQ(std::count_if(keys.begin(), keys.end(), is_known), 39);
}

// A status that a server may send is an answer, too.
TEST(RemoteCache, CancelledIsTrouble) {
  Served served({Capabilities({1}), GrpcStatus(1, "no")});
  const auto answers = served.caches.ReadBlobs({Key("a"), Key("b"), Key("c")}, 100);
  for (const auto& answer : answers) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(served.trouble().code(), absl::StatusCode::kCancelled);
}

// Whichever thread asks first, introductions are made once.
TEST(RemoteCache, GreetsOnce) {
  Served served({Capabilities({2})});
  std::vector<BlobDigest> wanted = {Key("")};  // nobody is asked for that
  for (int i = 0; i < 40; ++i) wanted.push_back(Key(absl::StrCat(i)));
  served.caches.ReadBlobs(wanted, 100);
  EXPECT_EQ(served.calls(), 1u);
  ASSERT_EQ(served.caches.Troubles().size(), 1u);
  EXPECT_THAT(served.caches.Troubles()[0].other_functions, ElementsAre("SHA1"));
}

TEST(RemoteCache, TroubleEndsWhatIsAskedAtOnce) {
  ScriptedServer server([&](const std::string&, int number) {
    return ScriptedServer::Reply{number < 30 ? Answer("404 Not Found", "", "")
                                             : Answer("401 Who", "", "")};
  });
  BuildCaches caches = *BuildCaches::Open({server.Url("")}, kSha256, Hasty());
  std::vector<BlobDigest> keys;
  for (int i = 0; i < 300; ++i) keys.push_back(Key(absl::StrCat(i)));
  caches.Prefetch(keys);
  EXPECT_LT(server.requests().size(), 60u);
  ASSERT_EQ(caches.Troubles().size(), 1u);
  EXPECT_EQ(caches.Troubles()[0].status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_FALSE(caches.Contains(keys[299]).ok());
}

TEST(RemoteCache, AllQuestionsTogetherAreBounded) {
  RemoteCacheOptions options = Hasty();
  options.most_time = absl::ZeroDuration();
  Served served({Capabilities({1}), NotFound(), Result()}, kSha256, "", options);
  EXPECT_EQ(*served.caches.Contains(Key("a")), true);
  EXPECT_FALSE(served.caches.Contains(Key("b")).ok());
  EXPECT_EQ(served.trouble().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(RemoteCache, ReferencesThatAreNone) {
  for (const char* reference :
       {"ftp://host/", "grpc://", "grpc://me:secret@host:1", "http://host/?token=hidden",
        "grpc://host:1/main#hidden", "grpc://host:no"}) {
    const absl::Status status = BuildCaches::Open({reference}, kSha256).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << reference;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("me:"))) << reference;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hidden"))) << reference;
  }
  EXPECT_EQ(PrintableReference("http://me:secret@host/cache/"), "http://host/cache");
  EXPECT_EQ(PrintableReference("http://host/x?token=hidden&a=b#c"), "http://host/x?(masked)");
  EXPECT_EQ(PrintableReference("/a/directory/"), "/a/directory/");
}

// --- caches of plain HTTP

BuildCaches OfHttp(const ScriptedServer& server, const std::string& user = "") {
  return *BuildCaches::Open({"http://" + user + server.Url("/cache/").substr(7)}, kSha256, Hasty());
}

TEST(HttpCache, IsAskedForFilesByWhoeverTheUrlSays) {
  reapi::ActionResult result;
  result.set_stdout_raw("hello");
  ScriptedServer server([&](const std::string& request, int) {
    const bool has = request.find("/cache/ac/" + Key("a").Hex()) != std::string::npos;
    const bool blob = request.find("/cache/cas/" + Key("blob").Hex()) != std::string::npos;
    return ScriptedServer::Reply{has    ? Answer("200 OK", "", result.SerializeAsString())
                                 : blob ? Answer("200 OK", "", "blob")
                                        : Answer("404 Not Found", "", "")};
  });
  BuildCaches caches = OfHttp(server, "me:se%40cret@");
  EXPECT_EQ(*caches.Contains(Key("a")), true);
  EXPECT_EQ(*caches.Contains(Key("b")), false);
  EXPECT_EQ(caches.ReadBlob(Key("blob"), 100).value_or("none"), "blob");
  EXPECT_EQ(caches.ReadBlob(Key("bulb"), 100).status().code(), absl::StatusCode::kNotFound);
  for (const std::string& request : server.requests()) {
    EXPECT_THAT(request, HasSubstr("Authorization: Basic bWU6c2VAY3JldA=="));
  }
}

TEST(HttpCache, TellsNobodyElseWhoAsks) {
  ScriptedServer other([](const std::string&, int) {
    return ScriptedServer::Reply{Answer("404 Not Found", "", "")};
  });
  ScriptedServer server([&](const std::string&, int) {
    return ScriptedServer::Reply{
        Answer("307 Temporary Redirect", "Location: " + other.Url("/x") + "\r\n", "")};
  });
  RemoteCacheOptions options = Hasty();
  options.headers = {{"x-secret", "hunter2"}};
  BuildCaches caches =
      *BuildCaches::Open({"http://me:secret@" + server.Url("/").substr(7)}, kSha256, options);
  EXPECT_EQ(*caches.Contains(Key("a")), false);
  EXPECT_THAT(server.requests()[0], HasSubstr("x-secret: hunter2"));
  EXPECT_THAT(server.requests()[0], HasSubstr("Basic"));
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("hunter2")));
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("Basic")));
}

void ExpectHttpTrouble(const std::string& answer, absl::StatusCode code, const std::string& words,
                       bool of_blob = false) {
  ScriptedServer server([&](const std::string&, int) { return ScriptedServer::Reply{answer}; });
  BuildCaches caches = OfHttp(server);
  const absl::Status asked =
      of_blob ? caches.ReadBlob(Key("contents"), 100).status() : caches.Contains(Key("a")).status();
  EXPECT_EQ(asked.code(), absl::StatusCode::kUnavailable) << asked;
  ASSERT_EQ(caches.Troubles().size(), 1u) << words;
  const absl::Status trouble = Told(caches);
  EXPECT_EQ(trouble.code(), code) << trouble;
  EXPECT_THAT(std::string(trouble.message()), HasSubstr(words));
}

TEST(HttpCache, TroubleIsToldAndEndsIt) {
  using absl::StatusCode;
  ExpectHttpTrouble(Answer("200 OK", "", "<html>"), StatusCode::kFailedPrecondition,
                    "no action has");
  ExpectHttpTrouble(Answer("200 OK", "", ""), StatusCode::kFailedPrecondition,
                    "a key that no action has");
  ExpectHttpTrouble(Answer("401 Who", "", ""), StatusCode::kUnauthenticated, "answers 401 Who");
  ExpectHttpTrouble(Answer("403 No", "", ""), StatusCode::kPermissionDenied, "answers 403 No");
  ExpectHttpTrouble(Answer("405 No", "", ""), StatusCode::kUnknown, "answers 405 No");
  ExpectHttpTrouble(Answer("503 Busy", "", ""), StatusCode::kUnavailable, "after 3 attempts");
  ExpectHttpTrouble("nonsense\r\n\r\n", StatusCode::kUnknown, "HTTP/0.9");
  ExpectHttpTrouble(Answer("200 OK", "", "CONTENTS"), StatusCode::kDataLoss, "other contents",
                    true);
  ExpectHttpTrouble(Answer("200 OK", "", "contents!"), StatusCode::kDataLoss, "other contents",
                    true);
}

// What a server writes below its 404 is longer than the blob.
TEST(HttpCache, PageOfA404) {
  ScriptedServer server([&](const std::string&, int) {
    return ScriptedServer::Reply{Answer("404 Not Found", "", std::string(5000, 'x'))};
  });
  BuildCaches caches = OfHttp(server);
  EXPECT_TRUE(absl::IsNotFound(caches.ReadBlob(Key("contents"), 100).status()));
  EXPECT_THAT(caches.Troubles(), testing::IsEmpty());
}

}  // namespace
}  // namespace lre_audit::cache
