// Images that lie in local files: layouts, archives, root file systems.
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/archive_blobs.h"
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

absl::StatusOr<std::unique_ptr<Tree>> OpenOciBlobs(const std::string& reference,
                                                   const std::shared_ptr<const ArchiveBlobs>& blobs,
                                                   const std::string& tag,
                                                   const OpenOptions& options) {
  Image damaged;
  damaged.problems = blobs->problems();
  absl::StatusOr<Image> image = damaged;
  // A damaged archive without an index.json was not mistyped: it is what could not be read.
  if (damaged.problems.empty() || blobs->Has("index.json")) {
    image = ReadOciLayout(*blobs, tag, options.platform, options.limits);
    if (image.ok()) {
      image->problems.insert(image->problems.begin(), damaged.problems.begin(),
                             damaged.problems.end());
    }
  }
  return MakeImageTree(reference, std::move(image), blobs, options.limits);
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

absl::StatusOr<std::unique_ptr<Tree>> MakeImageTree(const std::string& reference,
                                                    absl::StatusOr<Image> image,
                                                    std::shared_ptr<const BlobSource> blobs,
                                                    const TreeLimits& limits) {
  if (!image.ok()) return About(reference, image.status());
  image->reference = reference;
  return std::make_unique<ImageTree>(*std::move(image), std::move(blobs), limits);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenOci(const TypedReference& name,
                                              const OpenOptions& options) {
  const auto [directory, tag] = SplitPathAndName(name.rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const BlobSource> blobs, DirectoryBlobs::Open(directory));
  return MakeImageTree(name.reference, ReadOciLayout(*blobs, tag, options.platform, options.limits),
                       blobs, options.limits);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenOciArchive(const TypedReference& name,
                                                     const OpenOptions& options) {
  const auto [file, tag] = SplitPathAndName(name.rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs,
                       ArchiveBlobs::Open(file, options.limits));
  return OpenOciBlobs(name.reference, blobs, tag, options);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenDockerArchive(const TypedReference& name,
                                                        const OpenOptions& options) {
  const auto [file, image] = SplitPathAndName(name.rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs,
                       ArchiveBlobs::Open(file, options.limits));
  return MakeImageTree(name.reference, ReadDockerArchive(*blobs, image, options.limits), blobs,
                       options.limits);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenRootfsImage(const TypedReference& name,
                                                      const OpenOptions& /*options*/) {
  return OpenRootfs(name.reference, name.rest);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenBarePath(const TypedReference& name,
                                                   const OpenOptions& options) {
  const auto [path, image] = SplitPathAndName(name.rest);
  if (IsDirectory(path)) {
    if (Exists(path + "/oci-layout")) return OpenOci(name, options);
    return OpenRootfs(name.reference, path);
  }
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
