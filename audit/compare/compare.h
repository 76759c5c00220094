// A comparison, start to end: two sides and what differs between them.
#ifndef LRE_AUDIT_AUDIT_COMPARE_COMPARE_H_
#define LRE_AUDIT_AUDIT_COMPARE_COMPARE_H_

#include <functional>

#include "absl/status/statusor.h"
#include "audit/compare/side.h"
#include "audit/compare/store_side.h"
#include "reports/difference.pb.h"
#include "rules/policy.h"

namespace lre_audit {

struct CompareRequest {
  const Side* a = nullptr;
  const Side* b = nullptr;
  const CompiledPolicy* policy = nullptr;  // for what is wrong with each side
  ReadOptions reading;
  std::function<void(const char*)> on_phase = [](const char*) {};
};

// Everything but tool, verdict and counts, with input bytes as they are. InvalidArgument, in one
// line, for sides of which one cannot be compared with the other.
absl::StatusOr<Comparison> Compare(const CompareRequest& request);

// Sets counts and verdict. Findings below `fail_on` are told, and are no difference.
void CountDifferences(Finding::Severity fail_on, Comparison* comparison);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_COMPARE_H_
