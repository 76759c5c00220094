#include "audit/trees/storage_tree.h"

#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/bytes/inflate.h"
#include "audit/trees/directory_walk.h"
#include "audit/trees/overlay_layer.h"
#include "audit/trees/stacked_layer.h"
#include "audit/trees/tar_reader.h"
#include "audit/trees/tar_split.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr size_t kNamedDifferences = 5;

// The digest of the archive that `description` and the files give; `archive` receives its entries.
absl::StatusOr<Digest> HashArchive(ByteSource& description, std::shared_ptr<FileHandle> files,
                                   Digest::Algorithm algorithm, const TreeLimits& limits,
                                   const std::string& where, EntrySink& archive) {
  TarSplitSource source(description, std::move(files));
  DigestHasher hasher(algorithm);
  std::vector<Problem> problems;  // what is wrong with the archive, its files show
  TarReader reader(where, TarReader::Flavour::kLayer, limits, archive, problems);
  while (true) {
    LRE_ASSIGN_OR_RETURN(const std::string_view piece, source.Next());
    if (piece.empty()) break;
    hasher.Update(piece);
    reader.Push(piece);
  }
  reader.Finish();
  return hasher.Finish();
}

}  // namespace

absl::StatusOr<std::shared_ptr<FileHandle>> OpenFileInRoot(int root, const std::string& path,
                                                           uint64_t* size) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return OpenRegularFile(root, path, size, O_NOFOLLOW);
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<FileHandle> directory,
                       OpenDirectoryInRoot(root, path.substr(0, slash)));
  return OpenRegularFile(directory->fd(), path.substr(slash + 1), size, O_NOFOLLOW);
}

StorageTree::StorageTree(Image image, std::vector<Layer> layers, std::shared_ptr<FileHandle> root,
                         uint64_t owner, uint64_t group, const TreeLimits& limits)
    : image_(std::move(image)),
      layers_(std::move(layers)),
      root_(std::move(root)),
      owner_(owner),
      group_(group),
      limits_(limits) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const ImageLayer& layer = image_.layers[i];
    parts_.push_back({absl::StrCat("layer ", i), layer.digest ? layer.digest->ToString() : "",
                      layer.diff_id ? layer.diff_id->ToString() : "", layers_[i].size_hint});
  }
}

void StorageTree::Stream(size_t part, bool verify, EntrySink& sink,
                         std::vector<Problem>& problems) const {
  const Layer& layer = layers_[part];
  const std::string where = absl::StrCat(parts_[part].name, " (", layer.directory, ")");
  const auto add = [&](Problem::Kind kind, absl::string_view message) {
    problems.push_back({kind, where, 0, std::string(message), {}, {}});
  };
  absl::StatusOr<std::shared_ptr<FileHandle>> directory =
      OpenDirectoryInRoot(root_->fd(), layer.directory);
  if (!directory.ok()) return add(Problem::Kind::kUnreadable, directory.status().message());

  LayerListing unpacked(&sink);
  OverlayLayerSink overlay(**directory, owner_, group_,
                           verify ? static_cast<EntrySink&>(unpacked) : sink);
  std::shared_ptr<FileHandle> below;
  if (layer.is_stacked && part > 0) {
    absl::StatusOr<std::shared_ptr<FileHandle>> opened =
        OpenDirectoryInRoot(root_->fd(), layers_[part - 1].directory);
    // Else its own part says why, and this one is told whole.
    if (opened.ok()) below = *std::move(opened);
  }
  StackedLayerSink changes(*directory, below, overlay, problems);
  LayerListing whole(&changes);
  DirectoryWalk(layer.is_stacked ? static_cast<EntrySink&>(whole) : overlay, problems)
      .Run((*directory)->fd(), "", "/");

  // Layers that were never an archive, or whose archive is not recorded, have no digest.
  const std::optional<Digest>& diff_id = image_.layers[part].diff_id;
  if (!verify || !diff_id) return;
  uint64_t size = 0;
  absl::StatusOr<std::shared_ptr<FileHandle>> tar_split =
      OpenFileInRoot(root_->fd(), layer.tar_split, &size);
  if (absl::IsNotFound(tar_split.status())) return;
  if (!tar_split.ok()) return add(Problem::Kind::kUnreadable, tar_split.status().message());
  FileSource compressed(*std::move(tar_split), 0, size);
  Inflater description(compressed, limits_.decode);
  LayerListing archive;
  const absl::StatusOr<Digest> actual =
      HashArchive(description, *directory, diff_id->algorithm, limits_, where, archive);
  if (absl::IsFailedPrecondition(actual.status())) {
    problems.push_back({Problem::Kind::kDiffIdMismatch, where, 0,
                        std::string(actual.status().message()), diff_id->ToString(),
                        "other files"});
  } else if (!actual.ok()) {
    add(absl::IsResourceExhausted(actual.status()) ? Problem::Kind::kLimit
                                                   : Problem::Kind::kUnreadable,
        absl::StrCat("cannot be held against its digest: ", actual.status().message()));
  } else if (actual->hex != diff_id->hex) {
    problems.push_back(
        {Problem::Kind::kDiffIdMismatch, where, 0,
         absl::StrCat("diff_id is ", actual->ToString(), ", expected ", diff_id->ToString()),
         diff_id->ToString(), actual->ToString()});
  }
  if (!actual.ok()) return;
  const auto [differences, count] =
      layer.is_stacked
          ? LayerListing::StackedDifferences(archive, whole, unpacked, kNamedDifferences)
          : LayerListing::Differences(archive, unpacked, kNamedDifferences);
  if (count == 0) return;
  add(Problem::Kind::kViewsDisagree,
      absl::StrCat("the unpacked files differ from the archive that they come from in ", count,
                   count == 1 ? " place: " : " places: ", absl::StrJoin(differences, "; "),
                   count > differences.size() ? "; ..." : ""));
}

}  // namespace lre_audit
