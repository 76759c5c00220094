#include "audit/facts/cache_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "base/write_file.h"

namespace lre_audit {
namespace {

absl::Status SystemError(std::string_view path, int error) {
  const std::string message = absl::StrCat(Escaped(path), ": ", strerror(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

// Whether somebody else decides what the file or directory holds.
absl::Status CheckOwner(const struct stat& status, const std::string& path) {
  if (status.st_uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat(Escaped(path), ": belongs to user ", status.st_uid, ", expected ", geteuid()));
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(Escaped(path), ": others can write to it; chmod go-w lets it be used"));
  }
  return absl::OkStatus();
}

// mkdir -p, for the user alone. What fails, the open that follows tells.
void MakeDirectories(const std::string& path) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at == path.size() || path[at] == '/') mkdir(path.substr(0, at).c_str(), 0700);
  }
}

std::optional<std::string> Absolute(const char* name) {
  const char* value = getenv(name);
  if (value == nullptr || value[0] != '/') return std::nullopt;
  return value;
}

// The first `size` bytes; fewer if the file has become shorter.
absl::StatusOr<std::string> ReadBytes(int fd, uint64_t size, const std::string& name) {
  std::string content(size, '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = read(fd, content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(name, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  content.resize(done);
  return content;
}

absl::Time TimeOf(const timespec& time) { return absl::TimeFromTimespec(time); }

}  // namespace

std::string DefaultCacheDirectory() {
  const char* own = getenv("LRE_AUDIT_CACHE_DIR");
  if (own != nullptr && own[0] != '\0') return own;
  if (const auto cache = Absolute("XDG_CACHE_HOME")) return absl::StrCat(*cache, "/lre-audit");
  const auto home = Absolute("HOME");
  // A home that is not there is not ours to make: builders have one that must stay absent.
  struct stat status;
  if (!home || stat(home->c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return {};
  return absl::StrCat(*home, "/.cache/lre-audit");
}

absl::StatusOr<CacheDirectory> CacheDirectory::Open(const std::string& path, bool create) {
  std::string trimmed = path;  // behind "link/" O_NOFOLLOW does not see the link
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = open(trimmed.c_str(), kFlags);
  if (fd < 0 && errno == ENOENT && create) {
    MakeDirectories(trimmed);
    fd = open(trimmed.c_str(), kFlags);
  }
  if (fd < 0) return SystemError(trimmed, errno);
  auto handle = std::make_shared<FileHandle>(fd);
  struct stat status;
  if (fstat(fd, &status) != 0) return SystemError(trimmed, errno);
  if (absl::Status owner = CheckOwner(status, trimmed); !owner.ok()) return owner;
  return CacheDirectory(std::move(trimmed), std::move(handle));
}

absl::StatusOr<std::shared_ptr<FileHandle>> CacheDirectory::OpenFile(const std::string& name,
                                                                     uint64_t* size) const {
  // O_NONBLOCK: a fifo of that name is not waited for.
  const int fd =
      openat(handle_->fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return SystemError(name, errno);
  auto file = std::make_shared<FileHandle>(fd);
  struct stat status;
  if (fstat(fd, &status) != 0) return SystemError(name, errno);
  if (!S_ISREG(status.st_mode)) {
    return absl::PermissionDeniedError(absl::StrCat(Escaped(name), ": not a regular file"));
  }
  if (absl::Status owner = CheckOwner(status, name); !owner.ok()) return owner;
  *size = static_cast<uint64_t>(status.st_size);
  return file;
}

absl::StatusOr<std::string> CacheDirectory::Read(const std::string& name, uint64_t limit,
                                                 bool use) const {
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<FileHandle> file, OpenFile(name, &size));
  if (size > limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat(Escaped(name), ": has ", size, " bytes, the limit is ", limit));
  }
  LRE_ASSIGN_OR_RETURN(std::string content, ReadBytes(file->fd(), size, name));
  // Reading by itself changes the time of use on few machines, and a backup's does on all of these.
  constexpr timespec kNow[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  if (use) futimens(file->fd(), kNow);
  return content;
}

absl::StatusOr<std::string> CacheDirectory::ReadHead(const std::string& name,
                                                     uint64_t bytes) const {
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<FileHandle> file, OpenFile(name, &size));
  return ReadBytes(file->fd(), std::min(size, bytes), name);
}

absl::Status CacheDirectory::Write(const std::string& name, std::string_view content) const {
  static std::atomic<uint64_t> count = 0;
  std::string temporary;
  int fd = -1;
  for (int attempt = 0; attempt < 100 && fd < 0; ++attempt) {
    // Containers share directories, and the numbers of processes.
    temporary = absl::StrCat(name, ".", getpid(), ".", count++, ".tmp");
    fd = openat(handle_->fd(), temporary.c_str(),
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST) return SystemError(path_, errno);
  }
  if (fd < 0) return SystemError(path_, EEXIST);
  int error = WriteAndClose(fd, content);
  if (error == 0 && renameat(handle_->fd(), temporary.c_str(), handle_->fd(), name.c_str()) != 0) {
    error = errno;
  }
  if (error == 0) return absl::OkStatus();
  unlinkat(handle_->fd(), temporary.c_str(), 0);
  return SystemError(path_, error);
}

bool CacheDirectory::Remove(const std::string& name) const {
  return unlinkat(handle_->fd(), name.c_str(), 0) == 0 || errno == ENOENT;
}

absl::StatusOr<std::vector<CacheDirectory::File>> CacheDirectory::List() const {
  // A handle of its own: directory streams share their position with it.
  const int fd = openat(handle_->fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError(path_, errno);
  DIR* const directory = fdopendir(fd);
  if (directory == nullptr) {
    const int error = errno;
    close(fd);
    return SystemError(path_, error);
  }
  const absl::Cleanup close_directory = [directory] { closedir(directory); };
  std::vector<File> files;
  for (errno = 0; const dirent* entry = readdir(directory); errno = 0) {
    struct stat status;
    if (fstatat(handle_->fd(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode)) continue;
    files.push_back({entry->d_name, static_cast<uint64_t>(status.st_size), TimeOf(status.st_mtim)});
  }
  if (errno != 0) return SystemError(path_, errno);
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) {
    return a.used != b.used ? a.used < b.used : a.name < b.name;
  });
  return files;
}

}  // namespace lre_audit
