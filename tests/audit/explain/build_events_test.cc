// Build events: read in both forms, and which options are behind which cause.
#include "audit/cache/build_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/cache/proto/build_events.pb.h"
#include "audit/cache/proto/remote_execution_log.pb.h"
#include "audit/explain/option_differences.h"
#include "tests/audit/explain/explain_samples.h"

namespace lre_audit::explain {
namespace {

using build_event_stream::BuildEvent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// As Bazel writes it: what is not read here stands in it, too.
constexpr char kJson[] =
    R"({"id":{"started":{}},"children":[{"progress":{}}],"started":{"uuid":"dd548bcb","buildToolVersion":"4.2.3","startTimeMillis":"1795652906189"}}
{"id":{"optionsParsed":{}},"optionsParsed":{"startupOptions":["--max_idle_secs=60"],"cmdLine":["--jobs=1","--copt=-O2"],"invocationPolicy":{}}}
{"id":{"namedSet":{"id":"0"}},"namedSetOfFiles":{"files":[{"name":"lib/lib.h","uri":"file:///x","pathPrefix":["bazel-out","k8","bin"]}]}}
{"id":{"namedSet":{"id":"1"}},"namedSetOfFiles":{"files":[{"name":"lib/lib.o","pathPrefix":["bazel-out","k8","bin"]}],"fileSets":[{"id":"0"}]}}
{"id":{"targetCompleted":{"label":"//lib:lib","configuration":{"id":"b82"}}},"completed":{"success":true,"outputGroup":[{"name":"default","fileSets":[{"id":"1"}]}]}}
{"id":{"actionCompleted":{"primaryOutput":"bazel-out/k8/bin/gen/gen.h","label":"//gen:header"}},"action":{"success":false}}
)";

absl::StatusOr<cache::BuildEvents> Read(std::string bytes) {
  StringSource source(std::move(bytes));
  return cache::ReadBuildEvents(source, "bep", {});
}

TEST(BuildEvents, InJson) {
  const absl::StatusOr<cache::BuildEvents> events = Read(kJson);
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->events, 6u);
  EXPECT_EQ(events->warning_count, 0u);
  EXPECT_EQ(events->invocation_id, "dd548bcb");
  EXPECT_THAT(events->options, ElementsAre("--jobs=1", "--copt=-O2"));
  EXPECT_THAT(events->labels,
              UnorderedElementsAre(Pair("bazel-out/k8/bin/lib/lib.h", "//lib:lib"),
                                   Pair("bazel-out/k8/bin/lib/lib.o", "//lib:lib"),
                                   Pair("bazel-out/k8/bin/gen/gen.h", "//gen:header")));
}

TEST(BuildEvents, InBinary) {
  BuildEvent started, options, set, completed;
  // {started {}}: what the first event of a build is.
  started.mutable_id()
      ->GetReflection()
      ->MutableUnknownFields(started.mutable_id())
      ->AddLengthDelimited(3);
  started.mutable_started()->set_uuid("dd548bcb");
  options.mutable_options_parsed()->add_cmd_line("--copt=-O2");
  set.mutable_id()->mutable_named_set()->set_id("0");
  auto* file = set.mutable_named_set_of_files()->add_files();
  file->add_path_prefix("bazel-out");
  file->set_name("lib/lib.o");
  completed.mutable_id()->mutable_target_completed()->set_label("//lib:lib");
  completed.mutable_completed()->add_output_group()->add_file_sets()->set_id("0");
  std::string bytes;
  for (const BuildEvent* event : {&started, &options, &set, &completed})
    bytes += cache::Delimited(*event);
  const absl::StatusOr<cache::BuildEvents> events = Read(bytes);
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->invocation_id, "dd548bcb");
  EXPECT_THAT(events->options, ElementsAre("--copt=-O2"));
  EXPECT_THAT(events->labels, ElementsAre(Pair("bazel-out/lib/lib.o", "//lib:lib")));
}

TEST(BuildEvents, ThatEndEarlyOrAreNone) {
  const std::string json = kJson;
  const absl::StatusOr<cache::BuildEvents> cut = Read(json.substr(0, json.size() - 20));
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->events, 5u);
  EXPECT_EQ(cut->warning_count, 1u);
  EXPECT_EQ(Read(cache::Zstd(json))->warning_count, 0u);
  EXPECT_EQ(Read(cache::Zstd(json) + "more")->warning_count, 1u);
  EXPECT_EQ(Read("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read("some text\n").status().code(), absl::StatusCode::kInvalidArgument);
}

// Of a file that is cut, nothing is said of what it lacks.
TEST(BuildEvents, ThatEndBeforeTheOptions) {
  const std::string json = kJson;
  ExplainRequest request;
  request.local_bep = WriteTemporary("whole.bep", json);
  request.remote_bep = WriteTemporary("cut.bep", json.substr(0, json.find('\n') + 1));
  const Report report = ExplainBuilds(SampleBuild(), SampleBuild(), request);
  ASSERT_EQ(report.findings_size(), 1);
  EXPECT_EQ(report.findings(0).rule(), "LRE901");
  EXPECT_THAT(report.findings(0).message(), HasSubstr("end before those that say"));
}

std::vector<std::string> Texts(const std::vector<std::string>& local,
                               const std::vector<std::string>& remote) {
  std::vector<std::string> texts;
  for (const OptionDifference& difference : CompareOptions(local, remote, false)) {
    texts.push_back(difference.Text());
  }
  return texts;
}

TEST(Options, ThatDiffer) {
  EXPECT_THAT(
      Texts({"--copt=-O2", "--copt=-g", "--stamp"}, {"--copt=-O2", "--nostamp", "--define=A=b"}),
      ElementsAre("--copt=-g is in local alone", "--define=A=b is in remote alone",
                  "--stamp here, --nostamp there"));
  EXPECT_THAT(Texts({"--action_env=API_TOKEN=hunter2"}, {}),
              ElementsAre("--action_env=API_TOKEN=(masked, 7 bytes) is in local alone"));
  // How a build is shown, logged or scheduled.
  EXPECT_THAT(
      Texts({"--jobs=1", "--nokeep_going", "--execution_log_json_file=a", "--symlink_prefix=a"},
            {"--jobs=2", "--color=no", "--execution_log_json_file=b", "--symlink_prefix=b"}),
      IsEmpty());
  EXPECT_THAT(Texts({"--platforms=a"}, {"--platforms=a"}), IsEmpty());
}

TEST(Options, BehindACause) {
  Build local = SampleBuild(), remote = SampleBuild();
  Compile(remote).add_command_args("-DNEW=1");
  AddVariable("CI", "true", &Generate(remote));
  const auto events = [](const std::string& options) {
    return R"({"id":{"optionsParsed":{}},"optionsParsed":{"cmdLine":[)" + options + "]}}\n";
  };
  ExplainRequest request;
  request.local_bep = WriteTemporary("local.bep", events(R"("--stamp","--define=x=y")"));
  request.remote_bep = WriteTemporary(
      "remote.bep",
      events(R"("--stamp","--copt=-DNEW=1","--action_env=CI=true","--action_env=B=c")"));
  const Report report = ExplainBuilds(local, remote, request);
  ASSERT_EQ(report.findings_size(), 3);
  EXPECT_THAT(report.findings(0).notes(),
              ElementsAre("the builds' options differ: --action_env=CI=true is in remote alone"));
  EXPECT_THAT(report.findings(1).notes(),
              ElementsAre("the builds' options differ: --copt=-DNEW=1 is in remote alone"));
  EXPECT_EQ(report.findings(2).rule(), "LRE727");
  EXPECT_EQ(report.findings(2).severity(), Finding::NOTE);
  EXPECT_EQ(report.findings(2).notes_size(), 4);
}

TEST(Labels, OfEventsWhereTheLogHasNone) {
  Build local = SampleBuild(), remote = SampleBuild();
  for (Build* build : {&local, &remote}) {
    for (SpawnExec& spawn : *build) spawn.clear_target_label();
  }
  Generate(remote).add_command_args("more");
  ExplainRequest request;
  request.local_bep = WriteTemporary("labels.bep", kJson);
  const Report report = ExplainBuilds(local, remote, request);
  ASSERT_EQ(report.findings_size(), 1);
  EXPECT_EQ(report.findings(0).key_cause().label(), "//gen:header");
}

// They name actions for --action as well.
TEST(Labels, OfEventsAreAskedFor) {
  Build build = SampleBuild();
  for (SpawnExec& spawn : build) spawn.clear_target_label();
  ExplainRequest request;
  request.remote_bep = WriteTemporary("asked.bep", kJson);
  request.action = "//lib:lib";
  const Report report = ExplainBuilds(build, build, request);
  ASSERT_EQ(report.explanation().actions_size(), 1);
  EXPECT_EQ(report.explanation().actions(0).label(), "//lib:lib");
}

// Where anything says which build the log is of, events of another one are none of it.
TEST(BuildEvents, OfAnotherBuildAreLeftOut) {
  Build build = SampleBuild();
  for (SpawnExec& spawn : build) spawn.clear_target_label();
  const auto explain = [&](const std::string& invocation) {
    remote_logging::LogEntry call;
    call.set_method_name("build.bazel.remote.execution.v2.ActionCache/GetActionResult");
    call.mutable_metadata()->set_tool_invocation_id(invocation);
    ExplainRequest request;
    request.local_grpc_logs = {WriteTemporary("calls", cache::Delimited(call))};
    request.local_bep = WriteTemporary("other.bep", kJson);
    Build remote = build;
    Generate(remote).add_command_args("more");
    return ExplainBuilds(build, remote, request);
  };
  const Report own = explain("dd548bcb");
  EXPECT_THAT(Errors(own), ElementsAre("LRE725"));
  EXPECT_EQ(own.findings(0).key_cause().label(), "//gen:header");
  const Report other = explain("0123");
  ASSERT_THAT(Errors(other), ElementsAre("LRE725", "LRE901"));
  EXPECT_EQ(other.findings(0).key_cause().label(), "");
  EXPECT_THAT(other.findings(1).message(), HasSubstr("the invocation dd548bcb instead of 0123"));
}

}  // namespace
}  // namespace lre_audit::explain
