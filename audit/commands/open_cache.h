// The facts that this user's earlier audits have kept.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_OPEN_CACHE_H_
#define LRE_AUDIT_AUDIT_COMMANDS_OPEN_CACHE_H_

#include <memory>
#include <ostream>

#include "audit/commands/options.h"
#include "audit/facts/facts_cache.h"

namespace lre_audit {

// Null where nothing is to be kept, or there is no place for it. With `verbose`, `err` is told why
// facts are dropped or not kept.
std::unique_ptr<FactsCache> OpenCache(const CacheOptions& options, bool verbose, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_OPEN_CACHE_H_
