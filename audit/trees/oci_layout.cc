#include "audit/trees/oci_layout.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audit/trees/oci_manifest.h"
#include "base/status.h"

namespace lre_audit {
namespace {

constexpr char kLayout[] = "oci-layout";

// That of image-layout.md is 1.0.0; another major number would be another layout.
void CheckLayoutVersion(const BlobSource& blobs, const TreeLimits& limits,
                        std::vector<Problem>& problems) {
  uint64_t size = 0;
  if (absl::IsNotFound(blobs.Open(kLayout, &size).status())) return;
  const std::optional<Json> json =
      ReadJsonBlob(blobs, kLayout, JsonSchema::kOci, std::nullopt, std::nullopt, limits, problems);
  if (!json) return;
  const Json& version = Member(*json, "imageLayoutVersion");
  if (version.is_string() && absl::StartsWith(version.get_ref<const std::string&>(), "1.")) return;
  problems.push_back(
      {Problem::Kind::kMalformed,
       kLayout,
       0,
       absl::StrCat(version.is_null() ? std::string("has no imageLayoutVersion")
                                      : "imageLayoutVersion is " + DescribeJson(version),
                    ", expected \"1.0.0\"; read as if it were"),
       {},
       {}});
}

}  // namespace

absl::StatusOr<std::vector<Image>> ReadOciLayout(const BlobSource& blobs, const std::string& tag,
                                                 const OpenOptions& options) {
  ManifestStart start;
  start.name = "index.json";
  start.is_layout = true;
  start.tag = tag;
  uint64_t size = 0;
  LRE_RETURN_IF_ERROR(blobs.Open(start.name, &size).status());
  LRE_ASSIGN_OR_RETURN(std::vector<Image> images, ReadManifests(blobs, start, options));
  CheckLayoutVersion(blobs, options.limits, images.front().problems);
  return images;
}

}  // namespace lre_audit
