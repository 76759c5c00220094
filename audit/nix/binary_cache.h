// A binary cache: for each store path a narinfo, and its contents as a packed NAR.
// Source: Nix doc/manual "Binary Cache"; src/libstore/binary-cache-store.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_BINARY_CACHE_H_
#define LRE_AUDIT_AUDIT_NIX_BINARY_CACHE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "audit/nix/cache_files.h"
#include "audit/nix/nar_info.h"
#include "audit/nix/path_store.h"

namespace lre_audit::nix {

class BinaryCache : public PathStore {
 public:
  // Reads nix-cache-info; an error names the cache.
  static absl::StatusOr<std::unique_ptr<BinaryCache>> Open(std::unique_ptr<CacheFiles> files);

  const std::string& location() const { return files_->location(); }
  const std::string& store_directory() const override { return store_directory_; }
  // A narinfo that is not readable becomes a problem of the closure. A cache need not be closed:
  // what its paths refer to may be elsewhere.
  absl::StatusOr<Closure> All() const override;
  absl::StatusOr<Closure> ClosureOf(const std::vector<std::string>& roots) const override;
  absl::StatusOr<Closure> ClosureOfKnown(const std::vector<std::string>& roots) const override;

  // What the cache says of `path`. NotFound: it does not know the path.
  absl::StatusOr<NarInfo> Find(const std::string& path) const;
  // The NAR as it is packed.
  absl::StatusOr<std::unique_ptr<ByteSource>> OpenNar(const NarInfo& info) const;

 private:
  explicit BinaryCache(std::unique_ptr<CacheFiles> files) : files_(std::move(files)) {}
  absl::Status ReadCacheInfo();
  absl::StatusOr<NarInfo> Fetch(const std::string& path) const;
  absl::StatusOr<Closure> Reach(const std::vector<std::string>& roots, bool must_know) const;

  const std::unique_ptr<CacheFiles> files_;
  std::string store_directory_;
  mutable absl::Mutex mutex_;
  // Those that were asked for: a path's contents are asked for after its description.
  mutable absl::flat_hash_map<std::string, NarInfo> known_;
};

// "file:///DIR", "http(s)://...", or a directory with nix-cache-info.
bool IsBinaryCache(const std::string& source);
absl::StatusOr<std::unique_ptr<BinaryCache>> OpenBinaryCache(const std::string& source);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_BINARY_CACHE_H_
