// Where an image's blobs come from: a directory, the members of an archive, a registry. All image
// formats share one path from here on.
#ifndef LRE_AUDIT_AUDIT_TREES_BLOB_SOURCE_H_
#define LRE_AUDIT_AUDIT_TREES_BLOB_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/digest.h"

namespace lre_audit {

class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // Sources may keep manifests and indexes apart from configurations and layers.
  enum class Kind { kManifest, kBlob };
  // What Open() calls that which `digest` identifies: by default as an OCI layout does.
  virtual std::string NameOf(Kind /*kind*/, const Digest& digest) const {
    return digest.BlobPath();
  }
  // Opens a blob by its name, "blobs/sha256/..." or "layer.tar". NotFound if there is none; `size`
  // receives its length in bytes. May be called from several threads at once.
  virtual absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                           uint64_t* size) const = 0;
  // Whether each Open() asks another machine, so that none is made for a look alone.
  virtual bool IsRemote() const { return false; }
};

// The files below a directory. Symlinked blobs are followed (Bazel builds layouts of them): only
// regular files are opened, and contents are held against their digest.
class DirectoryBlobs : public BlobSource {
 public:
  static absl::StatusOr<std::unique_ptr<DirectoryBlobs>> Open(const std::string& directory);
  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override;

 private:
  explicit DirectoryBlobs(std::shared_ptr<FileHandle> directory)
      : directory_(std::move(directory)) {}
  std::shared_ptr<FileHandle> directory_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_BLOB_SOURCE_H_
