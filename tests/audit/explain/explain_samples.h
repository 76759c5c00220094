// Two builds of two actions each, which tests make differ and have explained.
#ifndef LRE_AUDIT_TESTS_AUDIT_EXPLAIN_EXPLAIN_SAMPLES_H_
#define LRE_AUDIT_TESTS_AUDIT_EXPLAIN_EXPLAIN_SAMPLES_H_

#include <functional>
#include <string>
#include <vector>

#include "audit/cache/action_key.h"
#include "audit/explain/explain.h"
#include "tests/audit/cache/log_samples.h"

namespace lre_audit::explain {

using tools::protos::SpawnExec;
using Build = std::vector<SpawnExec>;

inline constexpr char kStore[] = "/nix/store/";
inline constexpr char kHashA[] = "0kzc0np7yi56bpjd51np7v43cbqm0p3g",
                      kHashB[] = "az9s84fharvwg4xbrnjw4hjy7xd973ik";

// Contents are SampleDigest()'s text.
void AddInput(const std::string& path, const std::string& content, SpawnExec* spawn);
void AddOutput(const std::string& path, const std::string& content, SpawnExec* spawn);
void AddVariable(const std::string& name, const std::string& value, SpawnExec* spawn);
// The input of that path, which there is.
tools::protos::File& Input(SpawnExec& spawn, const std::string& path);
void ChangeInput(SpawnExec& spawn, const std::string& path);

// A genrule that makes a header of a template, and a compile that reads it.
Build SampleBuild();
inline SpawnExec& Generate(Build& build) { return build[0]; }
inline SpawnExec& Compile(Build& build) { return build[1]; }

// Sets the digests that Bazel would have logged.
void SetKeys(
    Build& build, const std::function<void(cache::Recipe*)>& change = [](cache::Recipe*) {});

// A file of the running test; its path.
std::string WriteTemporary(const std::string& name, const std::string& content);

// Of builds whose keys are set.
Report ExplainLogged(const Build& local, const Build& remote, ExplainRequest request = {});
Report ExplainBuilds(Build local, Build remote, ExplainRequest request = {});

// A directory of --disk_cache with these blobs, whose digests are SampleDigest()'s, and with an
// entry for each of these spawns.
std::string WriteCache(const std::string& name, const std::vector<std::string>& blobs,
                       const Build& spawns);

// The rules of the findings that are errors.
std::vector<std::string> Errors(const Report& report);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_TESTS_AUDIT_EXPLAIN_EXPLAIN_SAMPLES_H_
