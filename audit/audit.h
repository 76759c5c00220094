// One audit, start to end: tree, facts, link, rules, policy, report.
//
// Examine stops before the rules, for commands that want to know what a tree holds and names rather
// than what is wrong with it, or that judge several subjects together.
#ifndef LRE_AUDIT_AUDIT_AUDIT_H_
#define LRE_AUDIT_AUDIT_AUDIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audit/link/merge.h"
#include "audit/nix/closure.h"
#include "audit/nix/signature.h"
#include "audit/trees/tree.h"
#include "reports/report.pb.h"
#include "rules/linked.h"
#include "rules/policy.h"

namespace lre_audit {

class FactsCache;

// What an audit compares a tree with.
struct ClosureChoice {
  Subject::ClosureKind kind = Subject::ClosureKind::kDerived;
  nix::Closure closure;  // unless kDerived
};

// The closure that `source` names; of one that holds more than a closure (a store, a binary cache)
// what it knows of `store_paths` and of all that these refer to. With an empty `source`, the local
// store's knowledge of `store_paths`, or none where there is no local store or it knows none of
// them.
absl::StatusOr<ClosureChoice> ChooseClosure(const std::string& source,
                                            const std::vector<std::string>& store_paths);

struct AuditRequest {
  Subject::Kind kind = Subject::Kind::kImage;
  const Tree* tree = nullptr;
  std::string closure;  // as the user named it; empty: ChooseClosure's default
  // `closure` is what is there locally rather than a promise: what it knows of the tree's paths is
  // the other side (Subject::ClosureKind::kDefault).
  bool closure_is_local = false;
  const nix::Closure* known_closure = nullptr;  // instead of `closure`, already read: a promise
  // Whom to believe; null: those that Nix is configured to believe, and no signature is required.
  const nix::TrustedKeys* trusted_keys = nullptr;
  // False: the tree holds no contents (OpenStoreListing), so nothing is said of them, or of what
  // they name.
  bool contents = true;
  const CompiledPolicy* policy = nullptr;
  int jobs = 0;
  FactsCache* cache = nullptr;  // of facts from earlier audits; null: everything is read
  std::function<void(uint64_t)> on_bytes = [](uint64_t) {};
  std::function<void(const char*)> on_phase = [](const char*) {};
};

// A tree as read, merged and linked.
struct ExaminedTree {
  std::unique_ptr<const MergedTree> merged;                            // `subject` points into it
  Subject::ClosureKind closure_kind = Subject::ClosureKind::kDerived;  // what it was held against
  uint64_t closure_paths = 0;
  Subject subject;
};

// Reads the tree once and links it. `policy` is not used.
absl::StatusOr<ExaminedTree> Examine(const AuditRequest& request);

// Adds to the report what was audited: the subject, and its numbers to the statistics.
void Describe(const AuditRequest& request, const ExaminedTree& tree, Report* report);

// Audits one tree and adds it to the report: its findings, behind those that are there, and what
// Describe says.
absl::Status AddAudit(const AuditRequest& request, Report* report);

// The report, verdict apart, with input bytes as they are (reports/ makes them printable).
absl::StatusOr<Report> Audit(const AuditRequest& request);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_AUDIT_H_
