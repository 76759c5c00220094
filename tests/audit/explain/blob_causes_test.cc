// What the contents of blobs add to an explanation: planted, and its innocent neighbour.
#include "audit/explain/blob_causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "audit/cache/proto/remote_execution.pb.h"
#include "audit/explain/dep_file.h"
#include "tests/audit/explain/explain_samples.h"

namespace lre_audit::explain {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Both sides' keys are in the cache, and these blobs.
Report ExplainWith(Build local, Build remote, const std::vector<std::string>& blobs) {
  SetKeys(local);
  SetKeys(remote);
  Build all = local;
  all.insert(all.end(), remote.begin(), remote.end());
  ExplainRequest request;
  request.caches = {WriteCache("cache", blobs, all)};
  return ExplainLogged(local, remote, std::move(request));
}

std::vector<std::string> Rules(const Report& report) {
  std::vector<std::string> rules;
  for (const Finding& finding : report.findings()) rules.push_back(finding.rule());
  return rules;
}

TEST(ParamFile, IsReadLineByLine) {
  EXPECT_THAT(ReadParamFile("-o\nout\n'a b'\n\"c\"\nit's\r\nlast"),
              ElementsAre("-o", "out", "a b", "c", "it's", "last"));
  EXPECT_THAT(ReadParamFile(""), IsEmpty());
}

constexpr char kParams[] = "bazel-out/k8/bin/lib/lib-2.params";

Report ExplainParams(const std::string& local, const std::string& remote, bool readable = true) {
  Build here = SampleBuild(), there = SampleBuild();
  AddInput(kParams, local, &Compile(here));
  AddInput(kParams, remote, &Compile(there));
  return ExplainWith(here, there, readable ? std::vector{local, remote} : std::vector{local});
}

TEST(ParamFiles, DifferByTheirArguments) {
  const Report report =
      ExplainParams("-shared\n-o\nout\n-O2\n", "-shared\n-o\nout\n-O2\n-DNEW=1\n");
  ASSERT_THAT(Rules(report), ElementsAre("LRE725"));
  EXPECT_EQ(report.findings(0).key_cause().remote(), "-DNEW=1");
  EXPECT_FALSE(report.findings(0).key_cause().has_local());
  EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::PROVEN);
  EXPECT_THAT(report.findings(0).notes(), Contains(HasSubstr(kParams)));
}

TEST(ParamFiles, NameWhatTheirArgumentsAre) {
  const auto flags = [](const std::string& glibc) { return "-shared\n-L" + glibc + "/lib\n"; };
  const std::string a = std::string(kStore) + kHashA + "-glibc-2.42-67",
                    b = std::string(kStore) + kHashB + "-glibc-2.42-61";
  Report report = ExplainParams(flags(a), flags(b));
  ASSERT_THAT(Rules(report), ElementsAre("LRE709"));
  EXPECT_EQ(report.findings(0).message(), "glibc 2.42-67 here, 2.42-61 there");
  report = ExplainParams("-L/home/jane/lib\n", "-L/home/ci/lib\n");
  ASSERT_THAT(Rules(report), ElementsAre("LRE712"));
  report = ExplainParams("-DAPI_TOKEN=one\n", "-DAPI_TOKEN=hunter2\n");
  ASSERT_THAT(Rules(report), ElementsAre("LRE725"));
  EXPECT_THAT(report.DebugString(), testing::Not(HasSubstr("hunter2")));
}

// The same package on the command line and in a parameter file is one cause.
TEST(ParamFiles, ShareCausesWithTheCommandLine) {
  Build here = SampleBuild(), there = SampleBuild();
  const auto flag = [](const char* hash, const char* version) {
    return "-B" + std::string(kStore) + hash + "-glibc-" + version + "/lib";
  };
  const std::string a = flag(kHashA, "2.42-67"), b = flag(kHashB, "2.42-61");
  Compile(here).add_command_args(a);
  Compile(there).add_command_args(b);
  AddInput("bazel-out/k8/bin/gen/gen-0.params", a, &Generate(here));
  AddInput("bazel-out/k8/bin/gen/gen-0.params", b, &Generate(there));
  const Report report = ExplainWith(here, there, {a, b});
  ASSERT_THAT(Rules(report), ElementsAre("LRE709"));
  EXPECT_EQ(report.findings(0).key_cause().direct_actions(), 2);
}

TEST(ParamFiles, AreToldWholeWhereTheyCannotBeRead) {
  const Report report = ExplainParams("-a\n", "-b\n", false);
  ASSERT_THAT(Rules(report), ElementsAre("LRE725"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("parameter file"));
}

TEST(DepFile, IsReadAsMakeDoes) {
  EXPECT_THAT(ReadDepFile("a.o: lib/a.cc \\\n /usr/include/stdc-predef.h \\\r\n with\\ space a$$b\n"
                          "x.h:\ny.o z.o : /abs c:/d\\e \\#f"),
              ElementsAre("lib/a.cc", "/usr/include/stdc-predef.h", "with space", "a$b", "/abs",
                          "c:/d\\e", "#f"));
  EXPECT_THAT(ReadDepFile("no rule here"), IsEmpty());
  EXPECT_THAT(ReadDepFile(""), IsEmpty());
}

constexpr char kDepFile[] = "bazel-out/k8/bin/lib/lib.d";

Report ExplainDepFiles(const std::string& local, const std::string& remote) {
  Build here = SampleBuild(), there = SampleBuild();
  AddOutput(kDepFile, local, &Compile(here));
  AddOutput(kDepFile, remote, &Compile(there));
  return ExplainWith(here, there, {local, remote});
}

TEST(DepFiles, NameWhatKeysDoNotKnow) {
  const std::string text =
      "lib.o: lib/lib.cc /usr/include/stdc-predef.h /usr/include/x86_64-linux-gnu/bits/types.h "
      "/usr/lib/gcc/x86_64-linux-gnu/12/include/../include/stddef.h\n";
  const Report report = ExplainDepFiles(text, text);
  ASSERT_THAT(Rules(report), ElementsAre("LRE724", "LRE724"));
  EXPECT_THAT(Errors(report), IsEmpty());  // the files may be the same
  EXPECT_EQ(report.findings(0).referenced(), "/usr/include");
  EXPECT_EQ(report.findings(0).severity(), Finding::WARNING);
  EXPECT_EQ(report.findings(0).key_cause().actions(), 1);
  EXPECT_THAT(report.findings(0).notes(),
              ElementsAre("/usr/include/stdc-predef.h: 1 action",
                          "/usr/include/x86_64-linux-gnu/bits/types.h: 1 action"));
  EXPECT_THAT(report.findings(1).notes(),
              ElementsAre("/usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h: 1 action"));
}

TEST(DepFiles, OfTheStoreAndOfInputsAreFine) {
  const std::string store = std::string(kStore) + kHashA + "-glibc-2.42-67-dev/include/stdio.h";
  const std::string text = "lib.o: lib/lib.cc ./lib/lib.h " + store +
                           " /home/jane/.cache/bazel/_bazel_jane/0123/execroot/_main/lib/lib.h\n";
  EXPECT_THAT(Rules(ExplainDepFiles(text, text)), IsEmpty());
  const std::string escaped = "lib.o: " + std::string(kStore) + kHashA +
                              "-a/../../../usr/include/x.h /x/execroot/_main/no.h\n";
  EXPECT_THAT(Rules(ExplainDepFiles(escaped, escaped)), ElementsAre("LRE724", "LRE724"));
}

// A build with a directory of its own for each of its dependencies is no page of findings.
TEST(DepFiles, OfManyPlacesAreToldTogether) {
  std::string text = "lib.o: /usr/include/a.h";
  for (int i = 0; i < 3000; ++i) text += " /opt/" + std::to_string(i) + "/x.h";
  const Report report = ExplainDepFiles(text + "\n", text + "\n");
  ASSERT_EQ(report.findings_size(), 11);
  for (const Finding& finding : report.findings()) EXPECT_EQ(finding.rule(), "LRE724");
  const auto rest = std::find_if(
      report.findings().begin(), report.findings().end(),
      [](const Finding& finding) { return finding.referenced() == "other directories"; });
  ASSERT_NE(rest, report.findings().end());
  EXPECT_THAT(rest->message(), HasSubstr("files of 2,991 more directories"));
  EXPECT_THAT(rest->notes(), Contains("and 2,986 files more"));
}

TEST(DepFiles, ThatDifferUnderOneKeyAreProof) {
  const Report report = ExplainDepFiles("lib.o: /usr/include/a.h /usr/include/b.h\n",
                                        "lib.o: /usr/include/a.h /usr/include/c.h\n");
  ASSERT_THAT(Errors(report), ElementsAre("LRE723", "LRE724"));
  const Finding& finding = report.findings(1);
  EXPECT_EQ(finding.key_cause().local(), "/usr/include/b.h");
  EXPECT_EQ(finding.key_cause().remote(), "/usr/include/c.h");
}

// The log does not have it, and the cache's result does.
TEST(DepFiles, InMemoryAreThoseOfTheResult) {
  Build build = SampleBuild();
  Compile(build).add_listed_outputs(kDepFile);
  SetKeys(build);
  const std::string text = "lib.o: /usr/include/a.h\n";
  const std::string cache = WriteCache("memory", {text}, build);
  build::bazel::remote::execution::v2::ActionResult result;
  auto* file = result.add_output_files();
  file->set_path(kDepFile);
  file->mutable_digest()->set_hash(cache::SampleDigest(text).hash());
  file->mutable_digest()->set_size_bytes(static_cast<int64_t>(text.size()));
  const std::string hash = Compile(build).digest().hash();
  std::ofstream(cache + "/ac/" + hash.substr(0, 2) + "/" + hash) << result.SerializeAsString();
  ExplainRequest request;
  request.caches = {cache};
  EXPECT_THAT(Rules(ExplainLogged(build, build, request)), ElementsAre("LRE724"));
}

Report ExplainOutputs(const std::string& local, const std::string& remote) {
  Build here = SampleBuild(), there = SampleBuild();
  AddOutput("bazel-out/k8/bin/lib/made", local, &Compile(here));
  AddOutput("bazel-out/k8/bin/lib/made", remote, &Compile(there));
  return ExplainWith(here, there, {local, remote});
}

TEST(Outputs, SayWhyTheyAreNotDeterministic) {
  const auto note = [](const std::string& local, const std::string& remote) {
    const Report report = ExplainOutputs(local, remote);
    EXPECT_THAT(Errors(report), ElementsAre("LRE723"));
    return report.findings(0).notes(0);
  };
  EXPECT_EQ(note("built 10:41:07", "built 10:41:09"),
            "timestamp: a timestamp at offset 13: 10:41:07 here, 10:41:09 there");
  EXPECT_THAT(note("in /home/jane/x", "in /home/ci/x"),
              AllOf(HasSubstr("build path: "), HasSubstr("/home/jane/x here, /home/ci/x there")));
  EXPECT_THAT(note("a\nb\n", "b\na\n"), HasSubstr("ordering: "));
  EXPECT_THAT(note("17", "42"), HasSubstr("contents: the first differing byte is at offset 0"));
}

Report ExplainInputs(const std::string& path, const std::string& local, const std::string& remote) {
  Build here = SampleBuild(), there = SampleBuild();
  AddInput(path, local, &Compile(here));
  AddInput(path, remote, &Compile(there));
  return ExplainWith(here, there, {local, remote});
}

TEST(GeneratedInputs, ThatNamePathsOfOneMachine) {
  const std::string here = "#define DIR \"/home/jane/src\"\n",
                    there = "#define DIR \"/home/ci/src\"\n";
  for (const char* path : {"bazel-out/k8/bin/gen/config.h", "external/cc/config.h"}) {
    const Report report = ExplainInputs(path, here, there);
    ASSERT_THAT(Rules(report), ElementsAre("LRE712")) << path;
    EXPECT_THAT(report.findings(0).message(), HasSubstr("/home/jane/src and /home/ci/src"));
    EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::PROVEN);
  }
  // Who wrote it into a source file meant it.
  EXPECT_THAT(Rules(ExplainInputs("lib/config.h", here, there)), ElementsAre("LRE719"));
}

TEST(GeneratedInputs, ThatDifferOtherwise) {
  const Report report =
      ExplainInputs("bazel-out/k8/bin/gen/config.h", "#define N 1\n", "#define N 2\n");
  ASSERT_THAT(Rules(report), ElementsAre("LRE722"));
  EXPECT_THAT(report.findings(0).notes(), Contains(HasSubstr("\"#define N 1\" here")));
}

TEST(Blobs, ThatAreDamagedMakeItIncomplete) {
  Build build = SampleBuild();
  const std::string text = "lib.o: /usr/include/a.h\n";
  AddOutput(kDepFile, text, &Compile(build));
  SetKeys(build);
  ExplainRequest request;
  request.caches = {WriteCache("damaged", {text}, build)};
  const std::string hash = cache::SampleDigest(text).hash();
  std::ofstream(request.caches[0] + "/cas/" + hash.substr(0, 2) + "/" + hash) << "another";
  const Report report = ExplainLogged(build, build, request);
  ASSERT_THAT(Errors(report), ElementsAre("LRE901"));
  EXPECT_THAT(report.findings(0).message(), HasSubstr("other contents"));
  EXPECT_EQ(report.findings(0).path(), request.caches[0]);
}

}  // namespace
}  // namespace lre_audit::explain
