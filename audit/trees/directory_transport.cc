#include "audit/trees/directory_transport.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/trees/oci_manifest.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kManifest[] = "manifest.json", kVersion[] = "version";
// "1.0" and "1.1" differ in the names of signatures alone.
constexpr std::string_view kKnownVersion = "Directory Transport Version: 1.";
constexpr uint64_t kMaxVersion = 4096;

class DirectoryTransportBlobs : public BlobSource {
 public:
  explicit DirectoryTransportBlobs(std::shared_ptr<FileHandle> directory)
      : directory_(std::move(directory)) {}

  std::string NameOf(Kind kind, const Digest& digest) const override {
    return kind == Kind::kManifest ? digest.hex + ".manifest.json" : digest.hex;
  }

  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override {
    struct stat status;
    if (fstatat(directory_->fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(status.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Escaped(name),
                       ": a symlink, which is not followed out of a dir: image; expected a file"));
    }
    LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file,
                         OpenRegularFile(directory_->fd(), name, size, O_NOFOLLOW));
    return std::make_unique<FileSource>(std::move(file), 0, *size);
  }

 private:
  const std::shared_ptr<FileHandle> directory_;
};

// What the version file says; empty where there is none, as before skopeo 0.1.24.
std::string VersionOf(const BlobSource& blobs) {
  uint64_t size = 0;
  absl::StatusOr<std::unique_ptr<ByteSource>> source = blobs.Open(kVersion, &size);
  if (!source.ok()) return {};
  return ReadAll(**source, kMaxVersion).value_or("(longer than 4096 bytes)");
}

absl::StatusOr<std::shared_ptr<DirectoryTransportBlobs>> OpenBlobs(const std::string& directory) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> handle, OpenDirectory(directory));
  return std::make_shared<DirectoryTransportBlobs>(std::move(handle));
}

}  // namespace

bool IsDirectoryTransport(const std::string& directory) {
  const auto blobs = OpenBlobs(directory);
  return blobs.ok() && VersionOf(**blobs).starts_with(kKnownVersion);
}

absl::StatusOr<Trees> OpenDir(const TypedReference& name, const OpenOptions& options) {
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<const BlobSource> blobs, OpenBlobs(name.rest));
  ManifestStart start;
  start.name = kManifest;
  uint64_t size = 0;
  if (absl::IsNotFound(blobs->Open(start.name, &size).status())) {
    return absl::NotFoundError(
        absl::StrCat(Escaped(name.rest),
                     ": no manifest.json in it, so it is no image that skopeo wrote to dir:"));
  }
  absl::StatusOr<std::vector<Image>> images = ReadManifests(*blobs, start, options);
  const std::string version = VersionOf(*blobs);
  if (images.ok() && !version.empty() && !version.starts_with(kKnownVersion)) {
    images->front().problems.push_back(
        {Problem::Kind::kMalformed,
         kVersion,
         0,
         absl::StrCat("says \"", Escaped(version.substr(0, 100)), "\", expected \"",
                      ToAbsl(kKnownVersion), "1\""),
         {},
         {}});
  }
  return MakeImageTrees(name.reference, std::move(images), blobs, options.limits);
}

}  // namespace lre_audit
