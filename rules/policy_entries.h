// The entries of a policy, compiled one by one. Inside rules/ only: policy.h is for everyone else.
#ifndef LRE_AUDIT_RULES_POLICY_ENTRIES_H_
#define LRE_AUDIT_RULES_POLICY_ENTRIES_H_

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "reports/report.pb.h"
#include "rules/policy.h"
#include "rules/policy.pb.h"

namespace lre_audit {

// Lines and columns count from 1; 0 where they are not known.
struct PolicyPlace {
  int line = 0, column = 0;
};

// One field of a policy: `exception[index].field[element]`. Indices are -1 for what is not
// repeated; without `field` the entry itself is meant.
struct PolicyField {
  const char* entry = nullptr;
  int index = -1;
  const char* field = nullptr;
  int element = -1;
};

// Where the field stands; where it is not set, where its entry does.
PolicyPlace PlaceOf(const PolicyField& field, const PolicyLocations& locations);

// What is wrong with a policy, each with its place.
class PolicyErrors {
 public:
  explicit PolicyErrors(const PolicyLocations& locations) : locations_(locations) {}

  void Add(const PolicyField& field, std::string_view message);
  // One line for each, in the file's order.
  absl::Status ToStatus() const;

 private:
  struct Error {
    PolicyPlace place;
    std::string text;
  };
  const PolicyLocations& locations_;
  std::vector<Error> errors_;
};

// A pattern on the whole text; an empty one matches everything.
using Pattern = std::unique_ptr<RE2>;

// Whether one of the names of a finding's path matches: as the report says it, from where the user
// stands, and as it lies relative to the policy's own `directory`, wherever the audit was started.
bool MatchesPath(const Pattern& pattern, const std::string& path, const std::string& directory);

struct CompiledException {
  std::set<std::string> rules;  // codes; empty: every rule
  Pattern referenced, path;
  Finding::Severity severity = Finding::SEVERITY_UNSPECIFIED;
  Finding::Severity at_most = Finding::SEVERITY_UNSPECIFIED;
  Finding::Severity up_to = Finding::SEVERITY_UNSPECIFIED;

  // `given` is the severity that the rule gave the finding.
  bool Matches(const Finding& finding, Finding::Severity given, const std::string& directory) const;
  bool Allows() const { return severity == 0 && at_most == 0; }
};

struct CompiledSuppression {
  Suppression entry;
  std::string rule;  // code
  Pattern path, referenced;
  std::optional<absl::CivilDay> last_day;
  PolicyPlace place;

  bool Matches(const Finding& finding, const std::string& directory) const;
};

struct CompiledSeverity {
  std::string rule;  // code
  Finding::Severity severity = Finding::SEVERITY_UNSPECIFIED;
};

// Each adds what is wrong to `errors`, and is of use only where that is nothing.
std::vector<CompiledException> CompileExceptions(const Policy& policy, PolicyErrors& errors);
std::vector<CompiledSeverity> CompileSeverities(const Policy& policy, PolicyErrors& errors);
std::vector<CompiledSuppression> CompileSuppressions(const Policy& policy,
                                                     const PolicyLocations& locations,
                                                     PolicyErrors& errors);
// What check audits: nothing to compile, but required fields to be there.
void CheckSubjects(const Policy& policy, PolicyErrors& errors);

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_POLICY_ENTRIES_H_
