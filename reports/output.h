// The table of output formats, and reports as files.
#ifndef LRE_AUDIT_REPORTS_OUTPUT_H_
#define LRE_AUDIT_REPORTS_OUTPUT_H_

#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reports/difference.pb.h"
#include "reports/report.pb.h"
#include "reports/text.h"

namespace lre_audit {

struct OutputFormat {
  const char* name;  // as users type it
  // `text` matters to the formats for people alone. Strings must be printable already.
  absl::Status (*write)(const Report& report, const TextOptions& text, std::ostream& out);
  absl::Status (*write_comparison)(const Comparison& comparison, const TextOptions& text,
                                   std::ostream& out);
};

std::span<const OutputFormat> OutputFormats();

// InvalidArgument, with the formats and the one that may have been meant.
absl::StatusOr<const OutputFormat*> FindOutputFormat(std::string_view name);

absl::Status Write(const OutputFormat& format, const Report& report, const TextOptions& text,
                   std::ostream& out);
absl::Status Write(const OutputFormat& format, const Comparison& comparison,
                   const TextOptions& text, std::ostream& out);

struct OutputFile {
  const OutputFormat* format;
  std::string path;
};

// Of "FORMAT=FILE".
absl::StatusOr<OutputFile> ParseOutputFile(std::string_view argument);

// Renders into a new file beside `file.path` and renames it there, so that a reader sees the old
// report or the whole new one; through a symlink, its target is replaced. What is no regular file
// (/dev/stderr, a pipe) is written to in place. Errors name the path and the system's reason.
absl::Status WriteOutputFile(const OutputFile& file, const Report& report, const TextOptions& text);
absl::Status WriteOutputFile(const OutputFile& file, const Comparison& comparison,
                             const TextOptions& text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_OUTPUT_H_
