// A JSON report that an earlier audit has written.
#ifndef LRE_AUDIT_REPORTS_SAVED_REPORT_H_
#define LRE_AUDIT_REPORTS_SAVED_REPORT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "reports/report.pb.h"

namespace lre_audit {

// Whether `json` begins as WriteJson() begins: an object with a report's members.
bool LooksLikeReport(std::string_view json);

// The reverse of WriteJson(). Fields of later versions are passed over. InvalidArgument says what
// is wrong and where.
absl::StatusOr<Report> ReadReport(std::string_view json);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_SAVED_REPORT_H_
