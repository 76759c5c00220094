// What actions read although their keys do not know it: absolute paths, outside the inputs and the
// store, that the compiler's .d outputs name. LRE724.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_HOST_READS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_HOST_READS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "audit/cache/execution_log.h"
#include "audit/explain/blob_reader.h"
#include "audit/explain/naming.h"

namespace lre_audit::explain {

class HostReads {
 public:
  // .d files that are read; a build of more is looked at in part, and that is told.
  static constexpr uint64_t kMostFiles = 10'000;
  static constexpr size_t kMostPlaces = 10;  // that are told each

  // What is given must outlive this.
  HostReads(const cache::ExecutionLog& local, const cache::ExecutionLog& remote, BlobReader& blobs,
            std::string store_directory)
      : local_{&local, cache::SetWalker(local)},
        remote_{&remote, cache::SetWalker(remote)},
        blobs_(blobs),
        store_directory_(std::move(store_directory)) {}

  // Of one pair, whose spawns must outlive this. `key` is the local side's, whose result a cache
  // may have where the log does not say what was made; unknown where it differs from the remote's.
  void Look(uint32_t pair, const cache::Spawn& local, const cache::Spawn& remote,
            const cache::BlobDigest& key);

  // One cause for each place ("/usr/include") of the kMostPlaces that most pairs read, with those
  // pairs, ascending; the other places together are one more, for each weight.
  struct Found {
    NamedCause cause;
    std::vector<uint32_t> pairs;
  };
  std::vector<Found> Causes();
  uint64_t unread() const { return unread_; }  // .d files beyond kMostFiles

 private:
  struct Side {
    const cache::ExecutionLog* log;
    cache::SetWalker walker;
  };
  using Paths = std::set<std::string>;
  using SharedPaths = std::shared_ptr<const Paths>;
  struct Place {
    std::map<std::string, uint64_t> files;  // with the pairs that read each
    std::vector<uint32_t> pairs;
    // Under one key, of pairs whose sides name different files: those, and what one side alone
    // reads.
    std::vector<uint32_t> differing;
    Paths only_local, only_remote;
  };

  struct DepFile {
    cache::StringId path = 0;
    cache::BlobDigest digest = {};  // unknown where neither log nor cache says
    bool in_result = false;         // the log does not say, and the action's result may
  };
  struct LookedSide {
    Side* side = nullptr;
    const cache::Spawn* spawn = nullptr;
    std::vector<DepFile> files;
  };
  struct Looked {
    uint32_t pair = 0;
    cache::BlobDigest key;
    LookedSide sides[2];  // local, remote
  };
  static constexpr size_t kPairsAtOnce = 256;
  // What caches are asked for at once: files of up to 4 MiB, results of up to 64.
  static constexpr size_t kFilesAtOnce = 64, kResultsAtOnce = 16;

  static std::vector<DepFile> DepFilesOf(const Side& side, const cache::Spawn& spawn);
  void FindInResults();
  void ReadPending();
  void AddPlaces(const Looked& looked);
  SharedPaths ReadsOf(const std::vector<DepFile>& files) const;
  static Place Merged(std::span<const std::pair<std::string, const Place*>> places);
  NamedCause NamePlace(const std::string& root, const std::string& where, const Place& place) const;
  Paths HostPaths(Side& side, const cache::Spawn& spawn, const std::string& text);

  Side local_, remote_;
  BlobReader& blobs_;
  const std::string store_directory_;
  absl::flat_hash_map<std::string, SharedPaths> by_digest_;
  std::map<std::string, Place> places_;
  std::vector<Looked> pending_;
  uint64_t read_ = 0, unread_ = 0;
};

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_HOST_READS_H_
