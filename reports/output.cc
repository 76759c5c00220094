#include "reports/output.h"

#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"
#include "base/write_file.h"
#include "reports/difference_text.h"
#include "reports/json.h"

namespace lre_audit {
namespace {

template <typename Message>
absl::Status WriteAsText(const Message& message, const TextOptions& text, std::ostream& out) {
  WriteText(message, text, out);
  return absl::OkStatus();
}

template <typename Message>
absl::Status WriteAsJson(const Message& message, const TextOptions&, std::ostream& out) {
  return WriteJson(message, out);
}

constexpr OutputFormat kFormats[] = {
    {"text", WriteAsText<Report>, WriteAsText<Comparison>},
    {"json", WriteAsJson<Report>, WriteAsJson<Comparison>},
};

}  // namespace

std::span<const OutputFormat> OutputFormats() { return kFormats; }

absl::StatusOr<const OutputFormat*> FindOutputFormat(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OutputFormat& format : kFormats) {
    if (name == format.name) return &format;
    names.push_back(format.name);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown format '", Escaped(name), "'", DidYouMean(name, names), " (formats: ",
      absl::StrJoin(names, ", ", [](std::string* out, std::string_view s) { out->append(s); }),
      ")"));
}

absl::StatusOr<OutputFile> ParseOutputFile(std::string_view argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals + 1 == argument.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Escaped(argument), "' is not FORMAT=FILE, such as json=report.json"));
  }
  LRE_ASSIGN_OR_RETURN(const OutputFormat* format, FindOutputFormat(argument.substr(0, equals)));
  return OutputFile{format, std::string(argument.substr(equals + 1))};
}

absl::Status Write(const OutputFormat& format, const Report& report, const TextOptions& text,
                   std::ostream& out) {
  return format.write(report, text, out);
}

absl::Status Write(const OutputFormat& format, const Comparison& comparison,
                   const TextOptions& text, std::ostream& out) {
  return format.write_comparison(comparison, text, out);
}

absl::Status WriteOutputFile(const OutputFile& file, const Report& report,
                             const TextOptions& text) {
  std::ostringstream content;
  LRE_RETURN_IF_ERROR(Write(*file.format, report, text, content));
  return WriteFile(file.path, content.view());
}

absl::Status WriteOutputFile(const OutputFile& file, const Comparison& comparison,
                             const TextOptions& text) {
  std::ostringstream content;
  LRE_RETURN_IF_ERROR(Write(*file.format, comparison, text, content));
  return WriteFile(file.path, content.view());
}

}  // namespace lre_audit
