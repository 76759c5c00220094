// Streams a directory of the local file system, in NAR order, following no symlink.
#ifndef LRE_AUDIT_AUDIT_TREES_DIRECTORY_WALK_H_
#define LRE_AUDIT_AUDIT_TREES_DIRECTORY_WALK_H_

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// Opens directory `path` inside `root`: symlinks on the way resolve inside `root` and never leave
// it (openat2(2) RESOLVE_IN_ROOT; kernels without it get no symlinks at all).
absl::StatusOr<std::shared_ptr<FileHandle>> OpenDirectoryInRoot(int root, std::string_view path);

// Where the symlink `name` of an open directory leads, as written; the system's error.
absl::StatusOr<std::string> ReadLink(int directory, const std::string& name);

// What a stat(2) says of an entry: all but its path, index, target and attributes.
void FillEntry(const struct stat& status, Entry* entry);

// Adds the extended attributes of what is open as `fd`, sorted by name.
void ReadXattrs(int fd, Entry* entry);

// The names in an open directory, sorted bytewise.
absl::StatusOr<std::vector<std::string>> ReadNames(int directory);

// Streams the entry `name` of the open directory `parent` and all below it to `sink`, as `path` in
// the tree. An empty `name` stands for `parent` itself. Entries for which `skip` is true, and
// the contents of kernel file systems mounted below (/proc, /sys), are passed over.
//
// Special files are not opened. A file that cannot be read, or changes its size meanwhile, becomes
// a kUnreadable problem with its path.
class DirectoryWalk {
 public:
  using SkipPredicate = std::function<bool(std::string_view path)>;

  DirectoryWalk(EntrySink& sink, std::vector<Problem>& problems, SkipPredicate skip = {});
  ~DirectoryWalk();
  void Run(int parent, const std::string& name, const std::string& path);

 private:
  friend absl::StatusOr<std::vector<std::string>> ReadNames(int directory);
  struct Name;
  struct Level;

  // All that is left to read of an open directory, sorted.
  static absl::Status ReadLevel(int directory, std::vector<Name>& names);
  // Delivers one entry. For a directory to descend into, opens a level for it.
  void Visit(int parent, const Name& name, std::string path, uint64_t parent_device);
  void VisitRegular(int parent, const std::string& name, Entry& entry);
  void VisitDirectory(int parent, const std::string& name, Entry& entry, uint64_t parent_device);
  // An entry of which nothing but its metadata can be had.
  void Deliver(Entry& entry, bool complete);
  void Unreadable(const std::string& path, std::string message);

  EntrySink& sink_;
  std::vector<Problem>& problems_;
  SkipPredicate skip_;
  uint64_t next_index_ = 0;
  std::vector<Level> levels_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DIRECTORY_WALK_H_
