// What a description that came from elsewhere may name: files of one store, and nothing else that
// is on this machine.
#ifndef LRE_AUDIT_AUDIT_TREES_STORE_FILES_H_
#define LRE_AUDIT_AUDIT_TREES_STORE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit {

class StoreFiles {
 public:
  // The store `store_directory` ("/nix/store") below `root`, "" for the host's. Symlinks on the way
  // to it are followed inside `root`: it is the user's to say where the store lies.
  static absl::StatusOr<std::shared_ptr<const StoreFiles>> Open(const std::string& root,
                                                                const std::string& store_directory);

  const std::string& store_directory() const { return store_directory_; }

  // "<hash>-<name>/bin" of "/nix/store/<hash>-<name>/bin". InvalidArgument for what is not below
  // the store directory, and for "..", "." and empty components, whose meaning depends on symlinks.
  absl::StatusOr<std::string> Relative(std::string_view path) const;

  // Open what lies at `relative`, "" being the store directory itself. No symlink is followed, at
  // no component: NotFound, or Unavailable with the component that stands in the way.
  absl::StatusOr<std::shared_ptr<FileHandle>> OpenDirectory(std::string_view relative) const;
  absl::StatusOr<std::shared_ptr<FileHandle>> OpenFile(std::string_view relative,
                                                       uint64_t* size) const;

 private:
  StoreFiles(std::string store_directory, std::shared_ptr<FileHandle> directory)
      : store_directory_(std::move(store_directory)), directory_(std::move(directory)) {}

  const std::string store_directory_;
  const std::shared_ptr<FileHandle> directory_;
};

// Opens the regular file `name` of an open directory, which is not followed if it is a symlink.
// `size` receives its size.
absl::StatusOr<std::shared_ptr<FileHandle>> OpenFileIn(int directory, const std::string& name,
                                                       uint64_t* size);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_STORE_FILES_H_
