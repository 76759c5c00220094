#include "audit/cache/read_log.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/cache/entry_reader.h"
#include "audit/cache/log_builder.h"
#include "audit/cache/log_readers.h"
#include "audit/cache/packed_log.h"
#include "audit/cache/sniff_log.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// A spawn's number has 32 bits, and ids have two for something else.
constexpr uint64_t kMaxEntries = uint64_t{1} << 30;

}  // namespace

absl::StatusOr<ExecutionLog> ReadExecutionLog(ByteSource& source, std::string_view name,
                                              const ReadLogOptions& options) {
  LogBuilder builder(options.tables);
  ExecutionLog& log = builder.log;
  log.name = name;

  PackedLog packed(source, options);
  LRE_ASSIGN_OR_RETURN(const LogKind kind, packed.Sniff());
  switch (kind) {
    case LogKind::kJson:
      log.format = ExecutionLog::Format::kJson;
      break;
    case LogKind::kBinary:
    case LogKind::kEmpty:  // of a build in which nothing ran
      log.format = ExecutionLog::Format::kBinary;
      break;
    case LogKind::kCompact:
      log.format = ExecutionLog::Format::kCompact;
      break;
    case LogKind::kGrpc:
    case LogKind::kBuildEvents:
    case LogKind::kUnknown:
      return absl::InvalidArgumentError(
          absl::StrCat("no execution log: ", ToAbsl(Describe(kind)),
                       "; expected what Bazel writes with --execution_log_compact_file, "
                       "--execution_log_binary_file or --execution_log_json_file"));
  }

  std::unique_ptr<LogReader> reader;
  switch (log.format) {
    case ExecutionLog::Format::kJson:
      reader = std::make_unique<JsonLogReader>(builder);
      break;
    case ExecutionLog::Format::kBinary:
      reader = std::make_unique<BinaryLogReader>(builder);
      break;
    case ExecutionLog::Format::kCompact:
      reader = std::make_unique<CompactLogReader>(builder);
      break;
  }
  const auto read = [&](const EntryReader& entry) {
    builder.BeginEntry(entry);
    if (entry.number() >= kMaxEntries) {
      builder.Warn("there are more than a thousand million entries; the rest is not read");
      return false;
    }
    reader->Read(entry.entry());
    ++log.entries;
    if (log.tables->lists.full()) {
      builder.Warn("its lists do not fit into memory's 16 GiB; the rest is not read");
      return false;
    }
    return true;
  };
  log.bytes = packed.ReadEntries(read, [&](const EntryReader& entry, std::string message) {
    builder.BeginEntry(entry);
    builder.Warn(std::move(message));
  });
  if (log.format != ExecutionLog::Format::kCompact) builder.LookForSecondBuild();
  return std::move(builder.log);
}

absl::StatusOr<ExecutionLog> ReadExecutionLogFile(const std::string& path,
                                                  const ReadLogOptions& options) {
  return ReadLogFile(ReadExecutionLog, path, options);
}

}  // namespace lre_audit::cache
