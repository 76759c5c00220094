#include "base/write_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

absl::Status SystemError(std::string_view path, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot write '", Escaped(path), "': ", std::generic_category().message(error)));
}

absl::Status WriteOpened(int fd, std::string_view content, std::string_view path) {
  const int error = WriteAndClose(fd, content);
  return error == 0 ? absl::OkStatus() : SystemError(path, error);
}

absl::Status ReplaceFile(const std::string& path, std::string_view content) {
  // open() with 0666, unlike mkstemp(), leaves the mode to the user's umask.
  std::string temporary;
  int fd = -1;
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary = absl::StrCat(path, ".", getpid(), ".", attempt, ".tmp");
    fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) break;
  }
  if (fd < 0) return SystemError(path, errno);
  absl::Status status = WriteOpened(fd, content, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError(path, errno);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace

absl::Status WriteFile(const std::string& path, std::string_view content) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return SystemError(path, errno);
    return ReplaceFile(path, content);
  }
  // /dev/stderr may well lead to a regular file, but one that somebody holds open.
  if (!S_ISREG(status.st_mode) || path.starts_with("/dev/")) {
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return SystemError(path, errno);
    return WriteOpened(fd, content, path);
  }
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  if (error) return SystemError(path, error.value());
  return ReplaceFile(target.string(), content);
}

absl::Status CreateFile(const std::string& path, std::string_view content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd >= 0) return WriteOpened(fd, content, path);
  if (errno != EEXIST) return SystemError(path, errno);
  return absl::AlreadyExistsError(absl::StrCat("'", Escaped(path), "' is there already"));
}

int WriteAndClose(int fd, std::string_view content) {
  int error = 0;
  while (!content.empty() && error == 0) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written >= 0) {
      content.remove_prefix(written);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  // Network file systems report a full disk at close.
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

}  // namespace lre_audit
