#include "audit/trees/oci_manifest.h"

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
#include "audit/trees/media_type.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kRefName[] = "org.opencontainers.image.ref.name";
constexpr char kContainerdName[] = "io.containerd.image.name";  // by containerd and BuildKit
constexpr int kMaxIndexDepth = 8;
constexpr size_t kMaxDocuments = 1000;  // that one index leads to; Debian's has a dozen

struct Descriptor {
  std::string media_type, digest_text;
  std::optional<Digest> digest;
  std::string digest_error;
  std::optional<uint64_t> size;
  std::string tag, full_name, platform;
  bool attestation = false;
  bool has_urls = false;
  std::optional<std::string> data;  // embedded, base64
  TocAnnotations toc;
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
  descriptor.toc.stargz_digest = annotations.String("containerd.io/snapshot/stargz/toc.digest");
  // Of containers/storage, before and since its version 1.43.
  for (const std::string prefix : {"io.containers.", "io.github.containers."}) {
    const auto chunked = [&](const char* name) {
      return annotations.String((prefix + "zstd-chunked.manifest-" + name).c_str());
    };
    if (std::string digest = chunked("checksum"); !digest.empty()) {
      descriptor.toc.chunked_digest = std::move(digest);
    }
    if (std::string position = chunked("position"); !position.empty()) {
      descriptor.toc.chunked_position = std::move(position);
    }
  }
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

// "linux/arm64" is also for a "linux/arm64/v8" image, but not the reverse.
bool PlatformMatches(const std::string& wanted, const std::string& offered) {
  return offered == wanted || absl::StartsWith(offered, absl::StrCat(wanted, "/"));
}

class Reader {
 public:
  Reader(const BlobSource& blobs, const OpenOptions& options)
      : blobs_(blobs), options_(options), limits_(options.limits) {}

  absl::StatusOr<std::vector<Image>> Read(const ManifestStart& start) {
    Digest digest;
    const std::optional<Json> json =
        ReadJsonBlob(blobs_, start.name, JsonSchema::kOci, start.digest, start.size, limits_,
                     problems_, &digest);
    if (json) {
      const bool is_index = start.is_layout || !Member(*json, "manifests").is_null();
      if (!start.is_layout) {
        CheckMediaType(*json, start.name, start.media_type, is_index, problems_);
      }
      if (is_index) {
        LRE_RETURN_IF_ERROR(ReadIndex(*json, start.name, start.is_layout ? &start : nullptr, 0));
      } else {
        ReadImage(*json, start.name, digest, images_.emplace_back());
      }
    }
    if (images_.empty()) images_.emplace_back();
    // What is wrong with an index is told once.
    std::vector<Problem>& first = images_.front().problems;
    first.insert(first.begin(), problems_.begin(), problems_.end());
    return std::move(images_);
  }

 private:
  static void Add(Problem::Kind kind, const std::string& where, std::string message,
                  std::vector<Problem>& problems) {
    problems.push_back({kind, where, 0, std::move(message), {}, {}});
  }
  static void Unreadable(const std::string& where, std::string message,
                         std::vector<Problem>& problems) {
    Add(Problem::Kind::kUnreadable, where, std::move(message), problems);
  }

  // Follows the entries of `index` that are asked for; `layout` is that whose index.json it is.
  absl::Status ReadIndex(const Json& index, const std::string& where, const ManifestStart* layout,
                         int depth) {
    if (!Member(index, "layers").is_null() || !Member(index, "config").is_null()) {
      Unreadable(where,
                 "both an index (\"manifests\") and a manifest (\"layers\", \"config\"): readers "
                 "disagree which it is",
                 problems_);
      return absl::OkStatus();
    }
    CheckSchemaVersion(index, where, problems_);
    const Json& manifests = Member(index, "manifests");
    if (!manifests.is_array()) {
      Unreadable(where, "an index without an array \"manifests\"", problems_);
      return absl::OkStatus();
    }
    const std::string tag = layout == nullptr ? "" : layout->tag;
    std::vector<Descriptor> candidates;
    std::set<std::string> tags, platforms;
    std::map<std::string, std::vector<std::string>> names;  // by digest
    ProblemLog log(where, problems_);
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
      Unreadable(where, "an index that names no image", problems_);
      return absl::OkStatus();
    }
    if (!options_.all_platforms) LRE_RETURN_IF_ERROR(SelectPlatform(platforms, &candidates));
    const bool all_entries = layout != nullptr && layout->all_entries;
    if (!all_entries && IsAmbiguous(candidates)) {
      return absl::InvalidArgumentError(
          absl::StrCat(candidates.size(), " images to choose from; ",
                       Choices(!tag.empty() || layout == nullptr, tags, platforms)));
    }
    // One image under several names is followed once.
    std::set<std::string> followed;
    for (const Descriptor& candidate : candidates) {
      if (!followed.insert(candidate.digest_text).second) continue;
      const size_t first = images_.size();
      LRE_RETURN_IF_ERROR(ReadManifest(candidate, where, depth));
      for (size_t i = first; i < images_.size(); ++i) {
        // The layout names the image; an index that it leads to only tells its platforms apart.
        if (layout != nullptr) images_[i].names = names[candidate.digest_text];
        if (images_[i].platform.empty()) images_[i].platform = candidate.platform;
      }
    }
    return absl::OkStatus();
  }

  // Whether `candidates` are several images, of which the user has to name one. Those of all
  // platforms are one image to him as long as they have the same names.
  bool IsAmbiguous(const std::vector<Descriptor>& candidates) const {
    std::map<std::string, std::set<std::string>> digests_of;
    for (const Descriptor& candidate : candidates) {
      digests_of[options_.all_platforms ? candidate.tag : ""].insert(candidate.digest_text);
    }
    const std::set<std::string>& first = digests_of.begin()->second;
    if (!options_.all_platforms) return first.size() > 1;
    return std::any_of(digests_of.begin(), digests_of.end(),
                       [&](const auto& entry) { return entry.second != first; });
  }

  // How the user tells several images apart.
  static std::string Choices(bool has_tag, const std::set<std::string>& tags,
                             const std::set<std::string>& platforms) {
    if (!has_tag && !tags.empty()) return absl::StrCat("name a tag: ", absl::StrJoin(tags, ", "));
    if (platforms.size() > 1) {
      return absl::StrCat("name one with --platform: ", absl::StrJoin(platforms, ", "));
    }
    return "nothing tells them apart but their digests; give the one that is meant a tag of its "
           "own";
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
    const std::string wanted = options_.platform.empty() ? HostPlatform() : options_.platform;
    std::vector<Descriptor> matching, unspecific;
    for (Descriptor& candidate : *candidates) {
      if (candidate.platform.empty()) {
        unspecific.push_back(std::move(candidate));
      } else if (PlatformMatches(wanted, candidate.platform) ||
                 (only_one && options_.platform.empty())) {
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
      Unreadable(from, descriptor.digest_error, problems_);
      return absl::OkStatus();
    }
    const std::string name = blobs_.NameOf(BlobSource::Kind::kManifest, *descriptor.digest);
    if (depth >= kMaxIndexDepth || open_.contains(name)) {
      Unreadable(
          from, absl::StrCat("indexes that nest in a cycle or more than ", kMaxIndexDepth, " deep"),
          problems_);
      return absl::OkStatus();
    }
    // Several indexes may lead to one image. This also bounds the work.
    if (!visited_.insert(name).second) return absl::OkStatus();
    if (visited_.size() > kMaxDocuments) {
      if (visited_.size() == kMaxDocuments + 1) {
        Add(Problem::Kind::kLimit, from,
            absl::StrCat("more than ", kMaxDocuments, " indexes and manifests"), problems_);
      }
      return absl::OkStatus();
    }
    std::vector<Problem> problems;
    const std::optional<Json> json = ReadChecked(descriptor, name, problems);
    const bool is_index = json && !Member(*json, "manifests").is_null();
    if (json) CheckMediaType(*json, name, descriptor.media_type, is_index, problems);
    if (is_index) {
      problems_.insert(problems_.end(), problems.begin(), problems.end());
      open_.insert(name);
      absl::Status status = ReadIndex(*json, name, nullptr, depth + 1);
      open_.erase(name);
      return status;
    }
    Image& image = images_.emplace_back();
    image.platform = descriptor.platform;
    image.problems = std::move(problems);
    if (json) ReadImage(*json, name, *descriptor.digest, image);
    if (!descriptor.attestation && !IsForPlatform(image.config, descriptor.platform)) {
      image.problems.push_back(
          {Problem::Kind::kViewsDisagree, name, 0,
           absl::StrCat("its index offers it for ", Escaped(descriptor.platform),
                        ", its configuration is for ", Escaped(PlatformOf(image.config))),
           descriptor.platform, PlatformOf(image.config)});
    }
    return absl::OkStatus();
  }

  void ReadImage(const Json& manifest, const std::string& where, const Digest& digest,
                 Image& image) const {
    image.digest = digest.ToString();
    if (Member(manifest, "schemaVersion") == 1) {
      return Unreadable(where,
                        "a manifest of schema 1, which says nothing that layers could be held "
                        "against; push the image anew, or: skopeo copy --format v2s2",
                        image.problems);
    }
    CheckSchemaVersion(manifest, where, image.problems);
    ReadLayers(manifest, where, image);
    ReadConfig(Member(manifest, "config"), where, image);
  }

  // What a later schema means by the same names nobody knows yet.
  static void CheckSchemaVersion(const Json& document, const std::string& where,
                                 std::vector<Problem>& problems) {
    const Json& version = Member(document, "schemaVersion");
    if (version.is_null() || version == 2) return;
    Add(Problem::Kind::kMalformed, where,
        absl::StrCat("schemaVersion is ", DescribeJson(version),
                     ", expected 2; read as if it were"),
        problems);
  }

  // Readers choose by the media type, or by what they find: that has to be the same.
  static void CheckMediaType(const Json& json, const std::string& name, const std::string& said,
                             bool is_index, std::vector<Problem>& problems) {
    ProblemLog log(name, problems);
    const std::string own = JsonObject(json, "", log).String("mediaType");
    if (!own.empty() && !said.empty() && own != said) {
      return log.Add(Problem::Kind::kMalformed, 0,
                     absl::StrCat("says mediaType \"", Escaped(own), "\", its descriptor \"",
                                  Escaped(said), "\""));
    }
    const std::string& media_type = own.empty() ? said : own;
    if (is_index ? IsManifestType(media_type) : IsIndexType(media_type)) {
      log.Add(Problem::Kind::kMalformed, 0,
              absl::StrCat("is ", is_index ? "an index" : "a manifest", ", its ",
                           own.empty() ? "descriptor's " : "", "mediaType \"", Escaped(media_type),
                           "\" that of ", is_index ? "a manifest" : "an index"));
    }
  }

  // Data that a descriptor embeds have to be those that it leads to.
  static void CheckEmbedded(const Descriptor& descriptor, const std::string& name,
                            std::vector<Problem>& problems) {
    if (!descriptor.data) return;
    std::string data;
    if (!absl::Base64Unescape(*descriptor.data, &data)) {
      return Add(Problem::Kind::kMalformed, name,
                 "the data embedded in its descriptor are no base64", problems);
    }
    DigestHasher hasher(descriptor.digest->algorithm);
    hasher.Update(data);
    const Digest actual = hasher.Finish();
    if (actual.hex == descriptor.digest->hex) return;
    problems.push_back({Problem::Kind::kDigestMismatch, name, 0,
                        "the data embedded in its descriptor are not those of its digest",
                        descriptor.digest->ToString(), actual.ToString()});
  }

  // The JSON that a descriptor leads to.
  std::optional<Json> ReadChecked(const Descriptor& descriptor, const std::string& name,
                                  std::vector<Problem>& problems) const {
    CheckEmbedded(descriptor, name, problems);
    return ReadJsonBlob(blobs_, name, JsonSchema::kOci, descriptor.digest, descriptor.size, limits_,
                        problems);
  }

  void ReadLayers(const Json& manifest, const std::string& where, Image& image) const {
    const Json& layers = Member(manifest, "layers");
    if (!layers.is_array()) {
      Unreadable(where, "a manifest without an array \"layers\"", image.problems);
      return;
    }
    if (layers.size() > limits_.layers) {
      return Add(Problem::Kind::kLimit, where,
                 absl::StrCat(layers.size(), " layers, more than ", limits_.layers),
                 image.problems);
    }
    ProblemLog log(where, image.problems);
    for (size_t i = 0; i < layers.size(); ++i) {
      const Descriptor descriptor =
          ParseDescriptor({layers[i], absl::StrCat("layers[", i, "]"), log});
      ImageLayer layer;
      layer.digest = descriptor.digest;
      layer.size = descriptor.size;
      layer.toc = descriptor.toc;
      CheckLayerType(descriptor.media_type, absl::StrCat("layers[", i, "].mediaType"), log);
      uint64_t size = 0;
      if (!descriptor.digest) {
        layer.unreadable = descriptor.digest_error;
      } else {
        layer.blob = blobs_.NameOf(BlobSource::Kind::kBlob, *descriptor.digest);
        CheckEmbedded(descriptor, layer.blob, image.problems);
        if (descriptor.has_urls && !blobs_.Open(layer.blob, &size).ok()) {
          layer.unreadable = absl::StrCat("a layer that is kept elsewhere (\"urls\", ",
                                          Escaped(descriptor.media_type),
                                          "); urls of a manifest are never fetched");
        }
      }
      image.layers.push_back(std::move(layer));
    }
  }

  void ReadConfig(const Json& json, const std::string& where, Image& image) const {
    ProblemLog log(where, image.problems);
    const Descriptor descriptor = ParseDescriptor({json, "config", log});
    if (!descriptor.digest) {
      return Unreadable(where, descriptor.digest_error, image.problems);
    }
    const std::string name = blobs_.NameOf(BlobSource::Kind::kBlob, *descriptor.digest);
    image.config_digest = descriptor.digest;
    CheckConfigType(descriptor.media_type, "config.mediaType", log);
    const std::optional<Json> config = ReadChecked(descriptor, name, image.problems);
    if (config) ApplyConfig(*config, name, image);
  }

  const BlobSource& blobs_;
  const OpenOptions& options_;
  const TreeLimits& limits_;
  std::vector<Image> images_;
  std::vector<Problem> problems_;         // of the indexes on the way
  std::set<std::string> open_, visited_;  // names of indexes now read, of all documents
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

std::string PlatformOf(const ImageConfig& config) {
  return absl::StrCat(config.os, "/", config.architecture, config.variant.empty() ? "" : "/",
                      config.variant);
}

bool IsForPlatform(const ImageConfig& config, const std::string& platform) {
  if (platform.empty()) return true;
  std::vector<std::string> said = absl::StrSplit(platform, '/');
  said.resize(3);
  const auto same = [](const std::string& a, const std::string& b) {
    return a.empty() || b.empty() || a == b;
  };
  return same(said[0], config.os) && same(said[1], config.architecture) &&
         same(said[2], config.variant);
}

absl::StatusOr<std::vector<Image>> ReadManifests(const BlobSource& blobs,
                                                 const ManifestStart& start,
                                                 const OpenOptions& options) {
  return Reader(blobs, options).Read(start);
}

}  // namespace lre_audit
