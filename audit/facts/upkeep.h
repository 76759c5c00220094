// Looking after the directory of kept facts: what is in it, what may go.
#ifndef LRE_AUDIT_AUDIT_FACTS_UPKEEP_H_
#define LRE_AUDIT_AUDIT_FACTS_UPKEEP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/facts/cache_directory.h"

namespace lre_audit {

// The file that the facts of `key` are kept in.
std::string KeptFileName(const std::string& key);

struct CacheSurvey {
  uint64_t entries = 0, bytes = 0;  // of all files in it that are ours
  uint64_t stale = 0;               // entries of other versions, which no audit will find any more
  std::optional<absl::Time> oldest, newest;  // when an entry was used
};
absl::StatusOr<CacheSurvey> SurveyCache(const CacheDirectory& directory,
                                        const std::string& version);

struct CacheChange {
  uint64_t removed = 0, removed_bytes = 0;
  uint64_t entries = 0, bytes = 0;  // that stay
  uint64_t failed = 0;              // of these, what was to go and could not be removed
  struct Bad {
    std::string file, message;
  };
  std::vector<Bad> bad;  // what VerifyCache found
};

// Removes what killed writers left behind an hour ago, and of the rest the least recently used
// until `max_bytes` are left. Files that are not ours stay, and do not count. Two that prune at
// once agree on what is to go.
absl::StatusOr<CacheChange> PruneCache(const CacheDirectory& directory, uint64_t max_bytes);
// All of it.
absl::StatusOr<CacheChange> ClearCache(const CacheDirectory& directory);
// Of entries of other versions than `version`.
absl::StatusOr<CacheChange> PruneStale(const CacheDirectory& directory, const std::string& version);

// Reads every entry and removes those that are damaged, foreign or lie under another's name.
absl::StatusOr<CacheChange> VerifyCache(const CacheDirectory& directory);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_FACTS_UPKEEP_H_
