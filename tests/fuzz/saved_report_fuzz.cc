// Reports that were written as JSON.
#include "reports/saved_report.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  LooksLikeReport(input);
  absl::StatusOr<Report> report = ReadReport(input);
  (void)report;
}

}  // namespace lre_audit::fuzz
