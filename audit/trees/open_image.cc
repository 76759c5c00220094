// What the user types to name an image: transports, and what a bare path is.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/directory_tree.h"
#include "audit/trees/image.h"
#include "audit/trees/oci_layout.h"
#include "audit/trees/tree.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// "DIR[:TAG]": the tag is what follows the last colon, if it holds no slash.
std::pair<std::string, std::string> SplitTag(const std::string& rest) {
  const size_t colon = rest.rfind(':');
  if (colon == std::string::npos || rest.find('/', colon) != std::string::npos) return {rest, ""};
  return {rest.substr(0, colon), rest.substr(colon + 1)};
}

absl::StatusOr<std::unique_ptr<Tree>> OpenOci(const std::string& reference, const std::string& rest,
                                              const std::string& platform,
                                              const TreeLimits& limits) {
  const auto [directory, tag] = SplitTag(rest);
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<BlobSource> blobs, DirectoryBlobs::Open(directory));
  LRE_ASSIGN_OR_RETURN(Image image, ReadOciLayout(*blobs, tag, platform, limits));
  image.reference = reference;
  return std::make_unique<ImageTree>(std::move(image), std::move(blobs), limits);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tree>> OpenImage(const std::string& reference,
                                                const std::string& platform,
                                                const TreeLimits& limits) {
  const size_t colon = reference.find(':');
  const std::string transport = reference.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : reference.substr(colon + 1);
  if (transport == "oci") return OpenOci(reference, rest, platform, limits);
  if (transport == "rootfs") return OpenRootfs(reference, rest);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown transport \"", Escaped(transport), ":\""));
}

}  // namespace lre_audit
