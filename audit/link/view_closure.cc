// The local side as a place where builds run: a closure's store paths, and what of them is on disk.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/claims/claim_list.h"
#include "audit/claims/shebang.h"
#include "audit/link/view_files.h"
#include "audit/trees/oci_manifest.h"
#include "base/paths.h"
#include "base/status.h"
#include "base/store_path.h"
#include "elf/host_view.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxSymlinks = 40;      // as the kernel
constexpr size_t kShebangLine = 256;  // BINPRM_BUF_SIZE: what Linux reads of a #! line

bool IsOnDisk(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  return fs::exists(status);
}

// The loader's view of the store alone: what this machine happens to have elsewhere is no part of
// the closure, and the next machine has something else there.
class StoreFiles : public elf::View {
 public:
  StoreFiles(const std::string& root, const std::string& store_directory)
      : host(root), store_(host.Resolve(store_directory).second) {}

  // Whether `real_path`, without symlinks, is in the store, which symlinks can lead to.
  bool Holds(std::string_view real_path) const {
    return !store_.empty() && IsWithin(real_path, store_);
  }
  std::optional<File> Open(const std::string& path) const override {
    std::optional<File> file = host.Open(path);
    if (file && !Holds(file->real_path)) return std::nullopt;
    return file;
  }
  bool IsDirectory(const std::string& path) const override {
    const auto [kind, real] = host.Resolve(path);
    return kind == elf::HostView::Kind::kDirectory && Holds(real);
  }
  bool MayHaveDirectory(const std::string& directory) const override {
    return host.MayHaveDirectory(directory);
  }
  std::optional<std::string> ReadSmall(const std::string& path) const override {
    if (!Holds(host.Resolve(path).second)) return std::nullopt;
    return host.ReadSmall(path);
  }

  const elf::HostView host;

 private:
  const std::string store_;  // empty where there is none
};

class ClosureView : public FilesView {
 public:
  ClosureView(ToolchainView description, nix::Closure closure, std::string root,
              std::unique_ptr<const StoreFiles> files)
      : FilesView(std::move(description), closure.store_directory, *files),
        closure_(std::move(closure)),
        root_(std::move(root)),
        files_(std::move(files)),
        host_(files_->host) {}

  // A store's own word: what its database has and its disk has not is missing, not out of sight.
  static bool IsStore(const nix::Closure& closure) {
    return nix::StoreRootOf(closure.source).has_value();
  }

 private:
  bool HasStorePath(const std::string& store_path) const override {
    return closure_.paths.contains(store_path);
  }

  bool SeesFilesOf(const std::string& store_path) const override {
    return IsStore(closure_) || IsOnDisk(root_ + store_path);
  }

  Target Locate(const std::string& path) const override {
    auto [kind, real] = host_.Resolve(path);
    const bool is_missing = kind == elf::HostView::Kind::kMissing;
    Target target;
    target.path = is_missing ? FollowLast(path) : std::move(real);
    if (!files_->Holds(target.path) && !IsWithin(target.path, store_directory())) {
      target.place = Target::Place::kOutside;
      return target;
    }
    target.place = Target::Place::kStore;
    target.exists = !is_missing;
    target.is_directory = kind == elf::HostView::Kind::kDirectory;
    if (kind == elf::HostView::Kind::kRegular) {
      constexpr fs::perms kExecute =
          fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
      std::error_code error;
      const fs::perms mode = fs::symlink_status(root_ + target.path, error).permissions();
      target.is_executable = !error && (mode & kExecute) != fs::perms::none;
    }
    return target;
  }

  // Where the symlinks at the end of `path` lead, which is missing: `path` itself if it is none, or
  // if they lead in a circle.
  std::string FollowLast(const std::string& path) const {
    const fs::path written = NormalPath(path);
    fs::path at = written;
    for (int i = 0; i < kMaxSymlinks; ++i) {
      const auto [kind, directory] = host_.Resolve(at.parent_path().string());
      if (kind != elf::HostView::Kind::kDirectory) return at.string();
      at = fs::path(directory) / at.filename();
      std::error_code error;
      const fs::path link = fs::read_symlink(root_ + at.string(), error);
      if (error) return at.string();
      at = (directory / link).lexically_normal();
    }
    return written.string();
  }

  absl::StatusOr<std::vector<std::string>> Interpreters(const std::string& path) const override {
    LRE_ASSIGN_OR_RETURN(const std::string head, host_.ReadHead(path, kShebangLine));
    FileFacts facts;
    ClaimList claims(head, &facts);
    AddShebangClaim(head, &claims);
    std::vector<std::string> interpreters;
    for (const Claim& claim : facts.claims()) {
      // Of one outside the store, such as /usr/bin/env, the closure says nothing.
      const std::string& text = claim.text();
      const bool is_outside =
          text.starts_with('/') && !IsWithin(NormalPath(text), store_directory());
      if (!is_outside) interpreters.push_back(text);
    }
    return interpreters;
  }

  std::vector<std::string> ReferencesOf(const std::string& store_path) const override {
    const auto found = closure_.paths.find(store_path);
    if (found == closure_.paths.end()) return {};
    return found->second.references;
  }

  const nix::Closure closure_;
  const std::string root_;  // without a slash at its end
  const std::unique_ptr<const StoreFiles> files_;
  const elf::HostView& host_;  // theirs
};

}  // namespace

std::unique_ptr<View> ViewOfClosure(nix::Closure closure, const std::string& root,
                                    ToolchainView::Kind kind) {
  std::string directory = root;
  while (directory.ends_with('/')) directory.pop_back();
  if (closure.store_directory.empty()) closure.store_directory = nix::kDefaultStoreDirectory;
  ToolchainView description;
  description.kind = kind;
  description.reference = closure.source;
  description.system = NixSystem(HostPlatform());
  description.has_files =
      ClosureView::IsStore(closure) ||
      std::any_of(closure.paths.begin(), closure.paths.end(),
                  [&](const auto& entry) { return IsOnDisk(directory + entry.first); });
  auto files = std::make_unique<const StoreFiles>(directory, closure.store_directory);
  return std::make_unique<ClosureView>(std::move(description), std::move(closure),
                                       std::move(directory), std::move(files));
}

}  // namespace lre_audit
