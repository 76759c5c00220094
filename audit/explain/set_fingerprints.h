// Whether input sets of two logs are the same, without spelling them out: builds by one Bazel put
// the same inputs together in the same way.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_SET_FINGERPRINTS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_SET_FINGERPRINTS_H_

#include <cstdint>
#include <vector>

#include "audit/cache/execution_log.h"

namespace lre_audit::explain {

class SetFingerprints {
 public:
  // One pass over the log's sets, which must outlive this: each artifact and set is hashed once.
  explicit SetFingerprints(const cache::ExecutionLog& log);

  // Equal, of two logs in one process, where both sets are built alike of the same artifacts; a
  // wrong match has a chance of 2^-64. 0 where nothing can be said: part of the set is lost. Sets
  // that are not built alike may have the same inputs all the same.
  uint64_t Of(cache::SetId set) const { return sets_[set]; }
  // Whether they are those of `log` too: logs share their tables.
  bool AreOf(const cache::ExecutionLog& log) const {
    return log.tables == log_.tables &&
           log.workspace_runfiles_directory == log_.workspace_runfiles_directory;
  }

 private:
  uint64_t OfArtifact(cache::ArtifactId id) const;
  uint64_t OfString(cache::StringId id) const;

  const cache::ExecutionLog& log_;
  std::vector<uint64_t> sets_, symlinks_;  // as the log has them, as far as they are known
};

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_SET_FINGERPRINTS_H_
