#include "audit/trees/blob_source.h"

#include <utility>

#include "base/status.h"

namespace lre_audit {

absl::StatusOr<std::unique_ptr<DirectoryBlobs>> DirectoryBlobs::Open(const std::string& directory) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> handle, OpenDirectory(directory));
  return std::unique_ptr<DirectoryBlobs>(new DirectoryBlobs(std::move(handle)));
}

absl::StatusOr<std::unique_ptr<ByteSource>> DirectoryBlobs::Open(const std::string& name,
                                                                 uint64_t* size) const {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file,
                       OpenRegularFile(directory_->fd(), name, size));
  return std::make_unique<FileSource>(std::move(file), 0, *size);
}

}  // namespace lre_audit
