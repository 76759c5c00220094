// The members of an archive that holds an image (oci-archive, docker-archive) as blobs.
#ifndef LRE_AUDIT_AUDIT_TREES_ARCHIVE_BLOBS_H_
#define LRE_AUDIT_AUDIT_TREES_ARCHIVE_BLOBS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// A first pass over the archive finds where its members are: skopeo and dockerTools write the
// manifest last. Members of an uncompressed archive are then read in place; to reach one of a
// compressed archive, it is decoded again from its start.
class ArchiveBlobs : public BlobSource {
 public:
  // Faults of the archive go to problems(); what was found before them can be read.
  static absl::StatusOr<std::unique_ptr<ArchiveBlobs>> Open(const std::string& path,
                                                            const TreeLimits& limits);
  // The same for a file that is open already, called `path` in problems.
  static std::unique_ptr<ArchiveBlobs> OfFile(std::shared_ptr<FileHandle> file, uint64_t size,
                                              const std::string& path, const TreeLimits& limits);

  // Names are normalised; a link is followed by name, one hop (skopeo's "<id>/layer.tar").
  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override;
  bool Has(const std::string& name) const;
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  struct Member {
    uint64_t offset = 0, size = 0;  // of its contents in the uncompressed archive
    bool readable = false;          // a regular file in one piece
    std::string link;               // where its contents are, for links: "/name"
    std::string contents;           // of small JSON members of compressed archives
  };
  class Indexer;

  ArchiveBlobs(std::shared_ptr<FileHandle> file, uint64_t size, const TreeLimits& limits)
      : file_(std::move(file)), file_size_(size), limits_(limits) {}
  absl::Status Index(const std::string& path);
  const Member* Find(const std::string& name) const;

  const std::shared_ptr<FileHandle> file_;
  const uint64_t file_size_;
  const TreeLimits limits_;
  bool compressed_ = false;
  std::map<std::string, Member> members_;  // by "/name"
  std::vector<Problem> problems_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_ARCHIVE_BLOBS_H_
