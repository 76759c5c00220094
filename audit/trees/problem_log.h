// A bounded list of problems: a hostile archive may hold millions of bad entries.
#ifndef LRE_AUDIT_AUDIT_TREES_PROBLEM_LOG_H_
#define LRE_AUDIT_AUDIT_TREES_PROBLEM_LOG_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "audit/trees/tree.h"

namespace lre_audit {

class ProblemLog {
 public:
  // Appends to `problems`, which must outlive this.
  ProblemLog(std::string where, std::vector<Problem>& problems)
      : where_(std::move(where)), problems_(problems) {}

  void Add(Problem::Kind kind, uint64_t offset, std::string message) {
    if (count_ > kMaxProblems) return;
    if (++count_ > kMaxProblems) {
      kind = Problem::Kind::kLimit;
      message = "more problems than are listed";
    }
    problems_.push_back({kind, where_, offset, std::move(message), {}, {}});
  }
  // Whether problems are no longer told one by one.
  bool full() const { return count_ > kMaxProblems; }

 private:
  static constexpr int kMaxProblems = 1000;
  std::string where_;
  std::vector<Problem>& problems_;
  int count_ = 0;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_PROBLEM_LOG_H_
