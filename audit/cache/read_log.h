// Reads execution logs of Bazel 4 to 9: JSON (objects one after the other, one a line, or in an
// array), binary and compact (before and since 7.4), each packed or not; which one is told by the
// contents.
#ifndef LRE_AUDIT_AUDIT_CACHE_READ_LOG_H_
#define LRE_AUDIT_AUDIT_CACHE_READ_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/threads.h"
#include "audit/cache/execution_log.h"

namespace lre_audit::cache {

struct ReadLogOptions {
  // One entry; real ones of actions with a million inputs take some 200 MB. Memory is taken as
  // bytes arrive, never by what a length promises.
  uint64_t entry_bytes = uint64_t{512} << 20;
  SpareThreads* threads = nullptr;  // for unpacking beside reading; may be null
  // Of logs that were read before, for this one to share. Null: it has its own.
  std::shared_ptr<LogTables> tables;
};

// One pass over `source`, whose name is for messages. What cannot be read becomes a warning of the
// log, with the entry's number and offset: what follows it is read where its end is known, else
// what stands before it is the log. Not OK only where there is no log at all:
//   InvalidArgument  no execution log; says what it is, if that is known
//   and the source's own errors before the first entry.
absl::StatusOr<ExecutionLog> ReadExecutionLog(ByteSource& source, std::string_view name,
                                              const ReadLogOptions& options);
// Of the file at `path`; NotFound and its like where it cannot be opened.
absl::StatusOr<ExecutionLog> ReadExecutionLogFile(const std::string& path,
                                                  const ReadLogOptions& options);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_READ_LOG_H_
