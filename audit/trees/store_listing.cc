// A store's directory without what is below its entries: enough to hold a database against a disk,
// at one system call a path.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/directory_tree.h"
#include "audit/trees/directory_walk.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

class StoreListing : public Tree {
 public:
  StoreListing(std::string reference, std::shared_ptr<FileHandle> store,
               std::vector<std::string> paths)
      : reference_(std::move(reference)), store_(std::move(store)), paths_(std::move(paths)) {
    for (size_t begin = 0; begin < paths_.size(); begin += kPathsInPart) {
      parts_.push_back({absl::StrCat("paths from ", begin), {}, {}, 0});
    }
  }

  const std::string& reference() const override { return reference_; }
  const std::vector<Part>& parts() const override { return parts_; }
  const ImageConfig& config() const override { return config_; }
  const std::vector<Problem>& problems() const override { return problems_; }

  void Stream(size_t part, bool /*verify*/, EntrySink& sink,
              std::vector<Problem>& problems) const override {
    const size_t begin = part * kPathsInPart;
    const size_t end = std::min(begin + kPathsInPart, paths_.size());
    Entry entry;
    for (size_t i = begin; i < end; ++i) {
      const char* const name = paths_[i].c_str() + paths_[i].rfind('/') + 1;
      struct stat status;
      if (fstatat(store_->fd(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        problems.push_back({Problem::Kind::kUnreadable, paths_[i], 0, strerror(errno), {}, {}});
        continue;
      }
      entry.path = paths_[i];
      entry.index = i - begin;
      FillEntry(status, &entry);
      entry.target.clear();
      if (S_ISLNK(status.st_mode)) {
        absl::StatusOr<std::string> target = ReadLink(store_->fd(), name);
        if (target.ok()) {
          entry.target = *std::move(target);
        } else {
          problems.push_back({Problem::Kind::kUnreadable,
                              paths_[i],
                              0,
                              std::string(target.status().message()),
                              {},
                              {}});
        }
      }
      sink.BeginEntry(entry);
      sink.EndEntry(true);
    }
  }

 private:
  // Of a large store, more than one part, so that more than one thread reads it.
  static constexpr size_t kPathsInPart = 8192;

  const std::string reference_;
  const std::shared_ptr<FileHandle> store_;
  const std::vector<std::string> paths_;
  const ImageConfig config_;
  const std::vector<Problem> problems_;
  std::vector<Part> parts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tree>> OpenStoreListing(const std::string& root,
                                                       const std::string& store_directory,
                                                       std::vector<std::string> paths) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> store,
                       OpenStoreDirectory(root, store_directory, paths));
  return std::make_unique<StoreListing>(absl::StrCat("store:", root.empty() ? "/" : root),
                                        std::move(store), std::move(paths));
}

}  // namespace lre_audit
