// A binary cache in a directory, as "nix copy --to file:///DIR" writes it.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/nix/cache_files.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr std::string_view kScheme = "file://";
constexpr std::string_view kSuffix = ".narinfo";

// DIR of "file:///DIR?compression=xz", a store URL of Nix's, or of a bare directory.
std::string DirectoryOf(std::string_view source) {
  if (!source.starts_with(kScheme)) return std::string(source);
  source.remove_prefix(kScheme.size());
  return std::string(source.substr(0, source.find('?')));
}

absl::Status OpenError(int error, const std::string& name) {
  const std::string message = absl::StrCat(Escaped(name), ": ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EXDEV:
    case ELOOP:
      return absl::InvalidArgumentError(
          absl::StrCat(Escaped(name), ": leads out of the cache's directory"));
    default:
      return absl::UnavailableError(message);
  }
}

class CacheDirectory : public CacheFiles {
 public:
  CacheDirectory(std::string location, std::shared_ptr<FileHandle> directory)
      : location_(std::move(location)), directory_(std::move(directory)) {}

  const std::string& location() const override { return location_; }
  int concurrency() const override { return 1; }

  absl::StatusOr<std::string> Read(const std::string& name, uint64_t limit) const override {
    LRE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, Open(name, std::nullopt));
    return ReadAll(*source, limit);
  }

  absl::StatusOr<std::unique_ptr<ByteSource>> Open(
      const std::string& url, std::optional<uint64_t> /*size*/) const override {
    LRE_RETURN_IF_ERROR(CheckCachePath(url));
    const int fd = OpenBeneath(url);
    if (fd < 0) return OpenError(errno, url);
    auto file = std::make_shared<FileHandle>(fd);
    struct stat status;
    if (fstat(fd, &status) != 0) return OpenError(errno, url);
    if (!S_ISREG(status.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat(Escaped(url), ": not a regular file"));
    }
    return std::make_unique<FileSource>(std::move(file), 0, status.st_size);
  }

  absl::StatusOr<std::vector<std::string>> ListNarInfos() const override {
    const int fd = openat(directory_->fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const directory = fd < 0 ? nullptr : fdopendir(fd);
    if (directory == nullptr) {
      const int error = errno;
      if (fd >= 0) close(fd);
      return OpenError(error, location_);
    }
    std::vector<std::string> names;
    while (const dirent* entry = readdir(directory)) {
      if (std::string_view(entry->d_name).ends_with(kSuffix)) names.emplace_back(entry->d_name);
    }
    closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  // O_NONBLOCK: a fifo is not waited for.
  int OpenBeneath(const std::string& path) const {
    constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    open_how how = {};
    how.flags = kFlags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int fd =
        static_cast<int>(syscall(SYS_openat2, directory_->fd(), path.c_str(), &how, sizeof(how)));
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
    // A kernel or container without the call: component by component, and no symlink at all.
    std::shared_ptr<FileHandle> parent = directory_;
    const std::vector<std::string> names = absl::StrSplit(path, '/', absl::SkipEmpty());
    for (size_t i = 0; i < names.size(); ++i) {
      const bool last = i + 1 == names.size();
      fd = openat(parent->fd(), names[i].c_str(),
                  last ? kFlags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
      if (fd < 0 || last) return fd;
      parent = std::make_shared<FileHandle>(fd);
    }
    errno = ENOENT;
    return -1;
  }

  const std::string location_;
  const std::shared_ptr<FileHandle> directory_;
};

}  // namespace

bool IsCacheDirectory(const std::string& source) {
  if (source.starts_with(kScheme)) return true;
  struct stat status;
  return stat(absl::StrCat(source, "/nix-cache-info").c_str(), &status) == 0;
}

absl::StatusOr<std::unique_ptr<CacheFiles>> OpenCacheDirectory(const std::string& source) {
  const std::string directory = DirectoryOf(source);
  if (!directory.starts_with('/') && source.starts_with(kScheme)) {
    return absl::InvalidArgumentError(absl::StrCat(
        Escaped(source), ": expected file:///DIR, with an absolute directory behind file://"));
  }
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("binary cache ", Escaped(source)));
  return std::make_unique<CacheDirectory>(source, std::make_shared<FileHandle>(fd));
}

absl::Status CheckCachePath(std::string_view url) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("URL \"", Escaped(url.substr(0, 300)), "\" ",
                                                   ToAbsl(why), "; expected a path in the cache"));
  };
  if (url.find('\0') != std::string_view::npos) return refuse("holds a zero byte");
  const size_t colon = url.find(':');
  if (colon != std::string_view::npos && colon < url.find('/')) return refuse("names a scheme");
  if (url.starts_with('/')) return refuse("is an absolute path");
  for (const absl::string_view component : absl::StrSplit(ToAbsl(url), '/')) {
    if (component == "..") return refuse("leads upwards");
  }
  return absl::OkStatus();
}

}  // namespace lre_audit::nix
