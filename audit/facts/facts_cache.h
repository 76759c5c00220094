// Facts kept between audits, by a key that says what they are facts of. Nothing depends on what is
// kept but time: what is not there, damaged or not allowed is as if it had never been.
#ifndef LRE_AUDIT_AUDIT_FACTS_FACTS_CACHE_H_
#define LRE_AUDIT_AUDIT_FACTS_FACTS_CACHE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/synchronization/mutex.h"
#include "audit/facts/cache_directory.h"

namespace lre_audit {

inline constexpr uint64_t kDefaultCacheBytes = uint64_t{2} << 30;

struct FactsCacheOptions {
  std::string directory;
  // Of the scanner: facts of one version are never found by another.
  std::string version;
  // What is kept at most, on disk; the least recently used goes first.
  uint64_t max_bytes = kDefaultCacheBytes;
  // Told why something is not kept or was dropped, for users who ask; from any thread.
  std::function<void(const std::string&)> on_note = [](const std::string&) {};
};

// Thread-safe, and safe beside any number of other processes.
class FactsCache {
 public:
  explicit FactsCache(FactsCacheOptions options);
  // Where something was kept, makes room for it.
  ~FactsCache();
  FactsCache(const FactsCache&) = delete;
  FactsCache& operator=(const FactsCache&) = delete;

  // The key of what `fields` describe: they and the scanner's version, hashed.
  std::string KeyOf(std::initializer_list<std::string_view> fields) const;

  // nullopt if nothing is kept under `key`. What is there and not right is removed.
  std::optional<std::string> Find(const std::string& key);
  // Removes what Find returned and its reader could not make sense of.
  void Drop(const std::string& key, std::string_view why);
  void Keep(const std::string& key, std::string_view facts);

 private:
  // Null where there is none, or none that may be used. Made when there is something to be kept.
  const CacheDirectory* Directory(bool create);

  const FactsCacheOptions options_;
  const std::string version_;  // SHA-256 in hex
  absl::Mutex mutex_;
  std::optional<CacheDirectory> directory_;  // once set it stays
  bool refused_ = false;
  std::atomic<bool> kept_ = false;
  std::atomic<bool> full_ = false;  // or read-only: writing has failed
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_FACTS_FACTS_CACHE_H_
