// One opener per transport ("oci:", "docker-archive:", ...), and what they share. The table of them
// is in open_image.cc.
#ifndef LRE_AUDIT_AUDIT_TREES_TRANSPORTS_H_
#define LRE_AUDIT_AUDIT_TREES_TRANSPORTS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/image.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// What the user typed, taken apart at the first colon.
struct TypedReference {
  std::string reference;  // whole, as typed: the tree's reference()
  std::string rest;       // behind "transport:"; the whole where there is no transport
};

// Opens the images of one transport: one, or those of all platforms where options ask for them and
// the transport can hold several. Errors are about what the user asked for and name it; what is
// wrong with the image itself becomes a problem of the tree.
using Opener = absl::StatusOr<Trees> (*)(const TypedReference& name, const OpenOptions& options);

absl::StatusOr<Trees> OpenOci(const TypedReference& name, const OpenOptions& options);
absl::StatusOr<Trees> OpenOciArchive(const TypedReference& name, const OpenOptions& options);
absl::StatusOr<Trees> OpenDockerArchive(const TypedReference& name, const OpenOptions& options);
absl::StatusOr<Trees> OpenRegistryImage(const TypedReference& name, const OpenOptions& options);
absl::StatusOr<Trees> OpenNix(const TypedReference& name, const OpenOptions& options);
absl::StatusOr<Trees> OpenRootfsImage(const TypedReference& name, const OpenOptions& options);
// A path without a transport: an OCI layout, a dir: image, an archive of either kind, the JSON of
// nix2container, else a root file system.
absl::StatusOr<Trees> OpenBarePath(const TypedReference& name, const OpenOptions& options);

// Whether a file is JSON, as far as its first bytes tell.
bool LooksLikeNix2container(const std::string& file);

// "PATH[:NAME]", where both may hold colons: the longest PATH that exists. If none does, what is
// before the first colon, so that the message names it.
std::pair<std::string, std::string> SplitPathAndName(const std::string& text);

// `images`, with their blobs from `blobs`, as trees called `reference` (and their platform, where
// there are several); an error is put behind what it is about.
absl::StatusOr<Trees> MakeImageTrees(const std::string& reference,
                                     absl::StatusOr<std::vector<Image>> images,
                                     const std::shared_ptr<const BlobSource>& blobs,
                                     const TreeLimits& limits);
// The same for one image.
absl::StatusOr<Trees> MakeImageTree(const std::string& reference, absl::StatusOr<Image> image,
                                    const std::shared_ptr<const BlobSource>& blobs,
                                    const TreeLimits& limits);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TRANSPORTS_H_
