// What the user types to name an image: transports, and what a bare path is.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/archive_blobs.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/directory_tree.h"
#include "audit/trees/docker_archive.h"
#include "audit/trees/image.h"
#include "audit/trees/oci_layout.h"
#include "audit/trees/tree.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::array<std::string_view, 4> kTransports = {"oci", "oci-archive", "docker-archive",
                                                         "rootfs"};

// Transports that skopeo has, and how to get from there to one that is read here.
struct OtherTransport {
  std::string_view name, way;
};
constexpr OtherTransport kOtherTransports[] = {
    {"docker", "skopeo copy docker://HOST/NAME:TAG oci:DIR:TAG"},
    {"docker-daemon", "skopeo copy docker-daemon:NAME:TAG oci:DIR:TAG"},
    {"containers-storage", "skopeo copy containers-storage:NAME:TAG oci:DIR:TAG"},
    {"dir", "skopeo copy dir:DIR oci:DIR:TAG"},
    {"nix", "skopeo with nix2container's patch: skopeo copy nix:FILE oci:DIR:TAG"},
};

bool Exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

bool IsDirectory(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// "PATH[:NAME]", where both may hold colons: the longest PATH that exists. If none does, what is
// before the first colon, so that the message names it.
std::pair<std::string, std::string> SplitName(const std::string& rest) {
  if (Exists(rest)) return {rest, ""};
  for (size_t colon = rest.rfind(':'); colon != std::string::npos && colon > 0;
       colon = rest.rfind(':', colon - 1)) {
    if (Exists(rest.substr(0, colon))) return {rest.substr(0, colon), rest.substr(colon + 1)};
  }
  const size_t colon = std::min(rest.find(':'), rest.size());
  return {rest.substr(0, colon), rest.substr(std::min(colon + 1, rest.size()))};
}

// What the message of an error is about stands in front of it.
absl::Status About(const std::string& what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(Escaped(what), ": ", status.message()));
}

absl::StatusOr<std::unique_ptr<Tree>> MakeTree(const std::string& reference,
                                               absl::StatusOr<Image> image,
                                               std::shared_ptr<const BlobSource> blobs,
                                               const TreeLimits& limits) {
  if (!image.ok()) return About(reference, image.status());
  image->reference = reference;
  return std::make_unique<ImageTree>(*std::move(image), std::move(blobs), limits);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenOci(const std::string& reference,
                                              const std::string& directory, const std::string& tag,
                                              const std::string& platform,
                                              const TreeLimits& limits) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const BlobSource> blobs, DirectoryBlobs::Open(directory));
  return MakeTree(reference, ReadOciLayout(*blobs, tag, platform, limits), blobs, limits);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenOciArchive(
    const std::string& reference, const std::shared_ptr<const ArchiveBlobs>& blobs,
    const std::string& tag, const std::string& platform, const TreeLimits& limits) {
  Image damaged;
  damaged.problems = blobs->problems();
  absl::StatusOr<Image> image = damaged;
  // A damaged archive without an index.json was not mistyped: it is what could not be read.
  if (damaged.problems.empty() || blobs->Has("index.json")) {
    image = ReadOciLayout(*blobs, tag, platform, limits);
    if (image.ok()) {
      image->problems.insert(image->problems.begin(), damaged.problems.begin(),
                             damaged.problems.end());
    }
  }
  return MakeTree(reference, std::move(image), blobs, limits);
}

absl::StatusOr<std::unique_ptr<Tree>> OpenBarePath(const std::string& reference,
                                                   const std::string& path, const std::string& name,
                                                   const std::string& platform,
                                                   const TreeLimits& limits) {
  if (IsDirectory(path)) {
    if (Exists(path + "/oci-layout")) return OpenOci(reference, path, name, platform, limits);
    return OpenRootfs(reference, path);
  }
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs, ArchiveBlobs::Open(path, limits));
  // Docker 25 and later write both manifests; manifest.json is the one that all readers know.
  if (blobs->Has("manifest.json")) {
    return MakeTree(reference, ReadDockerArchive(*blobs, name, limits), blobs, limits);
  }
  if (blobs->Has("oci-layout") || blobs->Has("index.json")) {
    return OpenOciArchive(reference, blobs, name, platform, limits);
  }
  std::string message =
      "no image: expected a directory, or a tar archive with manifest.json or index.json";
  if (!blobs->problems().empty()) {
    absl::StrAppend(&message, " (", blobs->problems().front().message, ")");
  }
  return About(path, absl::InvalidArgumentError(message));
}

absl::Status UnknownTransport(std::string_view transport) {
  for (const OtherTransport& other : kOtherTransports) {
    if (transport == other.name) {
      return absl::InvalidArgumentError(
          absl::StrCat("transport \"", ToAbsl(transport),
                       ":\" is not supported yet; copy the image first: ", ToAbsl(other.way)));
    }
  }
  std::string known;
  for (const std::string_view candidate : kTransports) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", ToAbsl(candidate), ":");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown transport '", Escaped(transport.substr(0, 80)), ":'",
                   DidYouMean(transport.substr(0, 80), kTransports), " (transports: ", known, ")"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tree>> OpenImage(const std::string& reference,
                                                const std::string& platform,
                                                const TreeLimits& limits) {
  const size_t colon = reference.find(':');
  const std::string transport = reference.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : reference.substr(colon + 1);
  if (colon != std::string::npos &&
      std::find(kTransports.begin(), kTransports.end(), transport) != kTransports.end()) {
    if (rest.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", reference, "\" names no path after the transport"));
    }
    if (transport == "rootfs") return OpenRootfs(reference, rest);
    const auto [path, name] = SplitName(rest);
    if (transport == "oci") return OpenOci(reference, path, name, platform, limits);
    LRE_ASSIGN_OR_RETURN(std::shared_ptr<const ArchiveBlobs> blobs,
                         ArchiveBlobs::Open(path, limits));
    if (transport == "oci-archive") {
      return OpenOciArchive(reference, blobs, name, platform, limits);
    }
    return MakeTree(reference, ReadDockerArchive(*blobs, name, limits), blobs, limits);
  }
  if (const auto [path, name] = SplitName(reference); Exists(path)) {
    return OpenBarePath(reference, path, name, platform, limits);
  }
  if (colon != std::string::npos && transport.find('/') == std::string::npos) {
    return UnknownTransport(transport);
  }
  return absl::NotFoundError(
      absl::StrCat(Escaped(reference),
                   ": no such file or directory; expected oci:DIR[:TAG], "
                   "oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], rootfs:DIR, or a path"));
}

}  // namespace lre_audit
