#include "audit/cache/grpc_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/cache/proto/remote_execution_log.pb.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::cache {
namespace {

using remote_logging::LogEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kAction[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

LogEntry Call(const char* method, const char* action, int code) {
  LogEntry entry;
  entry.set_method_name(method);
  entry.mutable_metadata()->set_action_id(action);
  entry.mutable_metadata()->mutable_tool_details()->set_tool_version("release 7.4.1");
  entry.mutable_metadata()->set_action_mnemonic("CppCompile");
  if (code != 0) entry.mutable_status()->set_code(code);
  entry.mutable_start_time()->set_seconds(10);
  entry.mutable_end_time()->set_seconds(10);
  entry.mutable_end_time()->set_nanos(5);
  return entry;
}

std::string Sample() {
  LogEntry miss = Call("build.bazel.remote.execution.v2.ActionCache/GetActionResult", kAction, 5);
  miss.mutable_details()->mutable_get_action_result()->mutable_request()->set_instance_name("main");
  LogEntry execute = Call("build.bazel.remote.execution.v2.Execution/Execute", kAction, 0);
  build::bazel::remote::execution::v2::ExecuteResponse response;
  response.set_cached_result(true);
  response.mutable_result()->set_exit_code(3);
  execute.mutable_details()->mutable_execute()->add_responses()->mutable_response()->set_value(
      response.SerializeAsString());
  LogEntry failed = Call("google.bytestream.ByteStream/Read", kAction, 14);
  failed.mutable_status()->set_message("connection refused");
  failed.mutable_retry_summary()->set_retry_attempts(4);
  failed.mutable_retry_summary()->set_retries_exhausted(true);
  return Delimited(Call("build.bazel.remote.execution.v2.Capabilities/GetCapabilities",
                        "capabilities", 0)) +
         Delimited(miss) + Delimited(execute) + Delimited(failed);
}

absl::StatusOr<GrpcLog> ReadCalls(std::string bytes) {
  StringSource source(std::move(bytes));
  return ReadGrpcLog(source, "grpc.log", {});
}

TEST(GrpcLog, CallsByAction) {
  const absl::StatusOr<GrpcLog> log = ReadCalls(Sample());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->warning_count, 0u);
  ASSERT_EQ(log->calls.size(), 4u);
  EXPECT_THAT(log->by_action.at(kAction), ElementsAre(1, 2, 3));
  EXPECT_THAT(log->by_action.at(""), ElementsAre(0));
  const RemoteCall& miss = log->calls[1];
  EXPECT_EQ(miss.method, RemoteCall::Method::kGetActionResult);
  EXPECT_EQ(miss.status, absl::StatusCode::kNotFound);
  EXPECT_EQ(miss.instance_name, "main");
  EXPECT_EQ(miss.tool_version, "release 7.4.1");
  EXPECT_EQ(miss.end_nanoseconds - miss.start_nanoseconds, 5);
  EXPECT_TRUE(log->calls[2].cached_result);
  EXPECT_EQ(log->calls[2].exit_code, 3);
  const RemoteCall& failed = log->calls[3];
  EXPECT_EQ(failed.status, absl::StatusCode::kUnavailable);
  EXPECT_EQ(failed.message, "connection refused");
  EXPECT_EQ(failed.retries, 4u);
  EXPECT_TRUE(failed.retries_exhausted);
  EXPECT_EQ(failed.entry, 3u);
}

TEST(GrpcLog, CutEverywhere) {
  const std::string bytes = Sample();
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    const absl::StatusOr<GrpcLog> log = ReadCalls(bytes.substr(0, cut));
    if (!log.ok()) {
      EXPECT_LT(cut, bytes.size() / 3);
      continue;
    }
    EXPECT_EQ(log->calls.size(), log->entries);
    if (log->bytes != cut || log->warning_count != 0) {
      ASSERT_EQ(log->warnings.size(), 1u);
      EXPECT_EQ(log->warnings[0].entry, log->entries);
      EXPECT_THAT(log->warnings[0].message, HasSubstr("the log ends"));
    }
  }
}

TEST(GrpcLog, DamagedEntriesArePassedOver) {
  const absl::StatusOr<GrpcLog> log = ReadCalls(Sample() + "\x02\x0a\x7f" + Sample());
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->calls.size(), 8u);
  ASSERT_EQ(log->warning_count, 1u);
  EXPECT_EQ(log->warnings[0].entry, 4u);
}

TEST(GrpcLog, WhatIsBehindThePackedLogIsTold) {
  EXPECT_EQ(ReadCalls(Zstd(Sample()))->warning_count, 0u);
  const absl::StatusOr<GrpcLog> log = ReadCalls(Zstd(Sample()) + "more");
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->calls.size(), 4u);
  ASSERT_EQ(log->warning_count, 1u);
  EXPECT_THAT(log->warnings[0].message, HasSubstr("goes on behind what is packed"));
}

// Each kind of log is told what the other is.
TEST(GrpcLog, IsNoExecutionLog) {
  EXPECT_THAT(ReadCalls(BinaryLog(SampleSpawns())).status().message(),
              HasSubstr("a binary execution log"));
  EXPECT_THAT(ReadCalls(Zstd(CompactLog(CompactEntries(SampleSpawns(), true)))).status().message(),
              HasSubstr("a compact execution log"));
  StringSource source(Sample());
  EXPECT_THAT(ReadExecutionLog(source, "x", {}).status().message(), HasSubstr("a gRPC log"));
}

}  // namespace
}  // namespace lre_audit::cache
