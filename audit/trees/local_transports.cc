// Images that lie in local files: layouts, archives, root file systems.
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/trees/archive_blobs.h"
#include "audit/trees/directory_transport.h"
#include "audit/trees/directory_tree.h"
#include "audit/trees/docker_archive.h"
#include "audit/trees/oci_layout.h"
#include "audit/trees/transports.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

bool Exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

bool IsDirectory(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// What the message of an error is about stands in front of it.
absl::Status About(const std::string& what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(Escaped(what), ": ", status.message()));
}

absl::StatusOr<Trees> OpenOciBlobs(const std::string& reference,
                                   const std::shared_ptr<const ArchiveBlobs>& blobs,
                                   const std::string& tag, const OpenOptions& options) {
  std::vector<Image> damaged(1);
  damaged[0].problems = blobs->problems();
  absl::StatusOr<std::vector<Image>> images = damaged;
  // A damaged archive without an index.json was not mistyped: it is what could not be read.
  if (damaged[0].problems.empty() || blobs->Has("index.json")) {
    images = ReadOciLayout(*blobs, tag, options);
    if (images.ok()) {
      CompareWithDocker(*blobs, options.limits, *images);
      std::vector<Problem>& first = images->front().problems;
      first.insert(first.begin(), damaged[0].problems.begin(), damaged[0].problems.end());
    }
  }
  return MakeImageTrees(reference, std::move(images), blobs, options.limits);
}

absl::StatusOr<Trees> OnlyTree(absl::StatusOr<std::unique_ptr<Tree>> tree) {
  if (!tree.ok()) return tree.status();
  Trees trees;
  trees.push_back(*std::move(tree));
  return trees;
}

}  // namespace

std::pair<std::string, std::string> SplitPathAndName(const std::string& text) {
  if (Exists(text)) return {text, ""};
  for (size_t colon = text.rfind(':'); colon != std::string::npos && colon > 0;
       colon = text.rfind(':', colon - 1)) {
    if (Exists(text.substr(0, colon))) return {text.substr(0, colon), text.substr(colon + 1)};
  }
  const size_t colon = std::min(text.find(':'), text.size());
  return {text.substr(0, colon), text.substr(std::min(colon + 1, text.size()))};
}

absl::StatusOr<Trees> MakeImageTrees(const std::string& reference,
                                     absl::StatusOr<std::vector<Image>> images,
                                     const std::shared_ptr<const BlobSource>& blobs,
                                     const TreeLimits& limits) {
  if (!images.ok()) return About(reference, images.status());
  Trees trees;
  std::set<std::string> references;
  for (Image& image : *images) {
    image.reference = reference;
    if (images->size() > 1) {
      const std::string& told = image.platform.empty() ? image.digest : image.platform;
      absl::StrAppend(&image.reference, " (", told, ")");
      // Nothing keeps an index from having two images for one platform.
      if (!references.insert(image.reference).second) {
        image.reference = absl::StrCat(reference, " (", told, ", ", image.digest, ")");
      }
    }
    trees.push_back(std::make_unique<ImageTree>(std::move(image), blobs, limits));
  }
  return trees;
}

absl::StatusOr<Trees> MakeImageTree(const std::string& reference, absl::StatusOr<Image> image,
                                    const std::shared_ptr<const BlobSource>& blobs,
                                    const TreeLimits& limits) {
  if (!image.ok()) return About(reference, image.status());
  std::vector<Image> images;
  images.push_back(*std::move(image));
  return MakeImageTrees(reference, std::move(images), blobs, limits);
}

absl::StatusOr<Trees> OpenOci(const TypedReference& name, const OpenOptions& options) {
  const auto [directory, tag] = SplitPathAndName(name.rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const BlobSource> blobs, DirectoryBlobs::Open(directory));
  return MakeImageTrees(name.reference, ReadOciLayout(*blobs, tag, options), blobs, options.limits);
}

absl::StatusOr<Trees> OpenOciArchive(const TypedReference& name, const OpenOptions& options) {
  const auto [file, tag] = SplitPathAndName(name.rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs,
                       ArchiveBlobs::Open(file, options.limits));
  return OpenOciBlobs(name.reference, blobs, tag, options);
}

absl::StatusOr<Trees> OpenDockerArchive(const TypedReference& name, const OpenOptions& options) {
  const auto [file, image] = SplitPathAndName(name.rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs,
                       ArchiveBlobs::Open(file, options.limits));
  return MakeImageTree(name.reference, ReadDockerArchive(*blobs, image, options.limits), blobs,
                       options.limits);
}

absl::StatusOr<Trees> OpenRootfsImage(const TypedReference& name, const OpenOptions& /*options*/) {
  return OnlyTree(OpenRootfs(name.reference, name.rest));
}

absl::StatusOr<Trees> OpenBarePath(const TypedReference& name, const OpenOptions& options) {
  const auto [path, image] = SplitPathAndName(name.rest);
  if (IsDirectory(path)) {
    if (Exists(path + "/oci-layout")) return OpenOci(name, options);
    if (IsDirectoryTransport(path)) return OpenDir({name.reference, path}, options);
    return OnlyTree(OpenRootfs(name.reference, path));
  }
  if (LooksLikeNix2container(name.rest)) return OpenNix(name, options);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs,
                       ArchiveBlobs::Open(path, options.limits));
  // Docker 25 and later write both manifests; manifest.json is the one that all readers know.
  if (blobs->Has("manifest.json")) {
    return MakeImageTree(name.reference, ReadDockerArchive(*blobs, image, options.limits), blobs,
                         options.limits);
  }
  if (blobs->Has("oci-layout") || blobs->Has("index.json")) {
    return OpenOciBlobs(name.reference, blobs, image, options);
  }
  std::string message =
      "no image: expected a directory, or a tar archive with manifest.json or index.json";
  if (!blobs->problems().empty()) {
    absl::StrAppend(&message, " (", blobs->problems().front().message, ")");
  }
  return About(path, absl::InvalidArgumentError(message));
}

}  // namespace lre_audit
