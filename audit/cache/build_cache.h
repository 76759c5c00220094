// What Bazel's actions leave for other builds: results by the action's digest (ActionCache), and
// the blobs that they name (ContentAddressableStorage), wherever they are kept.
// Source: remote_execution.proto.
#ifndef LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_
#define LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/cache/action_key.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/remote_cache_options.h"

namespace lre_audit::cache {

// Bytes. An ActionResult that is larger names hundreds of thousands of outputs.
constexpr uint64_t kMaxActionResult = uint64_t{64} << 20;

// From one thread at a time; but once a remote one has answered, it may be asked from several.
class BuildCache : public KnownActions {
 public:
  // The ActionResult message of an action, as the cache sent it. NotFound where there is none.
  virtual absl::StatusOr<std::string> ReadAction(const BlobDigest& action) = 0;
  // A blob, its digest verified (DataLoss). NotFound; ResourceExhausted beyond `limit` bytes.
  virtual absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) = 0;
  // Which of `blobs` it does not have. One that would have to be asked for each takes all as there.
  virtual absl::StatusOr<std::vector<BlobDigest>> FindMissing(
      const std::vector<BlobDigest>& /*blobs*/) {
    return std::vector<BlobDigest>();
  }
  // The digest functions that it has instead of the one that it was opened for, once it has said
  // so.
  virtual std::vector<std::string> OtherFunctions() const { return {}; }
};

// Why a cache has no say, or no more.
struct CacheTrouble {
  std::string cache;  // its reference, as it may be shown
  bool remote = false;
  absl::Status status;    // OK: it can be asked
  uint64_t answered = 0;  // questions, before
  uint64_t faults = 0;    // entries and blobs that are damaged, or that cannot be read
  absl::Status first_fault;
  std::vector<std::string> other_functions;  // see BuildCache::OtherFunctions
};

// One instance of a server, and the hashes, in hex, of what it has.
struct InstanceAnswers {
  std::string cache;  // as it may be shown
  absl::flat_hash_set<std::string> held;
};

// Several caches as one: each is asked in turn, and a remote one for no entry twice. One that fails
// is kept in mind, and, where it is remote, not asked again.
class BuildCaches : public BuildCache {
 public:
  // What `references` name: directories of --disk_cache, and remote caches (remote_cache.h).
  // InvalidArgument where one names none. Remote ones are not asked yet.
  static absl::StatusOr<BuildCaches> Open(const std::vector<std::string>& references,
                                          DigestFunction function,
                                          const RemoteCacheOptions& options = {});

  // Unavailable where no cache has it, and not all could say so: see Troubles().
  absl::StatusOr<bool> Contains(const BlobDigest& action) override;
  absl::StatusOr<std::string> ReadAction(const BlobDigest& action) override;
  absl::StatusOr<std::string> ReadBlob(const BlobDigest& blob, uint64_t limit) override;

  absl::StatusOr<std::vector<BlobDigest>> FindMissing(
      const std::vector<BlobDigest>& blobs) override;
  // A blob that the action's result names and no cache has; nullopt where all are there. NotFound
  // where there is no result.
  absl::StatusOr<std::optional<BlobDigest>> FindMissingOf(const BlobDigest& action);

  bool has_remote() const;
  // Asks remote caches for all these actions, several at a time: neither Contains() nor
  // FindMissingOf() need wait for each.
  void Prefetch(const std::vector<BlobDigest>& actions);

  // What instances have of `actions`: for each server of which several were named. Those that do
  // not answer are left out.
  std::vector<std::vector<InstanceAnswers>> CompareInstances(
      const std::vector<BlobDigest>& actions);

  std::vector<CacheTrouble> Troubles() const;

 private:
  enum class Presence { kAbsent, kThere, kWithBlobs };
  struct Member {
    std::unique_ptr<BuildCache> cache;  // null if it could not be opened
    CacheTrouble trouble;
    absl::flat_hash_set<std::string> faults;  // the first ones
    absl::Duration waited;
    // Answers of a remote one, by the action's hash.
    absl::flat_hash_map<std::string, Presence> known;
  };
  enum class About { kService, kEntry };  // whether a fault may be that of what is asked for
  template <typename Ask>
  auto AskMember(Member& member, About about, const Ask& ask) -> decltype(ask(*member.cache));
  absl::StatusOr<bool> MemberContains(Member& member, const BlobDigest& action);
  absl::StatusOr<Presence> Look(BuildCache& cache, const BlobDigest& action);
  template <typename Ask>
  absl::StatusOr<std::string> FirstFound(const BlobDigest& digest, About about, const Ask& ask);

  RemoteCacheOptions options_;
  std::vector<Member> members_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_BUILD_CACHE_H_
