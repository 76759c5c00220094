#include "tests/audit/explain/explain_samples.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "audit/cache/proto/remote_execution.pb.h"

namespace lre_audit::explain {

void AddInput(const std::string& path, const std::string& content, SpawnExec* spawn) {
  auto* file = spawn->add_inputs();
  file->set_path(path);
  *file->mutable_digest() = cache::SampleDigest(content);
}

void AddOutput(const std::string& path, const std::string& content, SpawnExec* spawn) {
  spawn->add_listed_outputs(path);
  auto* file = spawn->add_actual_outputs();
  file->set_path(path);
  *file->mutable_digest() = cache::SampleDigest(content);
}

void AddVariable(const std::string& name, const std::string& value, SpawnExec* spawn) {
  auto* variable = spawn->add_environment_variables();
  variable->set_name(name);
  variable->set_value(value);
}

namespace {

SpawnExec SpawnOf(const std::string& label, const std::string& mnemonic,
                  const std::vector<std::string>& arguments) {
  SpawnExec spawn;
  for (const std::string& argument : arguments) spawn.add_command_args(argument);
  AddVariable("PATH", "/usr/bin:/bin", &spawn);
  AddVariable("LANG", "C", &spawn);
  auto* property = spawn.mutable_platform()->add_properties();
  property->set_name("container-image");
  property->set_value("docker://lre-cc:a");
  property = spawn.mutable_platform()->add_properties();
  property->set_name("OSFamily");
  property->set_value("Linux");
  spawn.set_remotable(true);
  spawn.set_cacheable(true);
  spawn.set_remote_cacheable(true);
  spawn.set_mnemonic(mnemonic);
  spawn.set_target_label(label);
  spawn.set_runner("linux-sandbox");
  spawn.mutable_metrics()->mutable_execution_wall_time()->set_seconds(2);
  return spawn;
}

}  // namespace

Build SampleBuild() {
  SpawnExec generate =
      SpawnOf("//gen:header", "Genrule",
              {"/bin/bash", "-c", "sed s/a/b/ gen/in.txt > bazel-out/k8/bin/gen/gen.h"});
  AddInput("gen/in.txt", "template", &generate);
  AddOutput("bazel-out/k8/bin/gen/gen.h", "header", &generate);
  SpawnExec compile = SpawnOf("//lib:lib", "CppCompile",
                              {std::string(kStore) + kHashA + "-gcc-13.2.0/bin/gcc", "-O2", "-c",
                               "lib/lib.cc", "-o", "bazel-out/k8/bin/lib/lib.o"});
  AddInput("bazel-out/k8/bin/gen/gen.h", "header", &compile);
  AddInput("external/cc/builtin_include_directory_paths", "include list", &compile);
  AddInput("lib/lib.cc", "source", &compile);
  AddInput("lib/lib.h", "own header", &compile);
  AddOutput("bazel-out/k8/bin/lib/lib.o", "object", &compile);
  return {generate, compile};
}

tools::protos::File& Input(SpawnExec& spawn, const std::string& path) {
  for (auto& file : *spawn.mutable_inputs()) {
    if (file.path() == path) return file;
  }
  ADD_FAILURE() << "no input " << path;
  return *spawn.mutable_inputs(0);
}

void ChangeInput(SpawnExec& spawn, const std::string& path) {
  *Input(spawn, path).mutable_digest() = cache::SampleDigest("another " + path);
}

void SetKeys(Build& build, const std::function<void(cache::Recipe*)>& change) {
  for (SpawnExec& spawn : build) *spawn.mutable_digest() = cache::SampleDigest("to be set");
  const cache::ExecutionLog log = cache::Read(cache::BinaryLog(build));
  ASSERT_EQ(log.spawns.size(), build.size());
  for (size_t i = 0; i < build.size(); ++i) {
    const cache::SpawnParts parts = ExpandSpawn(log, log.spawns[i]);
    cache::Recipe recipe = RecipesFor(log, parts)[0];
    change(&recipe);
    const absl::StatusOr<cache::Key> key = ComputeKey(parts, recipe);
    ASSERT_TRUE(key.ok()) << key.status();
    build[i].mutable_digest()->set_hash(key->action.Hex());
    build[i].mutable_digest()->set_size_bytes(static_cast<int64_t>(key->action.size));
  }
}

std::string WriteTemporary(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/explain_" + std::to_string(getpid()) + "_" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

Report ExplainLogged(const Build& local, const Build& remote, ExplainRequest request) {
  request.local = WriteTemporary("local", cache::BinaryLog(local));
  request.remote = WriteTemporary("remote", cache::BinaryLog(remote));
  const absl::StatusOr<Report> report = Explain(request);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : Report();
}

Report ExplainBuilds(Build local, Build remote, ExplainRequest request) {
  SetKeys(local);
  SetKeys(remote);
  return ExplainLogged(local, remote, std::move(request));
}

std::string WriteCache(const std::string& name, const std::vector<std::string>& blobs,
                       const Build& spawns) {
  const std::string cache =
      testing::TempDir() + "/explain_" + std::to_string(getpid()) + "_" + name;
  std::filesystem::remove_all(cache);
  const auto add = [&](const std::string& kind, const std::string& hash,
                       const std::string& content) {
    const std::string directory = cache + "/" + kind + "/" + hash.substr(0, 2);
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/" + hash, std::ios::binary) << content;
  };
  std::filesystem::create_directories(cache + "/ac");
  for (const std::string& blob : blobs) add("cas", cache::SampleDigest(blob).hash(), blob);
  for (const SpawnExec& spawn : spawns) {
    // Of empty files, which no cache need have.
    build::bazel::remote::execution::v2::ActionResult result;
    for (const std::string& path : spawn.listed_outputs()) {
      auto* file = result.add_output_files();
      file->set_path(path);
      file->mutable_digest()->set_hash(cache::SampleDigest("").hash());
    }
    add("ac", spawn.digest().hash(), result.SerializeAsString());
  }
  return cache;
}

std::vector<std::string> Errors(const Report& report) {
  std::vector<std::string> rules;
  for (const Finding& finding : report.findings()) {
    if (finding.severity() == Finding::ERROR) rules.push_back(finding.rule());
  }
  return rules;
}

}  // namespace lre_audit::explain
