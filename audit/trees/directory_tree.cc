#include "audit/trees/directory_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/directory_walk.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

class DirectoryTree : public Tree {
 public:
  explicit DirectoryTree(std::string reference) : reference_(std::move(reference)) {}

  // One entry of `directory` and all below it, as `path`.
  void AddPart(std::shared_ptr<FileHandle> directory, std::string name, std::string path,
               DirectoryWalk::SkipPredicate skip = {}) {
    parts_.push_back({path.empty() || path == "/" ? "files" : path, {}, {}, 0});
    origins_.push_back(
        {std::move(directory), std::move(name), std::move(path), std::move(skip), false});
  }
  // The same, if it is there.
  void AddOptionalPart(std::shared_ptr<FileHandle> directory, std::string name, std::string path,
                       uint64_t size_hint) {
    AddPart(std::move(directory), std::move(name), std::move(path));
    parts_.back().size_hint = size_hint;
    origins_.back().optional = true;
  }

  const std::string& reference() const override { return reference_; }
  const std::vector<Part>& parts() const override { return parts_; }
  const ImageConfig& config() const override { return config_; }
  const std::vector<Problem>& problems() const override { return problems_; }
  bool is_nar_ordered() const override { return true; }

  void Stream(size_t part, bool /*verify: a directory has no digests*/, EntrySink& sink,
              std::vector<Problem>& problems) const override {
    const Origin& origin = origins_[part];
    struct stat status;
    if (origin.optional &&
        fstatat(origin.directory->fd(), origin.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT) {
      return;
    }
    DirectoryWalk(sink, problems, origin.skip)
        .Run(origin.directory->fd(), origin.name, origin.path);
  }

 private:
  struct Origin {
    std::shared_ptr<FileHandle> directory;
    std::string name, path;
    DirectoryWalk::SkipPredicate skip;
    bool optional = false;
  };

  const std::string reference_;
  const ImageConfig config_;
  const std::vector<Problem> problems_;
  std::vector<Part> parts_;
  std::vector<Origin> origins_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tree>> OpenRootfs(const std::string& reference,
                                                 const std::string& directory) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> root, OpenDirectory(directory));
  auto tree = std::make_unique<DirectoryTree>(reference);
  const std::string store(nix::kDefaultStoreDirectory);

  // No symlink on the way to the store: what /nix -> elsewhere leads to is walked there, once.
  std::shared_ptr<FileHandle> store_directory = root;
  for (const char* component : {"nix", "store"}) {
    const int fd =
        openat(store_directory->fd(), component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    store_directory = fd < 0 ? nullptr : std::make_shared<FileHandle>(fd);
    if (store_directory == nullptr) break;
  }
  if (store_directory == nullptr) {
    tree->AddPart(root, "", "/");
    return tree;
  }
  absl::StatusOr<std::vector<std::string>> names = ReadNames(store_directory->fd());
  if (!names.ok()) {
    tree->AddPart(root, "", "/");  // the walk says what is wrong
    return tree;
  }
  const std::string prefix = store + "/";
  tree->AddPart(root, "", "/",
                [prefix](std::string_view path) { return path.starts_with(prefix); });
  for (const std::string& name : *names) {
    tree->AddPart(store_directory, name, prefix + name);
  }
  return tree;
}

absl::StatusOr<std::shared_ptr<FileHandle>> OpenStoreDirectory(
    const std::string& root, const std::string& store_directory,
    const std::vector<std::string>& paths) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> top, OpenDirectory(root.empty() ? "/" : root));
  const std::string prefix = store_directory + "/";
  for (const std::string& path : paths) {
    const std::string_view name =
        std::string_view(path).substr(std::min(prefix.size(), path.size()));
    if (!path.starts_with(prefix) || name.empty() || name == "." || name == ".." ||
        name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Escaped(path), "\" is no path of the store ", store_directory));
    }
  }
  return OpenDirectoryInRoot(top->fd(), store_directory);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenStore(const std::string& root,
                                                const std::string& store_directory,
                                                const std::vector<std::string>& paths) {
  return OpenStore(root, store_directory, paths, {});
}

absl::StatusOr<std::unique_ptr<Tree>> OpenStore(const std::string& root,
                                                const std::string& store_directory,
                                                const std::vector<std::string>& paths,
                                                const std::vector<uint64_t>& sizes) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> store,
                       OpenStoreDirectory(root, store_directory, paths));
  auto tree = std::make_unique<DirectoryTree>(absl::StrCat("store:", root.empty() ? "/" : root));
  for (size_t i = 0; i < paths.size(); ++i) {
    tree->AddOptionalPart(store, paths[i].substr(store_directory.size() + 1), paths[i],
                          i < sizes.size() ? sizes[i] : 0);
  }
  return tree;
}

}  // namespace lre_audit
