// A View of a real directory tree: the host, or an unpacked root file system.
#ifndef LRE_AUDIT_ELF_HOST_VIEW_H_
#define LRE_AUDIT_ELF_HOST_VIEW_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "elf/search.h"

namespace lre_audit::elf {

// Every file is read once, however many names it has, and every symlink followed once: the tree
// must not change meanwhile. Not thread-safe.
class HostView : public View {
 public:
  // `root` is "" for the host or a directory that stands for "/": no symlink and no ".." leads out
  // of it.
  explicit HostView(std::string root);

  std::optional<File> Open(const std::string& path) const override;
  std::optional<std::string> ReadSmall(const std::string& path) const override;
  bool MayHaveDirectory(const std::string& directory) const override;
  bool IsDirectory(const std::string& path) const override;

  enum class Kind { kMissing, kRegular, kDirectory, kSymlink, kOther };
  // What is at `path` after all symlinks, and its path in the view; for messages.
  std::pair<Kind, std::string> Resolve(std::string_view path) const;
  // The first bytes of the regular file at `path`, at most `size`; the system's error if it cannot
  // be opened. For messages.
  absl::StatusOr<std::string> ReadHead(const std::string& path, size_t size) const;

 private:
  struct Node {
    Kind kind = Kind::kMissing;
    std::string target;  // of a symlink
    dev_t device = 0;
    ino_t inode = 0;
  };
  // As Resolve, for many names in few directories: those are resolved once.
  std::pair<Kind, std::string> ResolveOften(const std::string& path) const;
  // `path` has no symlink but perhaps its last component.
  const Node& Look(const std::string& path) const;
  const Object* ReadFile(const std::string& real_path, const Node& node) const;

  std::string root_;
  mutable absl::node_hash_map<std::string, Node> nodes_;
  mutable absl::node_hash_map<std::string, std::pair<Kind, std::string>> resolved_directories_;
  mutable absl::node_hash_map<std::string, std::optional<File>> opened_;
  mutable std::map<std::pair<dev_t, ino_t>, std::unique_ptr<const Object>> objects_;
};

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_HOST_VIEW_H_
