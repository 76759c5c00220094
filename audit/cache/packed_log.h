// A log that Bazel has written, packed or not: what it is, and its entries as they stream by.
#ifndef LRE_AUDIT_AUDIT_CACHE_PACKED_LOG_H_
#define LRE_AUDIT_AUDIT_CACHE_PACKED_LOG_H_

#include <fcntl.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/inflate.h"
#include "audit/bytes/pipeline.h"
#include "audit/cache/entry_reader.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/read_log.h"
#include "audit/cache/sniff_log.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {

class PackedLog {
 public:
  // What is given must outlive this.
  PackedLog(ByteSource& source, const ReadLogOptions& options)
      : inflater_(source, DecodeLimits()),
        pipeline_(inflater_, options.threads),
        peeked_(pipeline_),
        entry_bytes_(options.entry_bytes) {}

  // Before anything is read. Errors are the source's.
  absl::StatusOr<LogKind> Sniff();
  // Whether entries are JSON objects, else messages behind their lengths; once sniffed.
  bool is_json() const { return is_json_; }

  // Calls `on_entry` for each entry until it returns false, and `on_damage` for one that cannot be
  // read, which is the last, and for what stands behind the packed log. Returns the bytes that were
  // read, unpacked.
  uint64_t ReadEntries(
      absl::FunctionRef<bool(const EntryReader& entry)> on_entry,
      absl::FunctionRef<void(const EntryReader& entry, std::string message)> on_damage);

 private:
  Inflater inflater_;
  PipelinedSource pipeline_;
  PeekedSource peeked_;
  const uint64_t entry_bytes_;
  bool is_json_ = false;
};

// `read` of the file at `path`; NotFound and its like where it cannot be opened. Errors name it.
template <typename Log>
absl::StatusOr<Log> ReadLogFile(absl::StatusOr<Log> (*read)(ByteSource& source,
                                                            std::string_view name,
                                                            const ReadLogOptions& options),
                                const std::string& path, const ReadLogOptions& options) {
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(auto file, OpenRegularFile(AT_FDCWD, path, &size));
  FileSource source(std::move(file), 0, size);
  absl::StatusOr<Log> log = read(source, path, options);
  if (log.ok() || log.status().message().find(path) != absl::string_view::npos) return log;
  return absl::Status(log.status().code(),
                      absl::StrCat(Escaped(path), ": ", log.status().message()));
}

// Keeps the first ExecutionLog::kMaxWarnings of a log that has `warnings` and `warning_count`.
template <typename Log>
void AddWarning(const EntryReader& entry, std::string message, Log* log) {
  ++log->warning_count;
  if (log->warnings.size() < ExecutionLog::kMaxWarnings) {
    log->warnings.push_back({entry.number(), entry.offset(), std::move(message)});
  }
}

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_PACKED_LOG_H_
