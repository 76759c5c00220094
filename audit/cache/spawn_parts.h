// One spawn, spelled out: everything that its key is made of and that a log knows. It comes from a
// log or is edited, so that a diagnosis can exchange one part for another spawn's and ask what the
// key would be.
#ifndef LRE_AUDIT_AUDIT_CACHE_SPAWN_PARTS_H_
#define LRE_AUDIT_AUDIT_CACHE_SPAWN_PARTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audit/cache/digest_function.h"
#include "audit/cache/execution_log.h"

namespace lre_audit::cache {

struct InputNode {
  enum Kind { kFile, kSymlink, kEmptyDirectory };
  Kind kind = kFile;
  BlobDigest digest;   // of a file; unknown where the log has none
  std::string target;  // of a symlink
  bool is_tool = false;

  bool operator==(const InputNode&) const = default;
};

// By path, relative to the execution root. In the order of bytes, as REAPI sorts names.
using Inputs = std::map<std::string, InputNode>;

struct Output {
  enum Kind {
    kFile,
    kDirectory,  // a tree artifact
    kSymlink,
    kMissing,  // was not made: which of the others it was to be, the log does not say
  };
  std::string path;
  Kind kind = kFile;
  BlobDigest digest;                        // of a file
  std::string target;                       // of a symlink
  std::map<std::string, BlobDigest> files;  // of a directory, by relative path

  bool operator==(const Output&) const = default;
};

struct SpawnParts {
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // in the log's order
  std::vector<std::pair<std::string, std::string>> platform;     // likewise
  Inputs inputs;
  std::vector<Output> outputs;  // the declared ones
  uint64_t timeout_millis = 0;
  bool remotable = false;
  bool cacheable = false;
  bool remote_cacheable = false;

  // Not part of the key:
  std::string label, mnemonic, runner, status;
  int32_t exit_code = 0;
  BlobDigest logged_digest;

  // Why no key can be computed from these parts, or why it may not be the one that Bazel computed.
  bool damaged = false;  // the log could not be read in full
  // The log has one path of the inputs more than once; which, where their contents differ.
  bool has_duplicate_inputs = false;
  std::vector<std::string> duplicate_inputs;

  bool operator==(const SpawnParts&) const = default;
};

SpawnParts ExpandSpawn(const ExecutionLog& log, const Spawn& spawn);
// For many spawns of one log: `walker` is of that log.
SpawnParts ExpandSpawn(const ExecutionLog& log, const Spawn& spawn, SetWalker& walker);

// Without inputs, which are most of the work.
SpawnParts ExpandWithoutInputs(const ExecutionLog& log, const Spawn& spawn);

// What stands in a runfiles tree: pairs of a path in it, and the ArtifactId of the file that it
// leads to, 0 for an empty file. By path.
std::map<std::string, ArtifactId> ExpandRunfiles(const ExecutionLog& log, const RunfilesTree& tree,
                                                 SetWalker& walker, bool* damaged);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_SPAWN_PARTS_H_
