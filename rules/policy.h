// A Policy: read from its file, compiled (patterns and dates checked once), then applied to
// findings.
#ifndef LRE_AUDIT_RULES_POLICY_H_
#define LRE_AUDIT_RULES_POLICY_H_

#include <google/protobuf/text_format.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "reports/report.pb.h"
#include "rules/policy.pb.h"

namespace lre_audit {

// What nixpkgs intends, as a textproto that users can read and copy.
std::string_view DefaultPolicyText();

// Where the fields of a policy stand in its file. Empty for a Policy that comes from no file.
struct PolicyLocations {
  std::string file;
  std::unique_ptr<google::protobuf::TextFormat::ParseInfoTree> tree;
};

// Reads a policy file. `file` is its name in messages. InvalidArgument lists everything that is
// wrong with it, what Compile() would refuse too: one line each, in the file's order,
// "lre-audit.textproto:12:3: unknown field 'supress'; did you mean 'suppress'?". Lines and columns
// count from 1, columns in bytes. After an error in the syntax, reading goes on at the next line
// that begins with a field's name in its first column. `locations`, if given, is for Compile().
absl::StatusOr<Policy> ParsePolicy(std::string_view text, const std::string& file,
                                   PolicyLocations* locations = nullptr);

class CompiledPolicy {
 public:
  // The default policy comes after the user's. A suppression holds until the end of its last day,
  // UTC, and `now` says whether that is past. InvalidArgument has one line for each thing that is
  // wrong: "FILE:LINE:COLUMN: what", or, without `locations`, "policy: exception 1.rule: what".
  static absl::StatusOr<CompiledPolicy> Compile(const Policy& policy, absl::Time now,
                                                const PolicyLocations& locations = {});
  // The default policy alone.
  static CompiledPolicy Default();

  CompiledPolicy(CompiledPolicy&&) noexcept;
  CompiledPolicy& operator=(CompiledPolicy&&) noexcept;
  ~CompiledPolicy();

  // Removes what is allowed, sets severities, marks what is suppressed. LRE9xx are left alone. The
  // result is sorted as Judge()'s.
  //
  // Returns what there is to say of the policy itself: its suppressions that match nothing (LRE903)
  // or have expired (LRE904). They are about all findings of an audit, so give it those of all
  // subjects at once; a caller that has not audited all that the policy is for leaves LRE903 out.
  std::vector<Finding> Apply(std::vector<Finding>& findings) const;

 private:
  struct State;
  explicit CompiledPolicy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_POLICY_H_
