#include "reports/json.h"

#include <google/protobuf/util/json_util.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {

namespace {

absl::Status WriteMessage(const google::protobuf::Message& message, std::ostream& out) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    // protobuf's own Status, which may be another class than absl::Status.
    return absl::InternalError(
        absl::StrCat("cannot write the report as JSON: ", ToAbsl(std::string(status.message()))));
  }
  if (json.empty() || json.back() != '\n') json += '\n';
  out << json;
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteJson(const Report& report, std::ostream& out) {
  if (report.has_tool() && report.has_statistics()) return WriteMessage(report, out);
  Report complete = report;
  complete.mutable_tool();
  complete.mutable_statistics();
  return WriteMessage(complete, out);
}

absl::Status WriteJson(const Comparison& comparison, std::ostream& out) {
  if (comparison.has_tool() && comparison.has_counts()) return WriteMessage(comparison, out);
  Comparison complete = comparison;
  complete.mutable_tool();
  complete.mutable_counts();
  return WriteMessage(complete, out);
}

}  // namespace lre_audit
