#include "audit/trees/stacked_layer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/directory_walk.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// "/a/b" is "/a" and "b"; "/" is "/" and ".".
std::pair<std::string, std::string> Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);
  return {slash == 0 ? "/" : path.substr(0, slash), name.empty() ? "." : name};
}

bool IsBelow(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && path.substr(directory.size()).starts_with('/');
}

}  // namespace

StackedLayerSink::StackedLayerSink(std::shared_ptr<FileHandle> directory,
                                   std::shared_ptr<FileHandle> below, EntrySink& sink,
                                   std::vector<Problem>& problems)
    : sink_(sink), problems_(problems) {
  here_.root = std::move(directory);
  below_.root = std::move(below);
}

absl::StatusOr<std::shared_ptr<FileHandle>> StackedLayerSink::Side::Open(std::string_view wanted) {
  if (directory != nullptr && path == wanted) return directory;
  absl::StatusOr<std::shared_ptr<FileHandle>> opened = OpenDirectoryInRoot(root->fd(), wanted);
  if (!opened.ok()) return opened.status();
  directory = *std::move(opened);
  path = wanted;
  return directory;
}

bool StackedLayerSink::HasSameContents(const Entry& entry, const std::string& directory,
                                       const std::string& name) {
  const auto open = [&](Side& side) -> std::unique_ptr<FileSource> {
    const auto parent = side.Open(directory);
    uint64_t size = 0;
    if (!parent.ok()) return nullptr;
    auto file = OpenRegularFile((*parent)->fd(), name, &size, O_NOFOLLOW);
    if (!file.ok() || size != entry.size) return nullptr;
    return std::make_unique<FileSource>(*std::move(file), 0, size);
  };
  const std::unique_ptr<FileSource> here = open(here_), below = open(below_);
  // What cannot be compared is passed on, and judged as it is.
  if (here == nullptr || below == nullptr) return false;
  while (true) {
    // Both give pieces of the same sizes.
    const absl::StatusOr<std::string_view> ours = here->Next(), theirs = below->Next();
    if (!ours.ok() || !theirs.ok() || *ours != *theirs) return false;
    if (ours->empty()) return true;
  }
}

bool StackedLayerSink::IsUnchanged(const Entry& entry) {
  if (below_.root == nullptr) return false;
  if (!new_below_.empty() && IsBelow(entry.path, new_below_)) return false;
  const auto [directory, name] = Split(entry.path);
  const auto parent = below_.Open(directory);
  struct stat status;
  const bool is_below =
      parent.ok() && fstatat((*parent)->fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  Entry other;
  if (is_below) FillEntry(status, &other);
  const bool is_directory = entry.type == Entry::Type::kDirectory;
  if (is_directory && (!is_below || other.type != entry.type)) new_below_ = entry.path;
  if (!is_below || other.type != entry.type) return false;
  if (is_directory) entered_ = entry.path;
  if (other.mode != entry.mode || other.uid != entry.uid || other.gid != entry.gid ||
      other.size != entry.size) {
    return false;
  }
  switch (entry.type) {
    case Entry::Type::kDirectory:
    case Entry::Type::kRegular: {
      const FileHandle file(
          openat((*parent)->fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (file.fd() < 0) return false;
      ReadXattrs(file.fd(), &other);
      return other.xattrs == entry.xattrs &&
             (is_directory || HasSameContents(entry, directory, name));
    }
    case Entry::Type::kSymlink: {
      const absl::StatusOr<std::string> target = ReadLink((*parent)->fd(), name);
      return target.ok() && *target == entry.target;
    }
    default: {
      const auto ours = here_.Open(directory);
      struct stat here;
      return ours.ok() && fstatat((*ours)->fd(), name.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 &&
             here.st_rdev == status.st_rdev;
    }
  }
}

void StackedLayerSink::BeginEntry(const Entry& entry) {
  entered_.clear();
  passes_on_ = !IsUnchanged(entry);
  if (passes_on_) sink_.BeginEntry(entry);
}

void StackedLayerSink::EndEntry(bool complete) {
  if (passes_on_) sink_.EndEntry(complete);
  passes_on_ = false;
  if (!entered_.empty()) TellRemoved(entered_);
}

void StackedLayerSink::TellRemoved(const std::string& path) {
  const auto here = here_.Open(path);
  const auto below = below_.Open(path);
  // That the directory cannot be read, the walk says.
  if (!here.ok() || !below.ok()) return;
  const absl::StatusOr<std::vector<std::string>> names = ReadNames((*below)->fd());
  if (!names.ok()) {
    problems_.push_back({Problem::Kind::kUnreadable,
                         path,
                         0,
                         absl::StrCat("in the layer below: ", names.status().message()),
                         {},
                         {}});
    return;
  }
  for (const std::string& name : *names) {
    struct stat status;
    if (fstatat((*here)->fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ||
        errno != ENOENT) {
      continue;
    }
    Entry whiteout;
    whiteout.path = absl::StrCat(path == "/" ? "" : path, "/", name);
    whiteout.type = Entry::Type::kWhiteout;
    sink_.BeginEntry(whiteout);
    sink_.EndEntry(true);
  }
}

}  // namespace lre_audit
