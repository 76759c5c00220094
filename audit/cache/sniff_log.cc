#include "audit/cache/sniff_log.h"

#include <algorithm>

#include "audit/cache/digest_function.h"
#include "audit/cache/wire.h"

namespace lre_audit::cache {
namespace {

// An object, or an array of them, whose first key is of a spawn, or of a build event.
LogKind SniffJson(std::string_view head) {
  const size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return LogKind::kUnknown;
  head.remove_prefix(first);
  if (head.front() != '{' && head.front() != '[') return LogKind::kUnknown;
  // A binary message of 123 ("{") bytes has no quotation mark or brace here.
  const size_t next = head.find_first_not_of(" \t\r\n", 1);
  if (next == std::string_view::npos) {
    return head.size() == 1 ? LogKind::kJson : LogKind::kUnknown;
  }
  const char expected = head.front() == '{' ? '"' : '{';
  if (head[next] != expected && head[next] != (expected == '"' ? '}' : ']')) {
    return LogKind::kUnknown;
  }
  const std::string_view key = head.substr(next, 32);
  if (head.front() == '{' && (key.starts_with("\"id\"") || key.starts_with("\"children\""))) {
    return LogKind::kBuildEvents;
  }
  return LogKind::kJson;
}

bool IsMethod(std::string_view text) {
  return text.find('/') != std::string_view::npos &&
         (text.starts_with("build.bazel.") || text.starts_with("google."));
}

bool IsInvocation(std::string_view message) {
  WireReader reader(message);
  return reader.Next() && reader.field().number == 1 && reader.field().IsBytes() &&
         ParseDigestFunction(reader.field().bytes).has_value();
}

// The first message decides. It may be longer than what is here.
LogKind SniffMessages(std::string_view head) {
  WireReader outer(head);
  uint64_t length = 0;
  if (!outer.Varint(&length) || length == 0) return LogKind::kUnknown;
  const bool whole = length <= head.size() - outer.offset();
  WireReader reader(head.substr(outer.offset(), length));
  bool arguments = false, spawn = true, compact = true;
  size_t fields = 0, of_spawn = 0;
  while (reader.Next()) {
    const WireField& field = reader.field();
    ++fields;
    const uint32_t number = field.number;
    // The first build event is BuildStarted, whose id is {started {}}.
    if (number == 1 && fields == 1 && field.IsBytes() &&
        field.bytes == std::string_view("\x1a\0", 2)) {
      return LogKind::kBuildEvents;
    }
    if (number == 3 && field.IsBytes() && IsMethod(field.bytes)) return LogKind::kGrpc;
    // SpawnExec: which of its fields are numbers.
    const bool is_number =
        number == 6 || number == 7 || number == 8 || number == 13 || number == 15 || number == 16;
    if (number > 20 || (is_number ? !field.IsVarint() : !field.IsBytes())) spawn = false;
    arguments = arguments || (number == 1 && field.IsBytes());
    if (number >= 10) ++of_spawn;
    // ExecLogEntry: an id, and one message.
    if (number > 10 || fields > 2 || (number == 1 ? !field.IsVarint() : !field.IsBytes())) {
      compact = false;
    }
    if (number == 2 && fields == 1 && field.IsBytes() && IsInvocation(field.bytes)) {
      return LogKind::kCompact;
    }
  }
  if (fields == 0 || (whole && !reader.ok())) return LogKind::kUnknown;
  if (compact && !arguments) return LogKind::kCompact;
  if (spawn && (arguments || of_spawn > 0)) return LogKind::kBinary;
  return LogKind::kUnknown;
}

}  // namespace

LogKind SniffLog(std::string_view head) {
  if (head.empty()) return LogKind::kEmpty;
  const LogKind json = SniffJson(head);
  return json == LogKind::kUnknown ? SniffMessages(head) : json;
}

std::string_view Describe(LogKind kind) {
  switch (kind) {
    case LogKind::kEmpty:
      return "an empty file";
    case LogKind::kJson:
      return "JSON";
    case LogKind::kBinary:
      return "a binary execution log";
    case LogKind::kCompact:
      return "a compact execution log";
    case LogKind::kGrpc:
      return "a gRPC log (--remote_grpc_log)";
    case LogKind::kBuildEvents:
      return "build events (--build_event_json_file, --build_event_binary_file)";
    case LogKind::kUnknown:
      return "it begins like none of Bazel's";
  }
  return "";
}

}  // namespace lre_audit::cache
