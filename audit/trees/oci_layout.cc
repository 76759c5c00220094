#include "audit/trees/oci_layout.h"

#include <sys/utsname.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kRefName[] = "org.opencontainers.image.ref.name";
constexpr char kContainerdName[] = "io.containerd.image.name";  // by containerd and BuildKit
constexpr int kMaxIndexDepth = 8;

struct Descriptor {
  std::string media_type, digest_text;
  std::optional<Digest> digest;
  std::string digest_error;
  std::optional<uint64_t> size;
  std::string tag, full_name, platform;
  bool attestation = false;
  bool has_urls = false;
  std::optional<std::string> data;  // embedded, base64
};

Descriptor ParseDescriptor(const JsonObject& json) {
  Descriptor descriptor;
  if (!json.value().is_object()) {
    descriptor.digest_error =
        absl::StrCat(json.name(), " is ", DescribeJson(json.value()), ", expected a descriptor");
    return descriptor;
  }
  if (const Json& digest = Member(json.value(), "digest"); digest.is_string()) {
    descriptor.digest_text = digest.get_ref<const std::string&>();
    absl::StatusOr<Digest> parsed = ParseDigest(descriptor.digest_text);
    if (parsed.ok()) {
      descriptor.digest = *std::move(parsed);
    } else {
      descriptor.digest_error =
          absl::StrCat(json.NameOf("digest"), ": ", parsed.status().message());
    }
  } else {
    descriptor.digest_error =
        absl::StrCat(json.NameOf("digest"), " is ", DescribeJson(digest), ", expected a string");
  }
  descriptor.media_type = json.String("mediaType");
  descriptor.size = json.Size("size");
  const JsonObject annotations = json.Object("annotations");
  descriptor.tag = annotations.String(kRefName);
  descriptor.full_name = annotations.String(kContainerdName);
  const JsonObject platform = json.Object("platform");
  if (platform.value().is_object()) {
    descriptor.platform = absl::StrCat(platform.String("os"), "/", platform.String("architecture"));
    const std::string variant = platform.String("variant");
    if (!variant.empty()) absl::StrAppend(&descriptor.platform, "/", variant);
  }
  // BuildKit's provenance and SBOM manifests stand beside the images they are about.
  descriptor.attestation = descriptor.platform == "unknown/unknown" ||
                           !annotations.String("vnd.docker.reference.type").empty();
  descriptor.has_urls = !json.Strings("urls").empty();
  if (Member(json.value(), "data").is_string()) descriptor.data = json.String("data");
  return descriptor;
}

// What a media type says a document is; neither for the types of other things.
bool IsIndexType(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}
bool IsManifestType(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.manifest.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.v2+json";
}

// "linux/arm64" is also for a "linux/arm64/v8" image, but not the reverse.
bool PlatformMatches(const std::string& wanted, const std::string& offered) {
  return offered == wanted || absl::StartsWith(offered, absl::StrCat(wanted, "/"));
}

class Reader {
 public:
  Reader(const BlobSource& blobs, const std::string& platform, const TreeLimits& limits)
      : blobs_(blobs), platform_(platform), limits_(limits) {}

  absl::StatusOr<Image> Read(const std::string& tag) {
    uint64_t size = 0;
    LRE_RETURN_IF_ERROR(blobs_.Open("index.json", &size).status());
    const std::optional<Json> index =
        ReadJsonBlob(blobs_, "index.json", JsonSchema::kOci, std::nullopt, std::nullopt, limits_,
                     image_.problems);
    if (!index) return std::move(image_);
    LRE_RETURN_IF_ERROR(ReadIndex(*index, "index.json", tag, 0));
    return std::move(image_);
  }

 private:
  void Unreadable(const std::string& where, std::string message) {
    image_.problems.push_back({Problem::Kind::kUnreadable, where, 0, std::move(message), {}, {}});
  }
  void Malformed(const std::string& where, std::string message) {
    image_.problems.push_back({Problem::Kind::kMalformed, where, 0, std::move(message), {}, {}});
  }

  // Follows the one entry of `index` that is asked for.
  absl::Status ReadIndex(const Json& index, const std::string& where, const std::string& tag,
                         int depth) {
    if (!Member(index, "layers").is_null() || !Member(index, "config").is_null()) {
      Unreadable(where,
                 "both an index (\"manifests\") and a manifest (\"layers\", \"config\"): readers "
                 "disagree which it is");
      return absl::OkStatus();
    }
    const Json& manifests = Member(index, "manifests");
    if (!manifests.is_array()) {
      Unreadable(where, "an index without an array \"manifests\"");
      return absl::OkStatus();
    }
    std::vector<Descriptor> candidates;
    std::set<std::string> tags, platforms;
    std::map<std::string, std::vector<std::string>> names;  // by digest
    ProblemLog log(where, image_.problems);
    for (size_t i = 0; i < manifests.size(); ++i) {
      Descriptor descriptor =
          ParseDescriptor({manifests[i], absl::StrCat("manifests[", i, "]"), log});
      if (!descriptor.tag.empty()) tags.insert(Escaped(descriptor.tag));
      AddNames(descriptor, names[descriptor.digest_text]);
      if (descriptor.attestation) continue;
      if (!tag.empty() && descriptor.tag != tag) continue;
      if (!descriptor.platform.empty()) platforms.insert(Escaped(descriptor.platform));
      candidates.push_back(std::move(descriptor));
    }
    if (candidates.empty() && !tag.empty()) {
      return absl::NotFoundError(absl::StrCat("no image has the tag \"", Escaped(tag), "\"; tags: ",
                                              tags.empty() ? "none" : absl::StrJoin(tags, ", ")));
    }
    if (candidates.empty()) {
      Unreadable(where, "an index that names no image");
      return absl::OkStatus();
    }
    LRE_RETURN_IF_ERROR(SelectPlatform(platforms, &candidates));
    // One image under several names is no choice to be made.
    for (const Descriptor& candidate : candidates) {
      if (candidate.digest_text != candidates[0].digest_text) {
        return absl::InvalidArgumentError(
            absl::StrCat(candidates.size(), " images to choose from; name a tag: ",
                         tags.empty() ? "none has one" : absl::StrJoin(tags, ", ")));
      }
    }
    // The layout names the image; an index that it leads to only tells its platforms apart.
    if (depth == 0) image_.names = std::move(names[candidates[0].digest_text]);
    return ReadManifest(candidates[0], where, depth);
  }

  static void AddNames(const Descriptor& descriptor, std::vector<std::string>& names) {
    for (const std::string* name : {&descriptor.full_name, &descriptor.tag}) {
      const bool is_known = std::find(names.begin(), names.end(), *name) != names.end();
      if (!name->empty() && !is_known) names.push_back(*name);
    }
  }

  absl::Status SelectPlatform(const std::set<std::string>& platforms,
                              std::vector<Descriptor>* candidates) {
    const bool only_one = candidates->size() == 1;
    const std::string wanted = platform_.empty() ? HostPlatform() : platform_;
    std::vector<Descriptor> matching, unspecific;
    for (Descriptor& candidate : *candidates) {
      if (candidate.platform.empty()) {
        unspecific.push_back(std::move(candidate));
      } else if (PlatformMatches(wanted, candidate.platform) || (only_one && platform_.empty())) {
        matching.push_back(std::move(candidate));
      }
    }
    *candidates = std::move(matching.empty() ? unspecific : matching);
    if (candidates->empty()) {
      return absl::NotFoundError(absl::StrCat("no image for platform ", Escaped(wanted),
                                              "; platforms: ", absl::StrJoin(platforms, ", ")));
    }
    return absl::OkStatus();
  }

  absl::Status ReadManifest(const Descriptor& descriptor, const std::string& from, int depth) {
    if (!descriptor.digest) {
      Unreadable(from, descriptor.digest_error);
      return absl::OkStatus();
    }
    const std::string name = descriptor.digest->BlobPath();
    if (depth >= kMaxIndexDepth || !visited_.insert(name).second) {
      Unreadable(from, absl::StrCat("indexes that nest in a cycle or more than ", kMaxIndexDepth,
                                    " deep"));
      return absl::OkStatus();
    }
    const std::optional<Json> json = ReadChecked(descriptor);
    if (!json) return absl::OkStatus();
    const bool is_index = !Member(*json, "manifests").is_null();
    CheckMediaType(*json, name, descriptor.media_type, is_index);
    if (is_index) return ReadIndex(*json, name, "", depth + 1);
    image_.digest = descriptor.digest->ToString();
    ReadLayers(*json, name);
    ReadConfig(Member(*json, "config"), name);
    return absl::OkStatus();
  }

  // Readers choose by the media type, or by what they find: that has to be the same.
  void CheckMediaType(const Json& json, const std::string& name, const std::string& said,
                      bool is_index) {
    ProblemLog log(name, image_.problems);
    const std::string own = JsonObject(json, "", log).String("mediaType");
    if (!own.empty() && !said.empty() && own != said) {
      return Malformed(name, absl::StrCat("says mediaType \"", Escaped(own),
                                          "\", its descriptor \"", Escaped(said), "\""));
    }
    const std::string& media_type = own.empty() ? said : own;
    if (is_index ? IsManifestType(media_type) : IsIndexType(media_type)) {
      Malformed(name, absl::StrCat("is ", is_index ? "an index" : "a manifest", ", its ",
                                   own.empty() ? "descriptor's " : "", "mediaType \"",
                                   Escaped(media_type), "\" that of ",
                                   is_index ? "a manifest" : "an index"));
    }
  }

  // The JSON that a descriptor leads to; data embedded in it have to be the same.
  std::optional<Json> ReadChecked(const Descriptor& descriptor) {
    const std::string name = descriptor.digest->BlobPath();
    if (descriptor.data) {
      std::string data;
      DigestHasher hasher(descriptor.digest->algorithm);
      if (!absl::Base64Unescape(*descriptor.data, &data)) {
        Malformed(name, "the data embedded in its descriptor are no base64");
      } else {
        hasher.Update(data);
        const Digest actual = hasher.Finish();
        if (actual.hex != descriptor.digest->hex) {
          image_.problems.push_back({Problem::Kind::kDigestMismatch, name, 0,
                                     "the data embedded in its descriptor are not those of its "
                                     "digest",
                                     descriptor.digest->ToString(), actual.ToString()});
        }
      }
    }
    return ReadJsonBlob(blobs_, name, JsonSchema::kOci, descriptor.digest, descriptor.size, limits_,
                        image_.problems);
  }

  void ReadLayers(const Json& manifest, const std::string& where) {
    const Json& layers = Member(manifest, "layers");
    if (!layers.is_array()) {
      Unreadable(where, "a manifest without an array \"layers\"");
      return;
    }
    if (layers.size() > limits_.layers) {
      image_.problems.push_back({Problem::Kind::kLimit,
                                 where,
                                 0,
                                 absl::StrCat(layers.size(), " layers, more than ", limits_.layers),
                                 {},
                                 {}});
      return;
    }
    ProblemLog log(where, image_.problems);
    for (size_t i = 0; i < layers.size(); ++i) {
      const Descriptor descriptor =
          ParseDescriptor({layers[i], absl::StrCat("layers[", i, "]"), log});
      ImageLayer layer;
      layer.digest = descriptor.digest;
      layer.size = descriptor.size;
      uint64_t size = 0;
      if (!descriptor.digest) {
        layer.unreadable = descriptor.digest_error;
      } else {
        layer.blob = descriptor.digest->BlobPath();
        if (descriptor.has_urls && !blobs_.Open(layer.blob, &size).ok()) {
          layer.unreadable = absl::StrCat("a layer that is kept elsewhere (\"urls\", ",
                                          Escaped(descriptor.media_type),
                                          "); urls of a manifest are never fetched");
        }
      }
      image_.layers.push_back(std::move(layer));
    }
  }

  void ReadConfig(const Json& json, const std::string& where) {
    ProblemLog log(where, image_.problems);
    const Descriptor descriptor = ParseDescriptor({json, "config", log});
    if (!descriptor.digest) {
      Unreadable(where, descriptor.digest_error);
      return;
    }
    const std::optional<Json> config = ReadChecked(descriptor);
    if (config) ApplyConfig(*config, descriptor.digest->BlobPath(), image_);
  }

  const BlobSource& blobs_;
  const std::string platform_;
  const TreeLimits limits_;
  Image image_;
  std::set<std::string> visited_;
};

}  // namespace

std::string HostPlatform() {
  static const auto* const kNames = new std::map<std::string, std::string>{
      {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i686", "386"},
      {"i386", "386"},     {"armv7l", "arm/v7"}, {"armv6l", "arm/v6"}};
  utsname name;
  if (uname(&name) != 0) return "linux/amd64";
  const auto found = kNames->find(name.machine);
  return absl::StrCat("linux/", found == kNames->end() ? name.machine : found->second);
}

absl::StatusOr<Image> ReadOciLayout(const BlobSource& blobs, const std::string& tag,
                                    const std::string& platform, const TreeLimits& limits) {
  return Reader(blobs, platform, limits).Read(tag);
}

}  // namespace lre_audit
