#include "elf/host_view.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::elf {
namespace {

constexpr int kMaxSymlinks = 40;              // as the kernel
constexpr uint64_t kMaxSmallFile = 64 << 20;  // an ld.so.cache has some hundred kilobytes

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string ReadUpTo(const Descriptor& file, size_t size) {
  std::string contents(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t count = read(file.get(), contents.data() + done, size - done);
    if (count <= 0) break;
    done += count;
  }
  contents.resize(done);
  return contents;
}

}  // namespace

HostView::HostView(std::string root) : root_(std::move(root)) {
  while (root_.ends_with('/')) root_.pop_back();
}

const HostView::Node& HostView::Look(const std::string& path) const {
  auto [found, is_new] = nodes_.try_emplace(path);
  Node& node = found->second;
  if (!is_new) return node;
  struct stat status;
  const std::string host_path = root_ + path;
  if (lstat(host_path.c_str(), &status) != 0) return node;
  node.device = status.st_dev;
  node.inode = status.st_ino;
  if (S_ISREG(status.st_mode)) {
    node.kind = Kind::kRegular;
  } else if (S_ISDIR(status.st_mode)) {
    node.kind = Kind::kDirectory;
  } else if (S_ISLNK(status.st_mode)) {
    char target[PATH_MAX];
    const ssize_t length = readlink(host_path.c_str(), target, sizeof target);
    node.kind = length < 0 ? Kind::kMissing : Kind::kSymlink;
    if (length > 0) node.target.assign(target, length);
  } else {
    node.kind = Kind::kOther;
  }
  return node;
}

std::pair<HostView::Kind, std::string> HostView::Resolve(std::string_view path) const {
  std::vector<std::string> pending;  // components still to walk, the next one last
  auto push = [&](std::string_view components) {
    const size_t first = pending.size();
    for (size_t start = 0; start < components.size();) {
      const size_t end = std::min(components.find('/', start), components.size());
      if (end > start) pending.emplace_back(components.substr(start, end - start));
      start = end + 1;
    }
    std::reverse(pending.begin() + first, pending.end());
  };
  push(path);
  std::string real;
  Kind kind = Kind::kDirectory;
  int symlinks = 0;
  while (!pending.empty()) {
    if (kind != Kind::kDirectory) return {Kind::kMissing, ""};  // a file used as a directory
    const std::string component = std::move(pending.back());
    pending.pop_back();
    if (component == ".") continue;
    if (component == "..") {
      real.erase(std::min(real.rfind('/'), real.size()));
      continue;
    }
    std::string candidate = absl::StrCat(real, "/", component);
    const Node& node = Look(candidate);
    if (node.kind == Kind::kMissing) return {Kind::kMissing, ""};
    if (node.kind == Kind::kSymlink) {
      if (++symlinks > kMaxSymlinks) return {Kind::kMissing, ""};
      if (node.target.starts_with('/')) real.clear();
      push(node.target);
      continue;
    }
    real = std::move(candidate);
    kind = node.kind;
  }
  return {kind, real.empty() ? "/" : real};
}

std::pair<HostView::Kind, std::string> HostView::ResolveOften(const std::string& path) const {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "/" : path.substr(0, slash + 1);
  auto [parent, is_new] = resolved_directories_.try_emplace(directory);
  if (is_new) parent->second = Resolve(directory);
  const auto& [parent_kind, real] = parent->second;
  if (parent_kind != Kind::kDirectory) return {Kind::kMissing, ""};
  const std::string_view name = std::string_view(path).substr(slash + 1);
  std::string candidate = absl::StrCat(real == "/" ? "" : real, "/", ToAbsl(name));
  // Most names are not there, or are files: then nothing is left to walk.
  if (!name.empty() && name != "." && name != "..") {
    const Node& node = Look(candidate);
    if (node.kind == Kind::kMissing) return {Kind::kMissing, ""};
    if (node.kind != Kind::kSymlink) return {node.kind, std::move(candidate)};
  }
  return Resolve(candidate);
}

std::optional<View::File> HostView::Open(const std::string& path) const {
  const auto [opened, is_new] = opened_.try_emplace(path);
  if (!is_new) return opened->second;
  auto [kind, real] = ResolveOften(path);
  if (kind != Kind::kRegular) return std::nullopt;
  const Node& node = Look(real);
  File& file = opened->second.emplace();
  file.id = absl::StrCat(node.device, ":", node.inode);
  file.object = ReadFile(real, node);
  file.real_path = std::move(real);
  return opened->second;
}

const Object* HostView::ReadFile(const std::string& real_path, const Node& node) const {
  auto [cached, is_new] = objects_.try_emplace({node.device, node.inode});
  if (!is_new) return cached->second.get();
  const Descriptor file(root_ + real_path);
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || status.st_size < 4) return nullptr;
  void* mapped = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapped == MAP_FAILED) return nullptr;
  const std::string_view bytes(static_cast<const char*>(mapped), status.st_size);
  if (HasElfMagic(bytes)) cached->second = std::make_unique<const Object>(ReadObject(Bytes(bytes)));
  munmap(mapped, status.st_size);
  return cached->second.get();
}

std::optional<std::string> HostView::ReadSmall(const std::string& path) const {
  const auto [kind, real] = Resolve(path);
  if (kind != Kind::kRegular) return std::nullopt;
  const Descriptor file(root_ + real);
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return std::nullopt;
  if (static_cast<uint64_t>(status.st_size) > kMaxSmallFile) return std::nullopt;
  return ReadUpTo(file, status.st_size);
}

absl::StatusOr<std::string> HostView::ReadHead(const std::string& path, size_t size) const {
  const auto [kind, real] = Resolve(path);
  if (kind != Kind::kRegular) return absl::NotFoundError("no regular file");
  const Descriptor file(root_ + real);
  if (file.get() < 0) return absl::Status(absl::ErrnoToStatusCode(errno), std::strerror(errno));
  return ReadUpTo(file, size);
}

bool HostView::IsDirectory(const std::string& path) const {
  return ResolveOften(path).first == Kind::kDirectory;
}

bool HostView::MayHaveDirectory(const std::string& directory) const {
  auto [resolved, is_new] = resolved_directories_.try_emplace(directory);
  if (is_new) resolved->second = Resolve(directory);
  return resolved->second.first == Kind::kDirectory;
}

}  // namespace lre_audit::elf
