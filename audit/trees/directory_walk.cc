#include "audit/trees/directory_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Every open level holds a file descriptor, of which a process has 1024 by default.
constexpr size_t kMaxDepth = 400;

constexpr uint64_t kReadAhead = uint64_t{4} << 20;  // a multiple of kPieceBytes
static_assert(kReadAhead % kPieceBytes == 0);

absl::Status ErrnoStatus(int error, std::string_view what) {
  const std::string message = absl::StrCat(Escaped(what), ": ", strerror(error));
  return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(message)
                                             : absl::UnavailableError(message);
}

// File systems whose files are views into the kernel.
bool IsKernelFileSystem(int directory) {
  struct statfs status;
  if (fstatfs(directory, &status) != 0) return false;
  constexpr long kConfigFs = 0x62656570, kMqueue = 0x19800202, kFuseControl = 0x65735543,
                 kRpcPipe = 0x67596969, kNfsd = 0x6e667364;
  switch (static_cast<long>(status.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case SELINUX_MAGIC:
    case BPF_FS_MAGIC:
    case PSTOREFS_MAGIC:
    case EFIVARFS_MAGIC:
    case BINFMTFS_MAGIC:
    case AUTOFS_SUPER_MAGIC:
    case kConfigFs:
    case kMqueue:
    case kFuseControl:
    case kRpcPipe:
    case kNfsd:
      return true;
    default:
      return false;
  }
}

Entry::Type TypeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return Entry::Type::kDirectory;
    case S_IFLNK:
      return Entry::Type::kSymlink;
    case S_IFCHR:
      return Entry::Type::kCharacterDevice;
    case S_IFBLK:
      return Entry::Type::kBlockDevice;
    case S_IFIFO:
      return Entry::Type::kFifo;
    case S_IFSOCK:
      return Entry::Type::kSocket;
    default:
      return Entry::Type::kRegular;
  }
}

int OpenAt2(int root, const std::string& path, uint64_t flags, uint64_t resolve) {
  open_how how = {};
  how.flags = flags;
  how.resolve = resolve;
  return static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<FileHandle>> OpenDirectoryInRoot(int root, std::string_view path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  std::string relative(path.substr(std::min(path.find_first_not_of('/'), path.size())));
  if (relative.empty()) relative = ".";
  int fd = OpenAt2(root, relative, kFlags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (fd >= 0) return std::make_shared<FileHandle>(fd);
  // Before Linux 5.6, or forbidden by a seccomp filter.
  if (errno != ENOSYS && errno != EPERM) return ErrnoStatus(errno, path);
  std::shared_ptr<FileHandle> at;
  int current = root;
  while (!relative.empty()) {
    const size_t slash = std::min(relative.find('/'), relative.size());
    const std::string component = relative.substr(0, slash);
    relative.erase(0, slash + 1);
    if (component.empty()) continue;
    if (component == "..") return absl::InvalidArgumentError("\"..\" in a path inside a root");
    fd = openat(current, component.c_str(), kFlags | O_NOFOLLOW);
    if (fd < 0) return ErrnoStatus(errno, path);
    at = std::make_shared<FileHandle>(fd);
    current = fd;
  }
  return at;
}

absl::StatusOr<std::string> ReadLink(int directory, const std::string& name) {
  char target[4097];  // PATH_MAX
  const ssize_t length = readlinkat(directory, name.c_str(), target, sizeof(target));
  if (length < 0) return absl::UnavailableError(strerror(errno));
  return std::string(target, static_cast<size_t>(length));
}

// Those of symlinks, which nothing acts on, are not read.
void ReadXattrs(int fd, Entry* entry) {
  char names[64 << 10];  // XATTR_LIST_MAX
  const ssize_t size = flistxattr(fd, names, sizeof(names));
  for (ssize_t at = 0; at < size;) {
    const std::string name(names + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    std::string value(64 << 10, '\0');  // XATTR_SIZE_MAX
    const ssize_t length = fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (length < 0) continue;  // removed meanwhile, or for others' eyes (trusted.*)
    value.resize(static_cast<size_t>(length));
    entry->xattrs.emplace_back(name, std::move(value));
  }
  std::sort(entry->xattrs.begin(), entry->xattrs.end());
}

void FillEntry(const struct stat& status, Entry* entry) {
  entry->type = TypeOf(status.st_mode);
  entry->mode = status.st_mode & 07777;
  entry->uid = status.st_uid;
  entry->gid = status.st_gid;
  entry->mtime = status.st_mtim.tv_sec;
  entry->size = entry->type == Entry::Type::kRegular ? static_cast<uint64_t>(status.st_size) : 0;
}

// A name in a directory, and what readdir(3) says that it is: DT_REG, DT_DIR, or DT_UNKNOWN.
struct DirectoryWalk::Name {
  std::string name;
  unsigned char type = DT_UNKNOWN;
};

struct DirectoryWalk::Level {
  std::shared_ptr<FileHandle> directory;
  std::string path;
  uint64_t device = 0;
  std::vector<Name> names;  // sorted
  size_t next = 0;
};

absl::Status DirectoryWalk::ReadLevel(int directory, std::vector<Name>& names) {
  alignas(dirent64) char buffer[32 << 10];
  while (true) {
    const ssize_t size = getdents64(directory, buffer, sizeof(buffer));
    if (size < 0) return ErrnoStatus(errno, "directory");
    if (size == 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      at += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.push_back({std::string(name), entry->d_type});
    }
  }
  std::sort(names.begin(), names.end(),
            [](const Name& a, const Name& b) { return a.name < b.name; });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ReadNames(int directory) {
  // A descriptor of its own, for reading moves its position.
  const FileHandle again(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (again.fd() < 0) return ErrnoStatus(errno, "directory");
  std::vector<DirectoryWalk::Name> entries;
  LRE_RETURN_IF_ERROR(DirectoryWalk::ReadLevel(again.fd(), entries));
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (DirectoryWalk::Name& entry : entries) names.push_back(std::move(entry.name));
  return names;
}

DirectoryWalk::DirectoryWalk(EntrySink& sink, std::vector<Problem>& problems, SkipPredicate skip)
    : sink_(sink), problems_(problems), skip_(std::move(skip)), buffer_(new char[kPieceBytes]) {}
DirectoryWalk::~DirectoryWalk() = default;

void DirectoryWalk::Unreadable(const std::string& path, std::string message) {
  problems_.push_back({Problem::Kind::kUnreadable, path, 0, std::move(message), {}, {}});
}

void DirectoryWalk::Deliver(Entry& entry, bool complete) {
  entry.index = next_index_++;
  sink_.BeginEntry(entry);
  sink_.EndEntry(complete);
}

void DirectoryWalk::Run(int parent, const std::string& name, const std::string& path) {
  struct stat status;
  const uint64_t device = fstat(parent, &status) == 0 ? status.st_dev : 0;
  Visit(parent, {name.empty() ? "." : name}, path, device);
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      levels_.pop_back();
      continue;
    }
    // Visit may add a level and so move this one.
    const Name child = std::move(level.names[level.next++]);
    const std::shared_ptr<FileHandle> directory = level.directory;
    Visit(directory->fd(), child,
          absl::StrCat(level.path == "/" ? "" : level.path, "/", child.name), level.device);
  }
}

void DirectoryWalk::Visit(int parent, const Name& name, std::string path, uint64_t parent_device) {
  if (skip_ && skip_(path)) return;
  Entry entry;
  entry.path = std::move(path);
  // What is opened anyway is asked then.
  unsigned char type = name.type;
  if (type != DT_REG && type != DT_DIR) {
    struct stat status;
    if (fstatat(parent, name.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return Unreadable(entry.path, strerror(errno));
    }
    FillEntry(status, &entry);
    type = IFTODT(status.st_mode);
  }
  switch (type) {
    case DT_REG:
      return VisitRegular(parent, name.name, entry);
    case DT_DIR:
      return VisitDirectory(parent, name.name, entry, parent_device);
    case DT_LNK: {
      absl::StatusOr<std::string> target = ReadLink(parent, name.name);
      if (!target.ok()) {
        Unreadable(entry.path, std::string(target.status().message()));
        return Deliver(entry, false);
      }
      entry.target = *std::move(target);
      return Deliver(entry, true);
    }
    default:
      return Deliver(entry, true);
  }
}

void DirectoryWalk::VisitRegular(int parent, const std::string& name, Entry& entry) {
  const int fd = openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    Unreadable(entry.path, strerror(errno));
    return Deliver(entry, false);
  }
  const FileHandle file(fd);
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    Unreadable(entry.path, "is no regular file any more");
    entry.type = Entry::Type::kRegular;
    return Deliver(entry, false);
  }
  FillEntry(status, &entry);
  ReadXattrs(fd, &entry);
  entry.index = next_index_++;
  sink_.BeginEntry(entry);
  uint64_t done = 0;
  bool complete = true;
  while (true) {
    // The disk works on the next stretch while this one is hashed.
    if (entry.size > kPieceBytes && done % kReadAhead == 0) {
      posix_fadvise(fd, static_cast<off_t>(done), 2 * kReadAhead, POSIX_FADV_WILLNEED);
    }
    // One byte more than is left: a file that has grown shows itself without a further call.
    const auto want = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, entry.size - done + 1));
    const ssize_t got = read(fd, buffer_.get(), want);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Unreadable(entry.path, absl::StrCat("read at ", done, ": ", strerror(errno)));
      complete = false;
      break;
    }
    const auto usable =
        static_cast<size_t>(std::min<uint64_t>(static_cast<uint64_t>(got), entry.size - done));
    if (usable > 0) sink_.Data(std::string_view(buffer_.get(), usable));
    done += usable;
    if (static_cast<size_t>(got) > usable) {
      Unreadable(entry.path, absl::StrCat("grew beyond ", entry.size, " bytes while it was read"));
      complete = false;
      break;
    }
    // Less than was asked for is the end of a regular file, of which all has been read.
    if (static_cast<size_t>(got) < want && done == entry.size) break;
    if (got == 0) {
      if (done < entry.size) {
        Unreadable(entry.path, absl::StrCat("ended after ", done, " of ", entry.size,
                                            " bytes while it was read"));
        complete = false;
      }
      break;
    }
  }
  sink_.EndEntry(complete);
}

void DirectoryWalk::VisitDirectory(int parent, const std::string& name, Entry& entry,
                                   uint64_t parent_device) {
  const int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const int error = errno;
  struct stat status;
  Level level;
  if (fd >= 0) level.directory = std::make_shared<FileHandle>(fd);
  if (fd < 0 ? fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0
             : fstat(fd, &status) != 0) {
    return Unreadable(entry.path, strerror(errno));
  }
  FillEntry(status, &entry);
  if (fd >= 0) ReadXattrs(fd, &entry);
  Deliver(entry, true);
  if (fd < 0) return Unreadable(entry.path, strerror(error));
  if (levels_.size() >= kMaxDepth) {
    problems_.push_back({Problem::Kind::kLimit,
                         entry.path,
                         0,
                         absl::StrCat("directories nest more than ", kMaxDepth, " deep"),
                         {},
                         {}});
    return;
  }
  level.device = status.st_dev;
  if (level.device != parent_device && IsKernelFileSystem(fd)) return;
  if (absl::Status read = ReadLevel(fd, level.names); !read.ok()) {
    return Unreadable(entry.path, std::string(read.message()));
  }
  level.path = std::move(entry.path);
  levels_.push_back(std::move(level));
}

}  // namespace lre_audit
