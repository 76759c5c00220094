// Which spawn of one log is which of another: local's and remote's of the same action.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_PAIRING_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_PAIRING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/cache/execution_log.h"

namespace lre_audit::explain {

// "k8-fastbuild" of "bazel-out/k8-fastbuild/bin/x"; empty for what is made in no configuration.
std::string_view ConfigurationOf(std::string_view path);

// `text` with the configuration of each "bazel-out/CONFIGURATION/" in it left out:
// "-Ibazel-out//bin".
std::string WithoutConfigurations(std::string_view text);

struct SpawnPair {
  enum class By {
    kOutputs,            // all declared ones are the same
    kAnOutput,           // one is
    kNormalizedOutputs,  // they are, but for the configuration
    kArguments,          // label, mnemonic and arguments are, but for the configuration
  };
  uint32_t local = 0, remote = 0;  // indexes into ExecutionLog::spawns
  By by = By::kOutputs;
};

// A spawn that the other log does not have.
struct UnpairedSpawn {
  enum class Why {
    kNotInOther,   // nor any other of its label
    kOtherAction,  // spawns of its label are there, which make something else from other arguments
    kRepeated,     // its pair was taken by another spawn of the same outputs: a retry
  };
  uint32_t spawn = 0;
  Why why = Why::kNotInOther;
};

struct Pairing {
  std::vector<SpawnPair> pairs;  // in the order of the local log
  std::vector<UnpairedSpawn> only_local, only_remote;
};

// Spawns that make the same (retries, runs per test) are paired in the order of the logs. One pass
// over each log for each kind of pair; memory grows with the number of outputs.
Pairing PairSpawns(const cache::ExecutionLog& local, const cache::ExecutionLog& remote);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_PAIRING_H_
