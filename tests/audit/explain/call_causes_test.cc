// What gRPC logs add to an explanation: each diagnosis planted, and its innocent neighbour.
#include "audit/explain/call_causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/cache/proto/remote_execution_log.pb.h"
#include "tests/audit/explain/explain_samples.h"

namespace lre_audit::explain {
namespace {

using remote_logging::LogEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kOk = 0, kCancelled = 1, kDeadlineExceeded = 4, kNotFound = 5, kPermissionDenied = 7,
              kUnavailable = 14;

class Log {
 public:
  explicit Log(std::string instance = "", int64_t time = 0)
      : instance_(std::move(instance)), time_(time) {}

  Log& Get(const SpawnExec& spawn, int code) {
    LogEntry entry = Entry("ActionCache/GetActionResult", spawn, code);
    entry.mutable_details()->mutable_get_action_result()->mutable_request()->set_instance_name(
        instance_);
    return Add(entry);
  }
  Log& Update(const SpawnExec& spawn, int code) {
    LogEntry entry = Entry("ActionCache/UpdateActionResult", spawn, code);
    entry.mutable_details()->mutable_update_action_result()->mutable_request()->set_instance_name(
        instance_);
    return Add(entry);
  }
  Log& Read(const SpawnExec& spawn, const std::string& blob, int code) {
    LogEntry entry = Entry("ByteStream/Read", spawn, code);
    entry.mutable_details()->mutable_read()->mutable_request()->set_resource_name("blobs/" + blob);
    return Add(entry);
  }
  Log& Capabilities(int code) {
    SpawnExec none;
    none.mutable_digest()->set_hash("capabilities");
    return Add(Entry("Capabilities/GetCapabilities", none, code));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  LogEntry Entry(const std::string& method, const SpawnExec& spawn, int code) {
    LogEntry entry;
    entry.set_method_name("build.bazel.remote.execution.v2." + method);
    entry.mutable_metadata()->set_action_id(spawn.digest().hash());
    entry.mutable_status()->set_code(code);
    if (code > kCancelled)
      entry.mutable_status()->set_message("said the server: bad token=hunter2 of me");
    if (time_ != 0) {
      entry.mutable_start_time()->set_seconds(time_);
      entry.mutable_end_time()->set_seconds(time_ + 30);
      ++time_;
    }
    return entry;
  }
  Log& Add(const LogEntry& entry) {
    bytes_ += cache::Delimited(entry);
    return *this;
  }
  std::string instance_, bytes_;
  int64_t time_;
};

Report ExplainCalls(const Build& build, const Log* local, const Log* remote) {
  ExplainRequest request;
  if (local != nullptr) {
    request.local_grpc_logs = {WriteTemporary("local.grpc", local->bytes())};
  }
  if (remote != nullptr) {
    request.remote_grpc_logs = {WriteTemporary("remote.grpc", remote->bytes())};
  }
  return ExplainLogged(build, build, std::move(request));
}

Build Sample() {
  Build build = SampleBuild();
  SetKeys(build);
  return build;
}

TEST(Calls, AMissIsTold) {
  Build build = Sample();
  const Log local = Log().Get(Generate(build), kOk).Get(Compile(build), kNotFound);
  const Report report = ExplainCalls(build, &local, nullptr);
  ASSERT_THAT(Errors(report), ElementsAre("LRE701"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("NOT_FOUND in the local build"));
  EXPECT_THAT(report.findings(0).notes(0), HasSubstr("--remote-grpc-log"));
  EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::PROVEN);
  EXPECT_EQ(report.findings(0).key_cause().label(), "//lib:lib");
  // What a disk cache had is no miss.
  Compile(build).set_cache_hit(true);
  EXPECT_THAT(Errors(ExplainCalls(build, &local, nullptr)), IsEmpty());
}

TEST(Calls, WhoAsksFirstFindsNothing) {
  Build build = Sample();
  const Log first = Log("", 100).Get(Compile(build), kNotFound).Update(Compile(build), kOk);
  const Log found = Log("", 200).Get(Compile(build), kOk);
  EXPECT_THAT(Errors(ExplainCalls(build, &found, &first)), IsEmpty());
  EXPECT_THAT(Errors(ExplainCalls(build, &first, &found)), IsEmpty());
  const Log missed = Log("", 200).Get(Compile(build), kNotFound);
  const Report report = ExplainCalls(build, &missed, &first);
  ASSERT_THAT(Errors(report), ElementsAre("LRE701"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("in the local build"));
  EXPECT_THAT(report.findings(0).notes(0), HasSubstr("remote build had uploaded the result"));
}

TEST(Calls, BuildsAtTheSameTimeMissEachOther) {
  Build build = Sample();
  // Asked at 100, uploaded from 101 to 131; the other asks at 110 or at 200.
  const Log first = Log("", 100).Get(Compile(build), kNotFound).Update(Compile(build), kOk);
  const Log beside = Log("", 110).Get(Compile(build), kNotFound);
  const Log after = Log("", 200).Get(Compile(build), kNotFound);
  EXPECT_THAT(Errors(ExplainCalls(build, &beside, &first)), IsEmpty());
  EXPECT_THAT(Errors(ExplainCalls(build, &after, &first)), ElementsAre("LRE701"));
}

TEST(Calls, WhatWasNeverUploadedCannotBeFound) {
  Build build = Sample();
  const Log missed = Log("", 200).Get(Compile(build), kNotFound);
  const Log silent = Log("", 100).Get(Compile(build), kNotFound);
  Report report = ExplainCalls(build, &missed, &silent);
  ASSERT_THAT(Errors(report), ElementsAre("LRE701"));
  EXPECT_THAT(report.findings(0).notes(0), HasSubstr("did not upload"));
  const Log refused =
      Log("", 100).Get(Compile(build), kNotFound).Update(Compile(build), kPermissionDenied);
  report = ExplainCalls(build, &missed, &refused);
  ASSERT_THAT(Errors(report), ElementsAre("LRE701", "LRE704"));
  EXPECT_THAT(report.findings(0).notes(0), HasSubstr("PERMISSION_DENIED"));
  EXPECT_THAT(report.findings(1).help(), HasSubstr("right to write"));
}

// What a log lacks that is cut, the build may have done.
TEST(Calls, WhatADamagedLogLacksIsNotSaid) {
  Build build = Sample();
  const Log local = Log("", 100).Get(Compile(build), kNotFound);
  const Log remote = Log("", 50).Get(Compile(build), kNotFound).Update(Compile(build), kOk);
  ExplainRequest request;
  request.local_grpc_logs = {WriteTemporary("local.grpc", local.bytes())};
  request.remote_grpc_logs = {
      WriteTemporary("remote.grpc", remote.bytes().substr(0, remote.bytes().size() - 5))};
  const Report report = ExplainLogged(build, build, std::move(request));
  ASSERT_THAT(Errors(report), ElementsAre("LRE701", "LRE901"));
  EXPECT_THAT(report.findings(0).notes(), ElementsAre(HasSubstr("does not tell")));
}

TEST(Calls, ResultsWithoutTheirBlobs) {
  Build build = Sample();
  const Log gone = Log("", 200).Get(Compile(build), kOk).Read(Compile(build), "a/1", kNotFound);
  const Report report = ExplainCalls(build, &gone, nullptr);
  ASSERT_THAT(Errors(report), ElementsAre("LRE701"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("not all of its blobs"));
  const Log come = Log("", 200)
                       .Get(Compile(build), kOk)
                       .Read(Compile(build), "a/1", kNotFound)
                       .Read(Compile(build), "a/1", kOk);
  EXPECT_THAT(Errors(ExplainCalls(build, &come, nullptr)), IsEmpty());
}

TEST(Calls, OtherInstancesShareNothing) {
  Build build = Sample();
  const auto missed = [&](const char* instance, int64_t time) {
    return Log(instance, time).Get(Compile(build), kNotFound);
  };
  const Log plain = missed("", 100), main = missed("main", 200);
  const Report report = ExplainCalls(build, &plain, &main);
  ASSERT_THAT(Errors(report), ElementsAre("LRE702"));  // and no LRE701
  EXPECT_EQ(report.findings(0).key_cause().local(), "(no name)");
  EXPECT_EQ(report.findings(0).key_cause().remote(), "main");
  // One instance of several is shared.
  Log both = missed("main", 100);
  const Log other = Log("other").Get(Generate(build), kOk);
  ExplainRequest request;
  request.local_grpc_logs = {WriteTemporary("a.grpc", both.Update(Compile(build), kOk).bytes()),
                             WriteTemporary("b.grpc", other.bytes())};
  const Log found = Log("main", 200).Get(Compile(build), kOk);
  request.remote_grpc_logs = {WriteTemporary("c.grpc", found.bytes())};
  EXPECT_THAT(Errors(ExplainLogged(build, build, request)), IsEmpty());
}

TEST(Calls, FailuresForGoodAreTold) {
  Build build = Sample();
  const Log down = Log()
                       .Get(Compile(build), kUnavailable)
                       .Get(Compile(build), kUnavailable)
                       .Get(Generate(build), kDeadlineExceeded)
                       .Read(Generate(build), "a/1", kDeadlineExceeded);
  const Report report = ExplainCalls(build, &down, nullptr);
  ASSERT_THAT(Errors(report), ElementsAre("LRE704", "LRE704"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("DEADLINE_EXCEEDED in the local build"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("GetActionResult, Read"));
  EXPECT_EQ(report.findings(0).key_cause().label(), "//gen:header");
  EXPECT_THAT(report.findings(1).message(), HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(report.findings(1).notes(),
              ElementsAre(HasSubstr("said the server"), "2 calls failed so"));
  EXPECT_EQ(report.findings(1).key_cause().actions(), 1);
}

TEST(Calls, WhatARetryMendedIsNotTold) {
  Build build = Sample();
  const Log mended = Log()
                         .Get(Compile(build), kUnavailable)
                         .Get(Compile(build), kOk)
                         .Read(Compile(build), "a/1", kUnavailable)
                         .Read(Compile(build), "a/1", kOk)
                         .Read(Compile(build), "b/1", kCancelled);
  EXPECT_THAT(Errors(ExplainCalls(build, &mended, nullptr)), IsEmpty());
  // Another blob is no retry.
  const Log other =
      Log().Read(Compile(build), "a/1", kUnavailable).Read(Compile(build), "b/1", kOk);
  EXPECT_THAT(Errors(ExplainCalls(build, &other, nullptr)), ElementsAre("LRE704"));
}

TEST(Calls, FailuresOfNoActionAreTold) {
  Build build = Sample();
  const Log down = Log().Capabilities(kUnavailable);
  const Report report = ExplainCalls(build, &down, nullptr);
  ASSERT_THAT(Errors(report), ElementsAre("LRE704"));
  EXPECT_EQ(report.findings(0).key_cause().actions(), 0);
  EXPECT_THAT(report.findings(0).message(), HasSubstr("GetCapabilities"));
  EXPECT_EQ(report.findings(0).notes(0),
            "what was said: said the server: bad token=(masked, 7 bytes) of me");
}

TEST(Calls, VerifyKeysThatLogsDoNotSay) {
  Build keyed = Sample(), local = SampleBuild();
  const Log asked = Log().Get(Generate(keyed), kOk).Get(Compile(keyed), kOk);
  // Without digests: the recipes are tried, and one makes what Bazel asked for.
  ExplainRequest request;
  Report report = ExplainLogged(local, local, request);
  EXPECT_EQ(report.explanation().verified(), 0);
  request.local_grpc_logs = {WriteTemporary("asked.grpc", asked.bytes())};
  report = ExplainLogged(local, local, request);
  EXPECT_EQ(report.explanation().verified(), 2);
}

TEST(Calls, DamageIsIncomplete) {
  Build build = Sample();
  Log local = Log().Get(Compile(build), kOk).Get(Generate(build), kOk);
  ExplainRequest request;
  request.local_grpc_logs = {
      WriteTemporary("cut.grpc", local.bytes().substr(0, local.bytes().size() - 3))};
  const Report report = ExplainLogged(build, build, request);
  ASSERT_THAT(Errors(report), ElementsAre("LRE901"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("offset"));
  EXPECT_THAT(report.findings(0).notes(0), HasSubstr("1 call"));
  request.local_grpc_logs = {WriteTemporary("no.grpc", "no log at all, but text\n")};
  request.local = request.remote = WriteTemporary("log", cache::BinaryLog(build));
  EXPECT_EQ(Explain(request).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lre_audit::explain
