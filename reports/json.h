// JSON: report.proto and difference.proto in proto3 JSON.
#ifndef LRE_AUDIT_REPORTS_JSON_H_
#define LRE_AUDIT_REPORTS_JSON_H_

#include <ostream>

#include "absl/status/status.h"
#include "reports/difference.pb.h"
#include "reports/report.pb.h"

namespace lre_audit {

// Writes `report` in proto3 JSON (https://protobuf.dev/programming-guides/json/) with the names of
// report.proto; every scalar and list is written, also if empty, and so are `tool` and
// `statistics`; a finding's `location` only if it has one. Counts are numbers and enumerations
// their names. Fields are in the proto's order and nothing else enters, so equal reports are equal
// bytes. Indented, ends in a newline. Strings must be printable already (see MakePrintable).
absl::Status WriteJson(const Report& report, std::ostream& out);
// The same of a comparison, with the names of difference.proto; `tool` and `counts` are always
// written.
absl::Status WriteJson(const Comparison& comparison, std::ostream& out);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_JSON_H_
