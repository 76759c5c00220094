#include "audit/trees/store_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/directory_walk.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

absl::Status ErrnoStatus(int error, std::string_view what) {
  const std::string message = absl::StrCat(Escaped(what), ": ", strerror(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

// Why `name` of `directory` could not be opened as `expected`: a symlink says ELOOP or ENOTDIR.
absl::Status WhyNot(int directory, const std::string& name, std::string_view path, int error) {
  struct stat status;
  if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK(status.st_mode)) {
    return absl::UnavailableError(
        absl::StrCat(Escaped(path), ": is a symbolic link, which is not followed"));
  }
  return ErrnoStatus(error, path);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const StoreFiles>> StoreFiles::Open(
    const std::string& root, const std::string& store_directory) {
  const int fd = open(root.empty() ? "/" : root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, root);
  const FileHandle top(fd);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> directory,
                       OpenDirectoryInRoot(top.fd(), store_directory));
  return std::shared_ptr<const StoreFiles>(new StoreFiles(store_directory, std::move(directory)));
}

absl::StatusOr<std::string> StoreFiles::Relative(std::string_view path) const {
  const std::string prefix = store_directory_ + "/";
  if (!path.starts_with(prefix) || path.size() == prefix.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("lies outside the store ", store_directory_, ", and nothing else is read"));
  }
  const std::string_view relative = path.substr(prefix.size());
  for (size_t begin = 0; begin <= relative.size();) {
    const size_t end = std::min(relative.find('/', begin), relative.size());
    const std::string_view component = relative.substr(begin, end - begin);
    if (component.empty() || component == "." || component == ".." ||
        component.find('\0') != std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Escaped(component),
                       "\" is a component of it, expected the plain path of a file in the store"));
    }
    begin = end + 1;
  }
  return std::string(relative);
}

absl::StatusOr<std::shared_ptr<FileHandle>> StoreFiles::OpenDirectory(
    std::string_view relative) const {
  std::shared_ptr<FileHandle> at = directory_;
  for (size_t begin = 0; begin < relative.size();) {
    const size_t end = std::min(relative.find('/', begin), relative.size());
    const std::string component(relative.substr(begin, end - begin));
    // Those on the way need not be readable.
    const int access = end == relative.size() ? O_RDONLY : O_PATH;
    const int fd =
        openat(at->fd(), component.c_str(), access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
      const int error = errno;
      return WhyNot(at->fd(), component,
                    absl::StrCat(store_directory_, "/", ToAbsl(relative.substr(0, end))), error);
    }
    at = std::make_shared<FileHandle>(fd);
    begin = end + 1;
  }
  return at;
}

absl::StatusOr<std::shared_ptr<FileHandle>> StoreFiles::OpenFile(std::string_view relative,
                                                                 uint64_t* size) const {
  const size_t slash = relative.rfind('/');
  const bool nested = slash != std::string_view::npos;
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> directory,
                       OpenDirectory(nested ? relative.substr(0, slash) : ""));
  return OpenFileIn(directory->fd(), std::string(relative.substr(nested ? slash + 1 : 0)), size);
}

absl::StatusOr<std::shared_ptr<FileHandle>> OpenFileIn(int directory, const std::string& name,
                                                       uint64_t* size) {
  // O_NONBLOCK: should a fifo have taken its place meanwhile, the open does not wait for a writer.
  const int fd = openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return WhyNot(directory, name, name, errno);
  auto file = std::make_shared<FileHandle>(fd);
  struct stat status;
  if (fstat(fd, &status) != 0) return ErrnoStatus(errno, name);
  if (!S_ISREG(status.st_mode)) {
    return absl::UnavailableError(absl::StrCat(Escaped(name), ": not a regular file"));
  }
  *size = static_cast<uint64_t>(status.st_size);
  return file;
}

}  // namespace lre_audit
