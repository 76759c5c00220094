#include "audit/cache/read_log.h"

#include <fcntl.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "audit/bytes/inflate.h"
#include "audit/bytes/pipeline.h"
#include "audit/cache/entry_reader.h"
#include "audit/cache/log_builder.h"
#include "audit/cache/log_readers.h"
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
  Inflater inflater(source, DecodeLimits());
  PipelinedSource pipeline(inflater, options.threads);

  LogBuilder builder(options.tables);
  ExecutionLog& log = builder.log;
  log.name = name;

  PeekedSource peeked(pipeline);
  LRE_ASSIGN_OR_RETURN(const std::string_view head, peeked.Peek(kSniffLogBytes));
  const LogKind kind = SniffLog(head);
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

  std::unique_ptr<EntryReader> entries;
  std::unique_ptr<LogReader> reader;
  if (log.format == ExecutionLog::Format::kJson) {
    entries = std::make_unique<JsonObjectReader>(peeked, options.entry_bytes);
    reader = std::make_unique<JsonLogReader>(builder);
  } else {
    entries = std::make_unique<DelimitedReader>(peeked, options.entry_bytes);
    if (log.format == ExecutionLog::Format::kBinary) {
      reader = std::make_unique<BinaryLogReader>(builder);
    } else {
      reader = std::make_unique<CompactLogReader>(builder);
    }
  }

  bool ended = false;
  while (!ended) {
    const absl::StatusOr<bool> more = entries->Next();
    builder.BeginEntry(*entries);
    if (!more.ok()) {
      builder.Warn(absl::StrCat(more.status().message(), "; what stands before is kept"));
      break;
    }
    if (ended = !*more; ended) break;
    if (entries->number() >= kMaxEntries) {
      builder.Warn("there are more than a thousand million entries; the rest is not read");
      break;
    }
    reader->Read(entries->entry());
    ++log.entries;
    if (log.tables->lists.full()) {
      builder.Warn("its lists do not fit into memory's 16 GiB; the rest is not read");
      break;
    }
  }
  if (log.format != ExecutionLog::Format::kCompact) builder.LookForSecondBuild();
  log.bytes = entries->position();
  // Only at the end is the inflater this thread's again.
  if (const auto trailing = inflater.trailing_offset(); ended && trailing) {
    builder.Warn(absl::StrCat("the file goes on behind what is packed, at its byte ", *trailing));
  }
  return std::move(builder.log);
}

absl::StatusOr<ExecutionLog> ReadExecutionLogFile(const std::string& path,
                                                  const ReadLogOptions& options) {
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(auto file, OpenRegularFile(AT_FDCWD, path, &size));
  FileSource source(std::move(file), 0, size);
  return ReadExecutionLog(source, path, options);
}

}  // namespace lre_audit::cache
