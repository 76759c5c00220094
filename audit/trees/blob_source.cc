#include "audit/trees/blob_source.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {

absl::StatusOr<std::unique_ptr<DirectoryBlobs>> DirectoryBlobs::Open(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    const std::string message = absl::StrCat(Escaped(directory), ": ", strerror(error));
    return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(message)
                                               : absl::UnavailableError(message);
  }
  return std::unique_ptr<DirectoryBlobs>(new DirectoryBlobs(std::make_shared<FileHandle>(fd)));
}

absl::StatusOr<std::unique_ptr<ByteSource>> DirectoryBlobs::Open(const std::string& name,
                                                                 uint64_t* size) const {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file,
                       OpenRegularFile(directory_->fd(), name, size));
  return std::make_unique<FileSource>(std::move(file), 0, *size);
}

}  // namespace lre_audit
