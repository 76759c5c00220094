// Which of Bazel's logs a file is, by its first (unpacked) bytes: none has a magic number.
#ifndef LRE_AUDIT_AUDIT_CACHE_SNIFF_LOG_H_
#define LRE_AUDIT_AUDIT_CACHE_SNIFF_LOG_H_

#include <cstddef>
#include <string_view>

namespace lre_audit::cache {

enum class LogKind {
  kEmpty,
  kJson,
  kBinary,
  kCompact,
  kGrpc,         // --remote_grpc_log
  kBuildEvents,  // --build_event_json_file, --build_event_binary_file
  kUnknown,
};

// What SniffLog() wants to see: of a first spawn, its outputs too, which stand behind the inputs.
inline constexpr size_t kSniffLogBytes = 64 << 10;

LogKind SniffLog(std::string_view head);
// "a gRPC log (--remote_grpc_log)"
std::string_view Describe(LogKind kind);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_SNIFF_LOG_H_
