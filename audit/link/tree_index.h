// The files of an audited tree by path, with symlinks followed inside the tree only.
#ifndef LRE_AUDIT_AUDIT_LINK_TREE_INDEX_H_
#define LRE_AUDIT_AUDIT_LINK_TREE_INDEX_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "base/paths.h"
#include "rules/facts.pb.h"
#include "rules/linked.h"

namespace lre_audit {

class TreeIndex {
 public:
  // `files` must outlive the index. Directories that an archive only implies exist too.
  TreeIndex(const std::vector<FileFacts>& files, std::string store_directory);

  struct Resolved {
    std::string path;                 // absolute, without symlinks as far as they are known
    const FileFacts* file = nullptr;  // null if missing, or a directory that is only implied
    bool exists = false;
    bool is_directory = false;
  };
  // Where absolute `path` leads, the last component's symlink included. A loop does not exist.
  Resolved Resolve(std::string_view path) const;

  // Where `text` leads when it stands in a file of directory `base`; an empty `base` makes a
  // relative `text` Place::kRelative.
  Target Lookup(std::string_view text, std::string_view base) const;

  // Whether `path` is the store directory or below it.
  bool InStore(std::string_view path) const { return IsWithin(path, store_directory_); }
  bool HasStorePath(std::string_view store_path) const { return exists_.contains(store_path); }
  const std::string& store_directory() const { return store_directory_; }

 private:
  const FileFacts* Find(std::string_view path) const;
  // Resolve without the memory of directories; `hops` bounds symlinks as the kernel's 40 does.
  Resolved Walk(std::string_view path, int& hops) const;

  std::string store_directory_;
  absl::flat_hash_map<std::string_view, const FileFacts*> files_;
  absl::flat_hash_set<std::string_view> exists_;  // files and implied directories
  // Directories resolved before, with the symlinks followed on the way: the loader's search asks
  // for the same few again and again.
  struct Directory {
    Resolved resolved;
    int hops = 0;
  };
  mutable absl::node_hash_map<std::string, Directory> directories_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_TREE_INDEX_H_
