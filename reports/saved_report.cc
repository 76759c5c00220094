#include "reports/saved_report.h"

#include <google/protobuf/util/json_util.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace lre_audit {

bool LooksLikeReport(std::string_view json) {
  const size_t begin = json.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || json[begin] != '{') return false;
  // "tool", "verdict" and "subjects" come before the findings, whoever has indented it.
  constexpr size_t kHead = 4096;
  const std::string_view head = json.substr(begin, kHead);
  return head.find("\"verdict\"") != std::string_view::npos &&
         head.find("\"tool\"") != std::string_view::npos;
}

absl::StatusOr<Report> ReadReport(std::string_view json) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  Report report;
  const auto status =
      google::protobuf::util::JsonStringToMessage(std::string(json), &report, options);
  if (!status.ok()) {
    // protobuf's own Status, which may be another class than absl::Status; its further lines draw
    // the place.
    const std::string message(status.message());
    return absl::InvalidArgumentError(
        absl::StrCat("is no report: ", message.substr(0, message.find('\n'))));
  }
  // What `lre-audit diff` writes begins alike, but its verdicts are others.
  if (report.verdict() == Report::VERDICT_UNSPECIFIED) {
    return absl::InvalidArgumentError("is no report of an audit: it has no verdict");
  }
  return report;
}

}  // namespace lre_audit
