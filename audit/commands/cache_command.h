// lre-audit cache: the facts that earlier audits have kept.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_CACHE_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_CACHE_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Shows, prunes or verifies them. As JSON each is an object with "directory" (null if there is no
// place for a cache), "entries" and "bytes", and
//   show    "max_bytes", "stale", "oldest" and "newest" use (RFC 3339, or null)
//   prune   "removed" and "removed_bytes"
//   verify  "removed" and "bad", a list of {"file", "message"}
// Returns the exit code: 0; 1 if verify found a bad entry; kExitUsage if the directory may not be
// used or an entry could not be removed.
int RunCache(const CacheCommandOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_CACHE_COMMAND_H_
