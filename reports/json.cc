#include "reports/json.h"

#include <google/protobuf/util/json_util.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {

absl::Status WriteJson(const Report& report, std::ostream& out) {
  if (!report.has_tool() || !report.has_statistics()) {
    Report complete = report;
    complete.mutable_tool();
    complete.mutable_statistics();
    return WriteJson(complete, out);
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(report, &json, options);
  if (!status.ok()) {
    // protobuf's own Status, which may be another class than absl::Status.
    return absl::InternalError(
        absl::StrCat("cannot write the report as JSON: ", ToAbsl(std::string(status.message()))));
  }
  if (json.empty() || json.back() != '\n') json += '\n';
  out << json;
  return absl::OkStatus();
}

}  // namespace lre_audit
