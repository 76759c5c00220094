// What `docker save` and `skopeo copy docker-archive:` write.
// Source: moby image/tarexport (manifest.json), containers/image docker/internal/tarfile.
#ifndef LRE_AUDIT_AUDIT_TREES_DOCKER_ARCHIVE_H_
#define LRE_AUDIT_AUDIT_TREES_DOCKER_ARCHIVE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/archive_blobs.h"
#include "audit/trees/image.h"

namespace lre_audit {

// The image that `name` ("repository[:tag]" or "@<index>", empty: the only one) has in the
// archive's manifest.json. An index.json beside it (Docker 25 and later) has to tell the same.
absl::StatusOr<Image> ReadDockerArchive(const ArchiveBlobs& blobs, const std::string& name,
                                        const TreeLimits& limits);

// What the archive's manifest.json, if it has one, says otherwise than the index.json of which
// `images` are becomes a problem of the image concerned: Docker since version 25 writes both, and
// who loads the archive chooses.
void CompareWithDocker(const ArchiveBlobs& blobs, const TreeLimits& limits,
                       std::vector<Image>& images);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DOCKER_ARCHIVE_H_
