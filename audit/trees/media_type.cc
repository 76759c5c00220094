#include "audit/trees/media_type.h"

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Of a tar archive.
bool IsLayerType(std::string_view media_type) {
  for (const std::string_view base : {"application/vnd.oci.image.layer.v1.tar",
                                      "application/vnd.oci.image.layer.nondistributable.v1.tar",
                                      "application/vnd.docker.image.rootfs.diff.tar",
                                      "application/vnd.docker.image.rootfs.foreign.diff.tar"}) {
    if (!media_type.starts_with(base)) continue;
    const std::string_view packed = media_type.substr(base.size());
    return packed.empty() || packed == "+gzip" || packed == "+zstd" || packed == ".gzip" ||
           packed == ".zstd";
  }
  return false;
}

void Add(std::string_view media_type, std::string_view name, std::string_view what,
         ProblemLog& log) {
  log.Add(Problem::Kind::kMalformed, 0,
          absl::StrCat(ToAbsl(name), " is \"", Escaped(media_type.substr(0, 200)), "\", ",
                       ToAbsl(what)));
}

}  // namespace

bool IsIndexType(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

bool IsManifestType(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.manifest.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.v2+json";
}

void CheckLayerType(std::string_view media_type, std::string_view name, ProblemLog& log) {
  if (media_type.empty() || IsLayerType(media_type)) return;
  Add(media_type, name,
      media_type.ends_with("+encrypted")
          ? "of an encrypted layer; decrypt it: skopeo copy --decryption-key"
          : "which is no layer's that runtimes know (a tar, its gzip or zstd); is this an image, "
            "or another artifact?",
      log);
}

void CheckConfigType(std::string_view media_type, std::string_view name, ProblemLog& log) {
  if (media_type.empty() || media_type == "application/vnd.oci.image.config.v1+json" ||
      media_type == "application/vnd.docker.container.image.v1+json") {
    return;
  }
  Add(media_type, name, "which is no image configuration's; is this an image, or another artifact?",
      log);
}

}  // namespace lre_audit
