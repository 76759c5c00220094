// A Policy, compiled: patterns checked once, then applied to findings.
#ifndef LRE_AUDIT_RULES_POLICY_H_
#define LRE_AUDIT_RULES_POLICY_H_

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "reports/report.pb.h"
#include "rules/policy.pb.h"

namespace lre_audit {

// What nixpkgs intends, as a textproto that users can read and copy.
std::string_view DefaultPolicyText();

class CompiledPolicy {
 public:
  // The default policy comes after the user's. InvalidArgument names the entry, the field and, for
  // a pattern, RE2's error.
  static absl::StatusOr<CompiledPolicy> Compile(const Policy& policy);
  // The default policy alone.
  static CompiledPolicy Default();

  CompiledPolicy(CompiledPolicy&&) noexcept;
  CompiledPolicy& operator=(CompiledPolicy&&) noexcept;
  ~CompiledPolicy();

  // Removes what is allowed, sets severities, marks what is suppressed. LRE9xx are left alone. The
  // result is sorted as Judge()'s.
  void Apply(std::vector<Finding>& findings) const;

 private:
  struct State;
  explicit CompiledPolicy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_POLICY_H_
