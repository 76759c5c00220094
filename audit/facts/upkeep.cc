#include "audit/facts/upkeep.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/bytes/sha256.h"
#include "audit/facts/kept_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::string_view kSuffix = ".facts";
constexpr size_t kKeyDigits = 64;
// A writer needs a second; one that is suspended meanwhile finds its file gone and gives up.
constexpr absl::Duration kAbandoned = absl::Hours(1);

// The key that an entry of that name has; empty for what is none.
std::string_view KeyIn(std::string_view name) {
  if (name.size() != kKeyDigits + kSuffix.size() || !name.ends_with(kSuffix)) return {};
  const std::string_view key = name.substr(0, kKeyDigits);
  return key.find_first_not_of("0123456789abcdef") == std::string_view::npos ? key
                                                                             : std::string_view();
}

// What a writer makes before it is an entry: "KEY.facts.PID.N.tmp".
bool IsTemporary(std::string_view name) {
  return CacheDirectory::IsTemporary(name) &&
         !KeyIn(name.substr(0, kKeyDigits + kSuffix.size())).empty();
}

bool IsOurs(std::string_view name) { return !KeyIn(name).empty() || IsTemporary(name); }

std::string Sha256Of(const std::string& text) {
  Sha256 hash;
  hash.Update(text);
  return hash.FinishHex();
}

// Removes the file if it `goes`, and counts it. True if it is gone.
bool Settle(const CacheDirectory& directory, const CacheDirectory::File& file, bool goes,
            CacheChange* change) {
  if (goes && directory.Remove(file.name)) {
    ++change->removed;
    change->removed_bytes += file.bytes;
    return true;
  }
  change->failed += goes;
  change->entries += !IsTemporary(file.name);
  change->bytes += file.bytes;
  return false;
}

// Removes those of our files for which `goes` says so.
absl::StatusOr<CacheChange> RemoveIf(const CacheDirectory& directory,
                                     const std::function<bool(const CacheDirectory::File&)>& goes) {
  LRE_ASSIGN_OR_RETURN(const std::vector<CacheDirectory::File> files, directory.List());
  CacheChange change;
  for (const CacheDirectory::File& file : files) {
    if (!IsOurs(file.name)) continue;
    Settle(directory, file, goes(file), &change);
  }
  return change;
}

bool IsStale(const CacheDirectory& directory, const std::string& name,
             const std::string& version_hash) {
  const absl::StatusOr<std::string> head = directory.ReadHead(name, kKeptHeaderBytes);
  if (!head.ok()) return false;
  const absl::StatusOr<KeptName> kept = PeekKept(*head);
  return !kept.ok() || kept->version != version_hash;
}

}  // namespace

std::string KeptFileName(const std::string& key) { return absl::StrCat(key, ToAbsl(kSuffix)); }

absl::StatusOr<CacheSurvey> SurveyCache(const CacheDirectory& directory,
                                        const std::string& version) {
  LRE_ASSIGN_OR_RETURN(const std::vector<CacheDirectory::File> files, directory.List());
  CacheSurvey survey;
  const std::string version_hash = Sha256Of(version);
  for (const CacheDirectory::File& file : files) {
    if (!IsOurs(file.name)) continue;
    survey.bytes += file.bytes;
    if (IsTemporary(file.name)) continue;
    ++survey.entries;
    survey.stale += IsStale(directory, file.name, version_hash);
    if (!survey.oldest) survey.oldest = file.used;
    survey.newest = file.used;
  }
  return survey;
}

absl::StatusOr<CacheChange> PruneCache(const CacheDirectory& directory, uint64_t max_bytes) {
  LRE_ASSIGN_OR_RETURN(const std::vector<CacheDirectory::File> files, directory.List());
  const absl::Time abandoned = absl::Now() - kAbandoned;
  uint64_t excess = 0;
  for (const CacheDirectory::File& file : files) excess += IsOurs(file.name) ? file.bytes : 0;
  excess -= std::min(excess, max_bytes);
  CacheChange change;
  for (const CacheDirectory::File& file : files) {
    if (!IsOurs(file.name)) continue;
    const bool goes = IsTemporary(file.name) ? file.used < abandoned : excess > 0;
    if (Settle(directory, file, goes, &change)) excess -= std::min(excess, file.bytes);
  }
  return change;
}

absl::StatusOr<CacheChange> ClearCache(const CacheDirectory& directory) {
  return RemoveIf(directory, [](const CacheDirectory::File&) { return true; });
}

absl::StatusOr<CacheChange> PruneStale(const CacheDirectory& directory,
                                       const std::string& version) {
  const std::string version_hash = Sha256Of(version);
  return RemoveIf(directory, [&](const CacheDirectory::File& file) {
    return !IsTemporary(file.name) && IsStale(directory, file.name, version_hash);
  });
}

absl::StatusOr<CacheChange> VerifyCache(const CacheDirectory& directory) {
  std::vector<CacheChange::Bad> bad;
  absl::StatusOr<CacheChange> change = RemoveIf(directory, [&](const CacheDirectory::File& file) {
    if (IsTemporary(file.name)) return false;
    const absl::StatusOr<std::string> content =
        directory.Read(file.name, kMostKeptBytes + kKeptHeaderBytes, /*use=*/false);
    absl::Status status = content.status();
    if (absl::IsNotFound(status)) return true;  // pruned meanwhile
    if (status.ok()) status = CheckKept(*content);
    if (status.ok() && PeekKept(*content)->key != KeyIn(file.name)) {
      status = absl::DataLossError(absl::StrCat("holds the facts of ", PeekKept(*content)->key));
    }
    if (status.ok()) return false;
    bad.push_back({file.name, std::string(status.message())});
    return true;
  });
  if (change.ok()) change->bad = std::move(bad);
  return change;
}

}  // namespace lre_audit
