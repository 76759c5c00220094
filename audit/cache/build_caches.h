// The caches that somebody names, as one, and what is wrong with each.
#ifndef LRE_AUDIT_AUDIT_CACHE_BUILD_CACHES_H_
#define LRE_AUDIT_AUDIT_CACHE_BUILD_CACHES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/cache/build_cache.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/remote_cache_options.h"

namespace lre_audit::cache {

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

// Several caches as one: each is asked in turn. One that fails
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
  // The same of several, which remote caches are asked for at once; in order.
  std::vector<absl::StatusOr<std::string>> ReadActions(const std::vector<BlobDigest>& actions);
  std::vector<absl::StatusOr<std::string>> ReadBlobs(const std::vector<BlobDigest>& blobs,
                                                     uint64_t limit);
  absl::StatusOr<std::vector<BlobDigest>> FindMissing(
      const std::vector<BlobDigest>& blobs) override;
  // Whether the result of an action is of use. NotFound where there is none.
  struct Usability {
    std::optional<BlobDigest> missing;  // a blob that it names and no cache has
    // Of the paths that it names, hashes of the first two (HashOfPath); none where it names none.
    std::vector<uint64_t> outputs;
  };
  absl::StatusOr<Usability> LookAtResult(const BlobDigest& action);
  static uint64_t HashOfPath(std::string_view path);

  bool has_remote() const;
  // Whether several instances of one server are among them.
  bool has_instances() const;
  // Asks remote caches for all these actions, several at a time: neither Contains() nor
  // LookAtResult() need wait for each that is there with all of its blobs.
  void Prefetch(const std::vector<BlobDigest>& actions);

  // What instances have of `actions`: for each server of which several were named. Those that do
  // not answer are left out.
  std::vector<std::vector<InstanceAnswers>> CompareInstances(
      const std::vector<BlobDigest>& actions);

  std::vector<CacheTrouble> Troubles() const;

 private:
  struct Presence {
    enum { kAbsent, kThere, kWithBlobs } is = kAbsent;
    std::vector<uint64_t> outputs = {};  // Usability's, where it is there with its blobs
  };
  struct Member {
    std::unique_ptr<BuildCache> cache;  // null if it could not be opened
    CacheTrouble trouble;
    absl::flat_hash_set<std::string> faults;  // the first ones
    absl::Duration waited;
    // Answers of a remote one, by the action's hash.
    absl::flat_hash_map<std::string, Presence> known;
  };
  enum class About { kService, kEntry };  // whether a fault may be that of what is asked for
  // Whether a status says that the cache has no say, now and later.
  static bool IsTrouble(const Member& member, About about, const absl::Status& status);
  static void Note(Member& member, About about, const absl::Status& status);
  void LimitTime(Member& member) const;
  template <typename Ask>
  auto AskMember(Member& member, About about, const Ask& ask) -> decltype(ask(*member.cache));
  template <typename Ask>
  auto AskAtOnce(Member& member, About about, size_t count, const Ask& ask)
      -> std::vector<std::optional<decltype(ask(*member.cache, size_t{0}))>>;
  absl::StatusOr<bool> MemberContains(Member& member, const BlobDigest& action);
  static absl::StatusOr<Presence> Look(BuildCache& cache, const BlobDigest& action);
  template <typename Ask>
  std::vector<absl::StatusOr<std::string>> FirstFound(const std::vector<BlobDigest>& digests,
                                                      About about, const Ask& ask);

  RemoteCacheOptions options_;
  std::vector<Member> members_;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_BUILD_CACHES_H_
