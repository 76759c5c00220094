// What an execution log says, whichever of Bazel's three formats it is in: spawns as small records
// of ids, and what many of them share (strings, files, input sets, environments) once. Made by
// read_log.h; spawn_parts.h spells one spawn out.
// Source: bazelbuild/bazel src/main/protobuf/spawn.proto.
#ifndef LRE_AUDIT_AUDIT_CACHE_EXECUTION_LOG_H_
#define LRE_AUDIT_AUDIT_CACHE_EXECUTION_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "audit/cache/chunked_array.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/log_tables.h"

namespace lre_audit::cache {

struct Spawn {
  uint64_t offset = 0;     // of its entry in the uncompressed log, bytes
  uint32_t entry = 0;      // number of its entry, from 0
  ListId arguments = 0;    // StringIds, in runs: log.tables->lists.GetRuns()
  ListId environment = 0;  // name, value, name, value, ... in the log's order
  ListId platform = 0;     // likewise
  SetId inputs = 0;
  SetId tools = 0;  // those of the inputs that are tools
  // One for each declared output, in the log's order: the ArtifactId of what was made, or kPathOnly
  // and the StringId of what was not.
  ListId outputs = 0;
  ListId undeclared_outputs = 0;  // ArtifactIds: logged as made, and not declared

  StringId label = 0, mnemonic = 0, runner = 0, status = 0;
  int32_t exit_code = 0;
  bool cache_hit : 1 = false;
  bool remotable : 1 = false;
  bool cacheable : 1 = false;
  bool remote_cacheable : 1 = false;
  bool duplicate_inputs : 1 = false;  // one path more than once (JSON and binary logs)
  bool damaged : 1 = false;           // something in it could not be read
  uint8_t digest_length = 0;
  uint8_t digest[32] = {};   // the logged action digest; length 0: none was logged
  uint32_t digest_size = 0;  // bytes of the Action message
  uint64_t timeout_millis = 0;
  // Wall time of executing it, or of all there was to do where that is all the log says; 0 where it
  // says neither.
  int64_t nanoseconds = 0;

  BlobDigest LoggedDigest() const;

  static constexpr uint32_t kPathOnly = uint32_t{1} << 31;
};

// An action that Bazel executes by making a symlink, which has no key (compact logs).
struct SymlinkAction {
  uint64_t offset = 0;
  uint32_t entry = 0;
  StringId input = 0, output = 0, label = 0, mnemonic = 0;
};

// Something that could not be read, or not be believed. What stands before it was read.
struct LogWarning {
  uint64_t entry = 0;   // number of the entry, from 0
  uint64_t offset = 0;  // where the entry begins in the uncompressed log, bytes
  std::string message;
};

struct ExecutionLog {
  enum class Format { kJson, kBinary, kCompact };

  std::string name;  // as the user gave it
  Format format = Format::kJson;
  // From a compact log's invocation; else what its digests say.
  DigestFunction digest_function = DigestFunction::kSha256;
  std::string invocation_id;
  std::string workspace_runfiles_directory;
  bool sibling_repository_layout = false;

  // What tells releases of Bazel apart.
  bool has_labels = false;     // 5 and later
  bool has_digests = false;    // 7 and later, for misses too
  bool has_input_ids = false;  // compact, 7.4 and later

  // May be another log's, too. Never null.
  std::shared_ptr<LogTables> tables = std::make_shared<LogTables>();
  ChunkedArray<Spawn> spawns;
  ChunkedArray<SymlinkAction> symlink_actions;

  uint64_t entries = 0;  // read to their end
  uint64_t bytes = 0;    // uncompressed
  // In the order of the log, the first kMaxWarnings of them.
  std::vector<LogWarning> warnings;
  uint64_t warning_count = 0;
  // Nothing is missing: no warnings.
  bool complete() const { return warning_count == 0; }

  static constexpr size_t kMaxWarnings = 100;

  // The digest of a file, the empty blob's where the log leaves that out.
  BlobDigest DigestOfFile(const Artifact& artifact) const;
};

std::string_view Name(ExecutionLog::Format format);  // "JSON", "binary", "compact"

// What stands for each declared output: its path, and what was made there (0: nothing).
struct OutputView {
  StringId path = 0;
  ArtifactId artifact = 0;
};
std::vector<OutputView> Outputs(const ExecutionLog& log, const Spawn& spawn);

// Spells sets out. Of one log, which must outlive it; one for each thread.
class SetWalker {
 public:
  explicit SetWalker(const ExecutionLog& log) : log_(log) {}
  // The artifacts of `set` in the log's order, each id once; valid until the next call. Runfiles
  // trees and directories come as one artifact. `damaged` receives whether part of it is lost.
  const std::vector<ArtifactId>& Flatten(SetId set, bool* damaged = nullptr);

 private:
  const ExecutionLog& log_;
  uint32_t round_ = 0;
  std::vector<uint32_t> seen_sets_, seen_artifacts_;  // the round in which each was seen last
  std::vector<ArtifactId> artifacts_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_EXECUTION_LOG_H_
