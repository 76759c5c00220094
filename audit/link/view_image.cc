// An image as a place where builds run: its merged tree, from facts alone.
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "audit/link/facts_view.h"
#include "audit/link/tree_index.h"
#include "audit/link/view_files.h"
#include "base/store_path.h"

namespace lre_audit {
namespace {

// The tree by path, and as the loader sees it.
struct ImageFiles {
  ImageFiles(const MergedTree& tree, const std::string& store_directory)
      : index(tree.files, store_directory), objects(index) {}
  const TreeIndex index;
  const FactsView objects;
};

class ImageView : public FilesView {
 public:
  ImageView(ToolchainView description, const MergedTree& tree, const std::string& store_directory,
            std::unique_ptr<const ImageFiles> files)
      : FilesView(std::move(description), store_directory, files->objects),
        files_(std::move(files)) {
    for (const FileFacts& file : tree.files) {
      const auto store_path = nix::StorePathOf(file.path(), store_directory);
      if (!store_path || file.references().empty()) continue;
      std::set<std::string>& references = references_[std::string(*store_path)];
      for (const StoreReference& reference : file.references()) {
        references.insert(absl::StrCat(store_directory, "/", reference.base_name()));
      }
    }
  }

 private:
  bool HasStorePath(const std::string& store_path) const override {
    return files_->index.HasStorePath(store_path);
  }
  bool SeesFilesOf(const std::string&) const override { return true; }
  Target Locate(const std::string& path) const override { return files_->index.Lookup(path, {}); }

  absl::StatusOr<std::vector<std::string>> Interpreters(const std::string& path) const override {
    std::vector<std::string> interpreters;
    const FileFacts* file = files_->index.Resolve(path).file;
    if (file == nullptr) return interpreters;
    for (const Claim& claim : file->claims()) {
      if (claim.kind() == Claim::SHEBANG) interpreters.push_back(claim.text());
    }
    return interpreters;
  }

  std::vector<std::string> ReferencesOf(const std::string& store_path) const override {
    const auto found = references_.find(store_path);
    if (found == references_.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

  const std::unique_ptr<const ImageFiles> files_;
  absl::flat_hash_map<std::string, std::set<std::string>> references_;  // as contents name them
};

}  // namespace

std::unique_ptr<View> ViewOfImage(const MergedTree& tree, const Subject& image) {
  ToolchainView description;
  description.kind = ToolchainView::Kind::kImage;
  description.reference = image.reference;
  if (image.image) {
    description.system = NixSystem(absl::StrCat(image.image->os, "/", image.image->architecture));
  }
  return std::make_unique<ImageView>(
      std::move(description), tree, image.store_directory,
      std::make_unique<const ImageFiles>(tree, image.store_directory));
}

}  // namespace lre_audit
