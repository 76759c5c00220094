// Each diagnosis of `explain`: planted, and its nearest innocent neighbour. Logs are of Bazel 7 and
// later, with digests of keys, which are computed by the likeliest recipe.
#include "audit/explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "audit/cache/action_key.h"
#include "tests/audit/explain/explain_samples.h"

namespace lre_audit::explain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Case {
  const char* rule;
  // Of the remote build; or of both.
  std::function<void(Build&local, Build&remote)> plant, neighbour;
};

void SwapVariables(SpawnExec& spawn) { spawn.mutable_environment_variables()->SwapElements(0, 1); }
void Nothing(Build&, Build&) {}

void InConfiguration(Build& build, const std::string& name) {
  for (SpawnExec& spawn : build) {
    const auto rename = [&](std::string text) {
      const std::string from = "bazel-out/k8/";
      for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
        text.replace(at, from.size(), "bazel-out/" + name + "/");
      }
      return text;
    };
    for (std::string& argument : *spawn.mutable_command_args()) argument = rename(argument);
    for (std::string& output : *spawn.mutable_listed_outputs()) output = rename(output);
    for (auto& file : *spawn.mutable_inputs()) file.set_path(rename(file.path()));
    for (auto& file : *spawn.mutable_actual_outputs()) file.set_path(rename(file.path()));
  }
}

const Case kCases[] = {
    {"LRE705", [](Build&, Build& r) { Compile(r).set_remote_cacheable(false); },
     // Neither side caches it: both know.
     [](Build& l, Build& r) {
       Compile(l).set_remote_cacheable(false);
       Compile(r).set_remote_cacheable(false);
     }},
    {"LRE705", [](Build&, Build& r) { Compile(r).set_exit_code(1); }, Nothing},
    {"LRE706",
     [](Build&, Build& r) {
       for (SpawnExec& spawn : r) {
         spawn.mutable_environment_variables(0)->set_value("/usr/bin:/home/jane/bin:/bin");
       }
     },
     // Keys are made of sorted variables.
     [](Build&, Build& r) { SwapVariables(Compile(r)); }},
    {"LRE707", [](Build&, Build& r) { AddVariable("CI", "true", &Compile(r)); },
     [](Build& l, Build& r) {
       AddVariable("CI", "true", &Compile(l));
       AddVariable("CI", "true", &Compile(r));
       SwapVariables(Compile(r));
     }},
    {"LRE708",
     [](Build&, Build& r) {
       Compile(r).mutable_platform()->mutable_properties(0)->set_value("docker://lre-cc:b");
     },
     [](Build&, Build& r) {
       Compile(r).mutable_platform()->mutable_properties()->SwapElements(0, 1);
     }},
    // The same package under another hash, in two arguments.
    {"LRE709",
     [](Build& l, Build& r) {
       const std::string tail = "-gcc-13.2.0/bin/gcc";
       Compile(r).set_command_args(0, std::string(kStore) + kHashB + tail);
       Compile(l).add_command_args("-B" + std::string(kStore) + kHashA + "-gcc-13.2.0/lib");
       Compile(r).add_command_args("-B" + std::string(kStore) + kHashB + "-gcc-13.2.0/lib");
     },
     [](Build& l, Build& r) {
       for (Build* build : {&l, &r}) {
         Compile(*build).add_command_args("-B" + std::string(kStore) + kHashA + "-gcc-13.2.0/lib");
       }
     }},
    {"LRE710",
     [](Build&, Build& r) {
       ChangeInput(Compile(r), "external/cc/builtin_include_directory_paths");
     },
     Nothing},
    {"LRE711",
     [](Build&, Build& r) { Generate(r).set_command_args(0, "/run/current-system/sw/bin/bash"); },
     Nothing},
    {"LRE712",
     [](Build& l, Build& r) {
       Compile(l).add_command_args("-I/home/jane/src/include");
       Compile(r).add_command_args("-I/home/ci/src/include");
     },
     // The same path of one machine is no difference.
     [](Build& l, Build& r) {
       Compile(l).add_command_args("-I/home/jane/src/include");
       Compile(r).add_command_args("-I/home/jane/src/include");
     }},
    {"LRE713", [](Build&, Build& r) { InConfiguration(r, "k8-opt"); },
     [](Build& l, Build& r) {
       InConfiguration(l, "k8-opt");
       InConfiguration(r, "k8-opt");
     }},
    {"LRE714",
     [](Build& l, Build& r) {
       AddInput("bazel-out/stable-status.txt", "one", &Compile(l));
       AddInput("bazel-out/stable-status.txt", "two", &Compile(r));
       AddInput("bazel-out/volatile-status.txt", "one", &Compile(l));
       AddInput("bazel-out/volatile-status.txt", "two", &Compile(r));
     },
     [](Build& l, Build& r) {
       AddInput("bazel-out/stable-status.txt", "one", &Compile(l));
       AddInput("bazel-out/stable-status.txt", "one", &Compile(r));
     }},
    // In the salt, since 6.4.
    {"LRE715", [](Build&, Build& r) { Compile(r).set_remotable(false); }, Nothing},
    {"LRE716",
     [](Build& l, Build& r) {
       Compile(l).set_timeout_millis(300000);
       Compile(r).set_timeout_millis(900000);
     },
     // Whole seconds are what counts.
     [](Build& l, Build& r) {
       Compile(l).set_timeout_millis(300000);
       Compile(r).set_timeout_millis(300400);
     }},
    {"LRE717",
     [](Build&, Build& r) { AddOutput("bazel-out/k8/bin/lib/lib.dwo", "dwo", &Compile(r)); },
     // Outputs are sorted.
     [](Build& l, Build& r) {
       AddOutput("bazel-out/k8/bin/lib/lib.d", "d", &Compile(l));
       AddOutput("bazel-out/k8/bin/lib/lib.d", "d", &Compile(r));
       Compile(r).mutable_actual_outputs()->SwapElements(0, 1);
     }},
    {"LRE718", [](Build&, Build& r) { AddInput("lib/local.h", "more", &Compile(r)); },
     // So are inputs.
     [](Build&, Build& r) { Compile(r).mutable_inputs()->SwapElements(0, 1); }},
    {"LRE719", [](Build&, Build& r) { ChangeInput(Compile(r), "lib/lib.h"); }, Nothing},
    {"LRE720",
     [](Build& l, Build& r) {
       for (const char* argument : {"-Da", "-Db", "-Dc"}) Compile(l).add_command_args(argument);
       for (const char* argument : {"-Dc", "-Da", "-Db"}) Compile(r).add_command_args(argument);
     },
     [](Build& l, Build& r) {
       for (Build* build : {&l, &r}) {
         for (const char* argument : {"-Db", "-Da"}) Compile(*build).add_command_args(argument);
       }
     }},
    {"LRE721",
     [](Build&, Build& r) {
       Input(Compile(r), "lib/lib.h").clear_digest();
       Input(Compile(r), "lib/lib.h").set_symlink_target_path("v2.h");
     },
     [](Build& l, Build& r) {
       for (Build* build : {&l, &r}) {
         Input(Compile(*build), "lib/lib.h").clear_digest();
         Input(Compile(*build), "lib/lib.h").set_symlink_target_path("v2.h");
       }
     }},
    {"LRE722",
     [](Build& l, Build& r) {
       AddInput("bazel-out/k8/bin/gen/other.h", "one", &Compile(l));
       AddInput("bazel-out/k8/bin/gen/other.h", "two", &Compile(r));
     },
     Nothing},
    {"LRE723",
     [](Build&, Build& r) {
       *Generate(r).mutable_actual_outputs(0)->mutable_digest() =
           cache::SampleDigest("other header");
       *Input(Compile(r), "bazel-out/k8/bin/gen/gen.h").mutable_digest() =
           cache::SampleDigest("other header");
     },
     Nothing},
    {"LRE725", [](Build&, Build& r) { Compile(r).add_command_args("-DNEW=1"); }, Nothing},
    {"LRE725",
     [](Build& l, Build& r) {
       AddInput("bazel-out/k8/bin/lib/lib-2.params", "one", &Compile(l));
       AddInput("bazel-out/k8/bin/lib/lib-2.params", "two", &Compile(r));
     },
     Nothing},
};

class Diagnoses : public testing::TestWithParam<Case> {};

TEST_P(Diagnoses, PlantedIsNamedOnceAndProven) {
  Build local = SampleBuild(), remote = SampleBuild();
  GetParam().plant(local, remote);
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre(GetParam().rule)) << report.DebugString();
  const Finding& finding = report.findings(0);
  EXPECT_EQ(finding.key_cause().proof(), KeyCause::PROVEN) << finding.DebugString();
  EXPECT_EQ(finding.key_cause().proven_actions(), finding.key_cause().direct_actions());
  EXPECT_GT(finding.key_cause().seconds(), 1);
  EXPECT_FALSE(finding.help().empty());
  EXPECT_FALSE(finding.message().empty());
  EXPECT_FALSE(finding.fingerprint().empty());
}

TEST_P(Diagnoses, InnocentNeighbourPasses) {
  Build local = SampleBuild(), remote = SampleBuild();
  GetParam().neighbour(local, remote);
  const Report report = ExplainBuilds(local, remote);
  EXPECT_THAT(Errors(report), IsEmpty()) << report.DebugString();
  EXPECT_EQ(report.explanation().same_key(), 2);
}

std::string CaseName(const testing::TestParamInfo<Case>& test) {
  return std::string(test.param.rule) + "_" + std::to_string(test.index);
}

INSTANTIATE_TEST_SUITE_P(Rules, Diagnoses, testing::ValuesIn(kCases), CaseName);

TEST(Explain, FollowsGeneratedInputsToTheirRoot) {
  Build local = SampleBuild(), remote = SampleBuild();
  ChangeInput(Generate(remote), "gen/in.txt");
  *Generate(remote).mutable_actual_outputs(0)->mutable_digest() =
      cache::SampleDigest("other header");
  *Input(Compile(remote), "bazel-out/k8/bin/gen/gen.h").mutable_digest() =
      cache::SampleDigest("other header");
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE719"));
  const KeyCause& cause = report.findings(0).key_cause();
  EXPECT_EQ(report.findings(0).referenced(), "gen/in.txt");
  EXPECT_EQ(cause.actions(), 2);
  EXPECT_EQ(cause.direct_actions(), 1);
  EXPECT_EQ(cause.seconds(), 4);
  EXPECT_EQ(cause.label(), "//gen:header");
}

TEST(Explain, RanksCausesByActions) {
  Build local = SampleBuild(), remote = SampleBuild();
  Compile(remote).add_command_args("-DNEW=1");
  for (SpawnExec& spawn : remote) spawn.mutable_environment_variables(0)->set_value("/bin");
  const Report report = ExplainBuilds(local, remote);
  EXPECT_THAT(Errors(report), ElementsAre("LRE706", "LRE725"));
}

// One package that moved is one cause, and each of two is one.
TEST(Explain, DecodesStorePaths) {
  Build local = SampleBuild(), remote = SampleBuild();
  const auto flags = [](Build& build, const std::string& hash, const std::string& version) {
    const std::string glibc = std::string(kStore) + hash + "-glibc-" + version;
    Compile(build).add_command_args("-B" + glibc + "/lib");
    Compile(build).add_command_args("-L" + glibc + "/lib");
    Compile(build).add_command_args("-Wl,-dynamic-linker," + glibc + "/lib/ld-linux-x86-64.so.2");
  };
  flags(local, kHashA, "2.42-67");
  flags(remote, kHashB, "2.42-61");
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE709"));
  EXPECT_EQ(report.findings(0).message(), "glibc 2.42-67 here, 2.42-61 there");
  EXPECT_EQ(report.findings(0).key_cause().local(),
            std::string(kStore) + kHashA + "-glibc-2.42-67");
}

TEST(Explain, SaysWhichPackagesOfPathDiffer) {
  Build local = SampleBuild(), remote = SampleBuild();
  const auto path = [](const char* hash, const char* version) {
    return std::string(kStore) + hash + "-coreutils-" + version + "/bin:/usr/bin";
  };
  Compile(local).mutable_environment_variables(0)->set_value(path(kHashA, "9.5"));
  Compile(remote).mutable_environment_variables(0)->set_value(path(kHashB, "9.7"));
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE706"));
  EXPECT_THAT(report.findings(0).notes(), ElementsAre("coreutils 9.5 here, 9.7 there"));
}

TEST(Explain, OtherDigestFunctionsShareNothing) {
  const auto named = [](const char* function) {
    Build build = SampleBuild();
    for (SpawnExec& spawn : build) {
      spawn.mutable_digest()->set_hash_function_name(function);
      for (auto& file : *spawn.mutable_inputs()) {
        file.mutable_digest()->set_hash_function_name(function);
      }
      for (auto& file : *spawn.mutable_actual_outputs()) {
        file.mutable_digest()->set_hash_function_name(function);
      }
    }
    return build;
  };
  EXPECT_THAT(Errors(ExplainLogged(named("SHA-256"), named("BLAKE3"))), ElementsAre("LRE703"));
  EXPECT_THAT(Errors(ExplainBuilds(named("SHA-256"), named("SHA-256"))), IsEmpty());
}

// The same spawns, by another release of Bazel.
TEST(Explain, OtherRecipesAreProven) {
  Build local = SampleBuild(), remote = SampleBuild();
  SetKeys(local);
  SetKeys(remote, [](cache::Recipe* recipe) {
    recipe->output_fields = cache::Recipe::OutputFields::kBoth;
  });
  const Report report = ExplainLogged(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE715"));
  EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::PROVEN);
  EXPECT_THAT(report.findings(0).key_cause().remote(), HasSubstr("output_paths"));
}

// What a log does not say: the keys cannot be computed, and that is said.
TEST(Explain, UnloggedDifferencesAreNotProven) {
  Build local = SampleBuild(), remote = SampleBuild();
  const auto salted = [](const char* salt) {
    return [=](cache::Recipe* recipe) { recipe->workspace = salt; };
  };
  SetKeys(local, salted("one"));
  SetKeys(remote, salted("two"));
  const Report report = ExplainLogged(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE715"));
  EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::UNVERIFIED);
  EXPECT_THAT(report.findings(0).key_cause().unverified_because(), HasSubstr("recipes"));
  // The same salt on both sides is none of this.
  SetKeys(remote, salted("one"));
  EXPECT_THAT(Errors(ExplainLogged(local, remote)), IsEmpty());
}

// One path twice among the inputs, as Bazel 4 logs runfiles: which one the key has, nobody knows.
TEST(Explain, KeysThatCannotBeToldAreNotTheSame) {
  Build build = SampleBuild();
  AddInput("lib/lib.h", "the same path again", &Compile(build));
  const Report report = ExplainLogged(build, build);
  EXPECT_EQ(report.explanation().same_key(), 1);
  EXPECT_EQ(report.explanation().unknown_key(), 1);
  EXPECT_EQ(report.explanation().other_key(), 0);
  EXPECT_THAT(Errors(report), IsEmpty());
  // Where logs have the keys, these say it.
  EXPECT_EQ(ExplainBuilds(SampleBuild(), SampleBuild()).explanation().unknown_key(), 0);
}

TEST(Explain, FilesOfTreesLeadToTheirAction) {
  Build build = SampleBuild();
  Compile(build).add_listed_outputs("bazel-out/k8/bin/tree");
  auto* file = Compile(build).add_actual_outputs();
  file->set_path("bazel-out/k8/bin/tree/deep/one");
  *file->mutable_digest() = cache::SampleDigest("one");
  ExplainRequest request;
  request.action = "bazel-out/k8/bin/tree/deep/one";
  EXPECT_EQ(ExplainBuilds(build, build, request).explanation().actions_size(), 1);
}

// Two causes in one action make a key together that neither makes alone.
TEST(Explain, CausesThatMeetAreProvenTogether) {
  Build local = SampleBuild(), remote = SampleBuild();
  Compile(remote).add_command_args("-DNEW=1");
  for (SpawnExec& spawn : remote) spawn.mutable_environment_variables(0)->set_value("/bin");
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE706", "LRE725"));
  const KeyCause& path = report.findings(0).key_cause();
  const KeyCause& flag = report.findings(1).key_cause();
  EXPECT_EQ(path.proof(), KeyCause::PROVEN);
  EXPECT_EQ(flag.proof(), KeyCause::PROVEN);
  EXPECT_EQ(path.proven_actions(), 2);
  EXPECT_EQ(path.proven_alone(), 1);
  EXPECT_EQ(flag.proven_alone(), 0);
  EXPECT_EQ(path.actions(), 2);
  EXPECT_EQ(path.actions_alone(), 1);
  EXPECT_EQ(flag.actions(), 1);
  EXPECT_EQ(flag.actions_alone(), 0);
}

// Who changes flags changes them together; in other actions, one of them is another cause.
TEST(Explain, FlagsOfTheSameActionsAreOneCause) {
  Build local = SampleBuild(), remote = SampleBuild();
  for (const char* flag : {"-DA", "-DB", "-DC"}) Compile(remote).add_command_args(flag);
  Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE725"));
  EXPECT_EQ(report.findings(0).key_cause().remote(), "-DA");
  EXPECT_THAT(report.findings(0).notes(),
              ElementsAre(HasSubstr("in the same actions"), HasSubstr("in the same actions")));
  Generate(remote).add_command_args("-DA");
  report = ExplainBuilds(local, remote);
  EXPECT_THAT(Errors(report), ElementsAre("LRE725", "LRE725"));
}

// What cannot be read is told, and is no difference.
TEST(Explain, DamageIsNoCause) {
  const Build build = SampleBuild();
  const std::string whole = cache::JsonLog(build, cache::JsonStyle::kLines);
  ExplainRequest request;
  request.local = WriteTemporary("whole.json", whole);
  const std::pair<const char*, const char*> damages[] = {
      {"\"commandArgs\":[", "\"commandArgs\":7,\"x\":["},
      {"\"environmentVariables\":[", "\"environmentVariables\":{},\"x\":["},
      {"\"inputs\":[", "\"inputs\":true,\"x\":["},
      {"\"cacheable\":true", "\"cacheable\":\"yes\""},
      {"\"remotable\":true", "\"remotable\":1"},
      {"\"path\":\"gen/in.txt\"", "\"path\":7"},
      {"\"path\":\"gen/in.txt\"", "\"path\":\"\""},
      {"\"name\":\"PATH\"", "\"name\":7"},
      {"\"name\":\"OSFamily\"", "\"name\":[]"},
      {"\"sizeBytes\":\"", "\"sizeBytes\":\"z"},
  };
  for (const auto& [sound, damaged] : damages) {
    std::string text = whole;
    const size_t at = text.find(sound);
    ASSERT_NE(at, std::string::npos) << sound;
    request.remote =
        WriteTemporary("damaged.json", text.replace(at, std::string(sound).size(), damaged));
    for (const bool swap : {false, true}) {
      if (swap) std::swap(request.local, request.remote);
      const absl::StatusOr<Report> report = Explain(request);
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_THAT(Errors(*report), ElementsAre("LRE901")) << damaged << report->DebugString();
      if (swap) std::swap(request.local, request.remote);
    }
  }
}

// One leak in every action is proven in a thousand of them.
TEST(Explain, ProvesOneDifferenceAThousandTimes) {
  Build local, remote;
  for (int i = 0; i < 1003; ++i) {
    Build build = SampleBuild();
    SpawnExec& spawn = Generate(build);
    const std::string path = "bazel-out/k8/bin/gen/" + std::to_string(i);
    spawn.set_listed_outputs(0, path);
    spawn.mutable_actual_outputs(0)->set_path(path);
    local.push_back(spawn);
    spawn.mutable_environment_variables(0)->set_value("/home/jane/bin");
    remote.push_back(spawn);
  }
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE706"));
  const KeyCause& cause = report.findings(0).key_cause();
  EXPECT_EQ(cause.proof(), KeyCause::PROVEN);
  EXPECT_EQ(cause.direct_actions(), 1003);
  EXPECT_EQ(cause.proven_actions(), 1000);
  EXPECT_THAT(cause.unverified_because(), HasSubstr("1000 actions with the same differences"));
}

TEST(Explain, UnpairedActionsAreNotes) {
  Build local = SampleBuild(), remote = SampleBuild();
  remote.pop_back();
  const Report report = ExplainBuilds(local, remote);
  EXPECT_THAT(Errors(report), IsEmpty());
  ASSERT_EQ(report.findings_size(), 1);
  EXPECT_EQ(report.findings(0).rule(), "LRE726");
  EXPECT_EQ(report.findings(0).path(), "bazel-out/k8/bin/lib/lib.o");
  EXPECT_EQ(report.explanation().only_local(), 1);
}

TEST(Explain, NothingComparedIsIncomplete) {
  Build local = SampleBuild(), remote = SampleBuild();
  local.pop_back();
  remote.erase(remote.begin());
  EXPECT_THAT(Errors(ExplainBuilds(local, remote)), ElementsAre("LRE901"));
}

// Logs of no build there is: each reads what the other makes.
TEST(Explain, CirclesAreTold) {
  Build local = SampleBuild(), remote = SampleBuild();
  const auto circle = [](Build& build, const std::string& round) {
    AddInput("bazel-out/k8/bin/lib/lib.o", "object" + round, &Generate(build));
    *Compile(build).mutable_actual_outputs(0)->mutable_digest() =
        cache::SampleDigest("object" + round);
    *Generate(build).mutable_actual_outputs(0)->mutable_digest() =
        cache::SampleDigest("header" + round);
    *Input(Compile(build), "bazel-out/k8/bin/gen/gen.h").mutable_digest() =
        cache::SampleDigest("header" + round);
  };
  circle(local, "1");
  circle(remote, "2");
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE722"));
  EXPECT_EQ(report.findings(0).key_cause().actions(), 2);
  EXPECT_THAT(report.findings(0).notes(0), HasSubstr("made of it"));
}

TEST(Explain, ShowsOneActionInFull) {
  Build local = SampleBuild(), remote = SampleBuild();
  Compile(remote).add_command_args("--define=API_TOKEN=hunter2");
  for (const char* action : {"//lib:lib", "@@//lib:lib", "bazel-out/k8/bin/lib/lib.o"}) {
    ExplainRequest request;
    request.action = action;
    const Report report = ExplainBuilds(local, remote, request);
    ASSERT_EQ(report.explanation().actions_size(), 1) << action;
    const ExplainedAction& shown = report.explanation().actions(0);
    EXPECT_EQ(shown.label(), "//lib:lib");
    EXPECT_NE(shown.local_key(), shown.remote_key());
    std::vector<std::string> differing;
    for (const KeyComponent& component : shown.components()) {
      if (component.differs()) differing.push_back(component.name() + " " + component.remote());
    }
    EXPECT_THAT(differing, ElementsAre("argument 6 --define=API_TOKEN=(masked, 7 bytes)"));
    EXPECT_THAT(report.DebugString(), testing::Not(HasSubstr("hunter2")));
  }
  // One that is in one log alone, whose key the log does not say.
  remote = SampleBuild();
  remote.pop_back();
  ExplainRequest unpaired;
  unpaired.action = "//lib:lib";
  Report report = ExplainLogged(local, remote, unpaired);
  ASSERT_EQ(report.explanation().actions_size(), 1);
  const std::string key = report.explanation().actions(0).local_key();
  EXPECT_EQ(report.explanation().actions(0).remote_key(), "");
  unpaired.action = key.substr(0, key.find('/'));
  ASSERT_EQ(unpaired.action.size(), 64u) << key;
  report = ExplainLogged(local, remote, unpaired);
  EXPECT_EQ(report.explanation().actions_size(), 1);
  remote = SampleBuild();

  ExplainRequest request;
  request.action = "//gen:header";
  EXPECT_THAT(Errors(ExplainBuilds(local, remote, request)), IsEmpty());
  request.action = "//no:such";
  SetKeys(local);
  request.local = request.remote = WriteTemporary("local", cache::BinaryLog(local));
  EXPECT_EQ(Explain(request).status().code(), absl::StatusCode::kNotFound);
}

TEST(Explain, ShowsNoValuesOfFlags) {
  const auto with = [](std::vector<std::string> arguments) {
    Build build = SampleBuild();
    for (const std::string& argument : arguments) Compile(build).add_command_args(argument);
    return build;
  };
  const std::vector<std::pair<Build, Build>> pairs = {
      {with({"--password", "hunter2"}), with({"--password", "hunter2-1"})},
      {with({"-x", "y"}), with({"--password", "hunter2"})},
      {with({"-H", "Authorization: Bearer x hunter2"}), with({})},
      {with({"-u", "me:hunter2", "-O2"}), with({"-O2", "-u", "me:hunter2"})},
      {with({"TOKEN=hunter2", "-O2"}), with({"-O2", "TOKEN=hunter2"})},
      {with({"--in=/home/a/x?token=hunter2"}), with({"--in=/home/b/y?token=hunter2"})},
  };
  for (const auto& [local, remote] : pairs) {
    ExplainRequest request;
    request.action = "//lib:lib";
    const Report report = ExplainBuilds(local, remote, request);
    EXPECT_THAT(Errors(report), testing::Not(IsEmpty()));
    EXPECT_THAT(report.DebugString(), testing::Not(HasSubstr("hunter2")));
    EXPECT_THAT(report.DebugString(), HasSubstr("(masked, "));
    request.naming.show_secrets = true;
    EXPECT_THAT(ExplainBuilds(local, remote, request).DebugString(), HasSubstr("hunter2"));
  }
}

TEST(Explain, ShowsNoElementsOfSecretLists) {
  Build local = SampleBuild(), remote = SampleBuild();
  AddVariable("SECRET_PATH", "/hunter2", &Compile(local));
  AddVariable("SECRET_PATH", "/hunter3", &Compile(remote));
  const Report report = ExplainBuilds(local, remote);
  ASSERT_THAT(Errors(report), ElementsAre("LRE706"));
  EXPECT_THAT(report.DebugString(), testing::Not(HasSubstr("hunter")));
}

}  // namespace
}  // namespace lre_audit::explain
