#include "audit/trees/docker_archive.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/trees/oci_layout.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kManifest[] = "manifest.json";

// The digest that a blob's name promises: "blobs/sha256/<hex>" or "<hex>.json".
std::optional<Digest> DigestOfName(const std::string& name) {
  constexpr std::string_view kBlobs = "blobs/sha256/", kJson = ".json";
  std::string_view hex = name;
  if (hex.starts_with(kBlobs)) {
    hex.remove_prefix(kBlobs.size());
  } else if (hex.ends_with(kJson)) {
    hex.remove_suffix(kJson.size());
  } else {
    return std::nullopt;
  }
  absl::StatusOr<Digest> digest = ParseDigest(absl::StrCat("sha256:", ToAbsl(hex)));
  if (!digest.ok()) return std::nullopt;
  return *std::move(digest);
}

bool HasTag(const std::vector<std::string>& tags, const std::string& name) {
  // Without a tag, docker means "latest".
  const size_t colon = name.rfind(':');
  const bool has_tag = colon != std::string::npos && name.find('/', colon) == std::string::npos;
  const std::string full = has_tag ? name : absl::StrCat(name, ":latest");
  return std::find_if(tags.begin(), tags.end(), [&](const std::string& tag) {
           // skopeo writes "docker.io/library/x:t" for "x:t".
           return tag == full || absl::EndsWith(tag, absl::StrCat("/", full));
         }) != tags.end();
}

struct Selected {
  const Json* image = nullptr;
  std::vector<std::string> tags;
};

absl::StatusOr<Selected> Select(const Json& manifest, const std::string& name, ProblemLog& log) {
  std::vector<std::string> known;
  std::vector<Selected> matching;
  size_t wanted_index = 0;
  const bool by_index = name.starts_with('@') && absl::SimpleAtoi(name.substr(1), &wanted_index);
  for (size_t i = 0; i < manifest.size(); ++i) {
    const JsonObject image(manifest[i], absl::StrCat("[", i, "]"), log);
    std::vector<std::string> tags = image.Strings("RepoTags");
    for (const std::string& tag : tags) known.push_back(Escaped(tag));
    if (by_index ? i == wanted_index : name.empty() || HasTag(tags, name)) {
      matching.push_back({&manifest[i], std::move(tags)});
    }
  }
  const std::string choices = known.empty() ? "none has one" : absl::StrJoin(known, ", ");
  if (matching.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no image has the name \"", Escaped(name), "\"; names: ", choices));
  }
  if (matching.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        matching.size(), " images to choose from; append a name or \"@<index>\": ", choices));
  }
  return matching[0];
}

// Docker has written OCI manifests without layers, or with other ones, beside a good manifest.json
// (moby issues 47065, 47150): what is run depends on who loads the archive.
void CompareWithOci(const ArchiveBlobs& blobs, const TreeLimits& limits, Image& image) {
  if (!blobs.Has("index.json")) return;
  // Which of several images it is, index.json says in other words: compared where it is the only
  // one.
  OpenOptions options;
  options.limits = limits;
  absl::StatusOr<std::vector<Image>> others = ReadOciLayout(blobs, "", options);
  if (!others.ok()) return;
  const Image* other = &others->front();
  std::vector<std::string> ours, theirs;
  for (const ImageLayer& layer : image.layers) {
    ours.push_back(layer.diff_id ? layer.diff_id->ToString() : "none");
  }
  for (const ImageLayer& layer : other->layers) {
    theirs.push_back(layer.diff_id ? layer.diff_id->ToString() : "none");
  }
  image.digest = other->digest;
  if (ours == theirs && other->problems.empty()) return;
  std::string message =
      ours == theirs
          ? "differs from manifest.json"
          : absl::StrCat("names ", theirs.size(), " layers [", absl::StrJoin(theirs, ", "),
                         "], manifest.json ", ours.size(), " [", absl::StrJoin(ours, ", "), "]");
  if (!other->problems.empty()) {
    const Problem& first = other->problems.front();
    absl::StrAppend(&message, "; ", first.where, ": ", first.message);
  }
  image.problems.push_back({Problem::Kind::kMalformed,
                            "index.json",
                            0,
                            absl::StrCat("the OCI view of this archive ", message),
                            {},
                            {}});
}

}  // namespace

absl::StatusOr<Image> ReadDockerArchive(const ArchiveBlobs& blobs, const std::string& name,
                                        const TreeLimits& limits) {
  Image image;
  image.problems = blobs.problems();
  if (!blobs.Has(kManifest)) {
    // With a damaged archive, that is why; the audit is incomplete rather than mistyped.
    if (!image.problems.empty()) return image;
    return absl::InvalidArgumentError("no manifest.json in it, so it is no docker-archive");
  }
  const std::optional<Json> manifest =
      ReadJsonBlob(blobs, kManifest, JsonSchema::kDockerManifest, std::nullopt, std::nullopt,
                   limits, image.problems);
  if (!manifest) return image;
  auto unreadable = [&image](std::string message) {
    image.problems.push_back(
        {Problem::Kind::kUnreadable, kManifest, 0, std::move(message), {}, {}});
  };
  if (!manifest->is_array() || manifest->empty()) {
    unreadable("expected an array of images");
    return image;
  }
  ProblemLog log(kManifest, image.problems);
  LRE_ASSIGN_OR_RETURN(Selected selected, Select(*manifest, name, log));
  image.names = std::move(selected.tags);
  const Json& layers = Member(*selected.image, "Layers");
  if (!layers.is_array()) {
    unreadable("an image without an array \"Layers\"");
    return image;
  }
  if (layers.size() > limits.layers) {
    image.problems.push_back({Problem::Kind::kLimit,
                              kManifest,
                              0,
                              absl::StrCat(layers.size(), " layers, more than ", limits.layers),
                              {},
                              {}});
    return image;
  }
  for (const Json& json : layers) {
    ImageLayer layer;
    if (json.is_string()) {
      layer.blob = json.get_ref<const std::string&>();
      layer.digest = DigestOfName(layer.blob);
      if (!blobs.Has(layer.blob)) {
        layer.unreadable = absl::StrCat("\"", Escaped(layer.blob), "\" is not in the archive");
      }
    } else {
      layer.unreadable =
          absl::StrCat("its name in manifest.json is ", DescribeJson(json), ", expected a string");
    }
    image.layers.push_back(std::move(layer));
  }
  const Json& config_name_value = Member(*selected.image, "Config");
  if (!config_name_value.is_string()) {
    unreadable(absl::StrCat("\"Config\" is ", DescribeJson(config_name_value),
                            ", expected the name of the configuration"));
    return image;
  }
  const std::string& config_name = config_name_value.get_ref<const std::string&>();
  const std::optional<Json> config =
      ReadJsonBlob(blobs, config_name, JsonSchema::kOci, DigestOfName(config_name), std::nullopt,
                   limits, image.problems);
  if (config) ApplyConfig(*config, config_name, image);
  CompareWithOci(blobs, limits, image);
  return image;
}

}  // namespace lre_audit
