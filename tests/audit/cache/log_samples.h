// Small logs for tests, the same spawns in each format.
#ifndef LRE_AUDIT_TESTS_AUDIT_CACHE_LOG_SAMPLES_H_
#define LRE_AUDIT_TESTS_AUDIT_CACHE_LOG_SAMPLES_H_

#include <string>
#include <string_view>
#include <vector>

#include "audit/cache/execution_log.h"
#include "audit/cache/proto/spawn.pb.h"
#include "audit/cache/read_log.h"
#include "audit/cache/spawn_parts.h"

namespace lre_audit::cache {

// A compile with a tree, a symlink and a tool among its inputs, and an action that makes a tree and
// leaves out an output.
std::vector<tools::protos::SpawnExec> SampleSpawns();

std::string Delimited(const google::protobuf::MessageLite& message);
std::string BinaryLog(const std::vector<tools::protos::SpawnExec>& spawns);
enum class JsonStyle { kConcatenated, kLines, kArray, kProtoNames };
std::string JsonLog(const std::vector<tools::protos::SpawnExec>& spawns, JsonStyle style);
// As Bazel would write it: inputs below "tree/", and outputs that were
// made below what is listed, are of one directory.
std::vector<tools::protos::ExecLogEntry> CompactEntries(
    const std::vector<tools::protos::SpawnExec>& spawns, bool since_7_4);
std::string CompactLog(const std::vector<tools::protos::ExecLogEntry>& entries);
// Packed as zstd, in as many frames.
std::string Zstd(std::string_view bytes, int frames = 1);

// Reads a log that is one.
ExecutionLog Read(std::string bytes);
std::vector<SpawnParts> Expand(const ExecutionLog& log);

// A file's digest in these logs: the SHA-256 of its path.
tools::protos::Digest SampleDigest(std::string_view path);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_TESTS_AUDIT_CACHE_LOG_SAMPLES_H_
