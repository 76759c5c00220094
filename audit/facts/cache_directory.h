// The directory that kept facts lie in: the user's own, or none. Files in it are made, replaced and
// removed whole, so that any number of processes can share it without a lock.
#ifndef LRE_AUDIT_AUDIT_FACTS_CACHE_DIRECTORY_H_
#define LRE_AUDIT_AUDIT_FACTS_CACHE_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit {

// $LRE_AUDIT_CACHE_DIR, else $XDG_CACHE_HOME/lre-audit, else $HOME/.cache/lre-audit; empty where
// none is set, and where there is no such home. As the XDG Base Directory Specification wants it,
// the latter two are ignored where they are relative.
std::string DefaultCacheDirectory();

// Thread-safe. Names are those of files directly in the directory.
class CacheDirectory {
 public:
  // NotFound if it is not there and not to be created (mode 0700, its parents too).
  // PermissionDenied if others could write to it, or made it: whoever writes facts decides what an
  // audit finds. A symlink in its place is not followed.
  static absl::StatusOr<CacheDirectory> Open(const std::string& path, bool create);

  const std::string& path() const { return path_; }

  // All of a regular file that nobody else can write to, which then counts as used now if `use`.
  // NotFound; else what forbids it. ResourceExhausted above `limit` bytes.
  absl::StatusOr<std::string> Read(const std::string& name, uint64_t limit, bool use) const;
  // Its first `bytes` bytes, or all of it if it has fewer. It does not count as used.
  absl::StatusOr<std::string> ReadHead(const std::string& name, uint64_t bytes) const;
  // At once for all readers, or not at all. Not synchronised with the disk: what a crash of the
  // machine leaves of it is for the checksum to tell.
  absl::Status Write(const std::string& name, std::string_view content) const;
  // True if it is gone.
  bool Remove(const std::string& name) const;

  struct File {
    std::string name;
    uint64_t bytes = 0;
    absl::Time used;
  };
  // Its regular files, least recently used first.
  absl::StatusOr<std::vector<File>> List() const;
  // What a writer that was killed leaves behind is called so.
  static bool IsTemporary(std::string_view name) { return name.ends_with(".tmp"); }

 private:
  CacheDirectory(std::string path, std::shared_ptr<FileHandle> handle)
      : path_(std::move(path)), handle_(std::move(handle)) {}
  absl::StatusOr<std::shared_ptr<FileHandle>> OpenFile(const std::string& name,
                                                       uint64_t* size) const;

  std::string path_;
  std::shared_ptr<FileHandle> handle_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_FACTS_CACHE_DIRECTORY_H_
