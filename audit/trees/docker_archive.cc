#include "audit/trees/docker_archive.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/trees/docker_reference.h"
#include "audit/trees/oci_manifest.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kManifest[] = "manifest.json", kIndex[] = "index.json";
constexpr size_t kMostCompared = 100;  // images of an archive

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
  const std::string full = HasTagOrDigest(name) ? name : absl::StrCat(name, ":latest");
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

bool HaveOneName(const Image& docker, const Image& oci) {
  return std::any_of(docker.names.begin(), docker.names.end(), [&](const std::string& ours) {
    return std::any_of(oci.names.begin(), oci.names.end(), [&](const std::string& theirs) {
      return FullName(ours) == FullName(theirs);
    });
  });
}

// The image of index.json that `docker` should be: one of its names, and of those (an index has one
// for each platform) the one with its configuration. Without a common name, its configuration says.
const Image* Counterpart(const std::vector<Image>& images, const Image& docker, bool is_only_one) {
  const auto has_its_configuration = [&](const Image& image) {
    return image.config_digest && docker.config_digest &&
           image.config_digest->hex == docker.config_digest->hex;
  };
  std::vector<const Image*> named, same;
  for (const Image& image : images) {
    if (HaveOneName(docker, image)) named.push_back(&image);
    if (has_its_configuration(image)) same.push_back(&image);
  }
  for (const Image* image : named) {
    if (has_its_configuration(*image)) return image;
  }
  if (!named.empty()) return named.front();
  if (!same.empty()) return same.front();
  return is_only_one && images.size() == 1 ? &images.front() : nullptr;
}

std::string LayerList(const std::vector<ImageLayer>& layers) {
  std::vector<std::string> names;
  names.reserve(layers.size());
  for (const ImageLayer& layer : layers) {
    names.push_back(layer.digest ? layer.digest->ToString() : Escaped(layer.blob));
  }
  return absl::StrCat(layers.size(), " layers [", absl::StrJoin(names, ", "), "]");
}

bool SameLayers(const std::vector<ImageLayer>& ours, const std::vector<ImageLayer>& theirs) {
  return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                    [](const ImageLayer& a, const ImageLayer& b) {
                      // Where manifest.json names a file rather than a digest, what there is to
                      // compare is the configuration, which has been.
                      return !a.digest || !b.digest || a.digest->hex == b.digest->hex;
                    });
}

// What index.json describes; nullopt where there is none.
using OciView = std::optional<absl::StatusOr<std::vector<Image>>>;

OciView ReadOciView(const ArchiveBlobs& blobs, const TreeLimits& limits) {
  if (!blobs.Has(kIndex)) return std::nullopt;
  ManifestStart start;
  start.name = kIndex;
  start.is_layout = start.all_entries = true;
  OpenOptions options;
  options.limits = limits;
  options.all_platforms = true;
  return ReadManifests(blobs, start, options);
}

// What is run depends on who loads the archive: Docker has written OCI manifests without layers,
// with wrong sizes and in another order beside a good manifest.json (moby issues 47065, 47072,
// 47150).
void CompareWithOci(const ArchiveBlobs& blobs, const OciView& view, bool is_only_one,
                    Image& docker) {
  if (!view) return;
  const absl::StatusOr<std::vector<Image>>& images = *view;
  const auto disagree = [&docker](std::string message, std::string expected = {},
                                  std::string actual = {}) {
    docker.problems.push_back({Problem::Kind::kViewsDisagree, kIndex, 0, std::move(message),
                               std::move(expected), std::move(actual)});
  };
  if (!images.ok()) return disagree(std::string(images.status().message()));
  const Image* oci = Counterpart(*images, docker, is_only_one);
  if (oci == nullptr) {
    const Problem* why = images->front().problems.empty() ? nullptr : &images->front().problems[0];
    return disagree(
        absl::StrCat("describes no image with the name or the configuration that manifest.json has",
                     why == nullptr ? "" : absl::StrCat("; ", why->where, ": ", why->message)));
  }
  docker.digest = oci->digest;
  // What both views lead to and is damaged has been told.
  for (const Problem& problem : oci->problems) {
    const bool is_known =
        std::any_of(docker.problems.begin(), docker.problems.end(), [&](const Problem& known) {
          return known.where == problem.where && known.message == problem.message;
        });
    if (is_known) continue;
    if (problem.kind == Problem::Kind::kDigestMismatch) {
      docker.problems.push_back(problem);
    } else {
      disagree(absl::StrCat("the image that it describes cannot be read: ", problem.where, ": ",
                            problem.message));
    }
  }
  if (!oci->problems.empty()) return;
  if (docker.config_digest && oci->config_digest &&
      docker.config_digest->hex != oci->config_digest->hex) {
    return disagree("names another configuration than manifest.json",
                    docker.config_digest->ToString(), oci->config_digest->ToString());
  }
  if (!SameLayers(docker.layers, oci->layers)) {
    return disagree(absl::StrCat("names ", LayerList(oci->layers), ", manifest.json ",
                                 LayerList(docker.layers)));
  }
  for (const ImageLayer& layer : oci->layers) {
    uint64_t size = 0;
    if (!layer.size || !blobs.Open(layer.blob, &size).ok() || size == *layer.size) continue;
    disagree(absl::StrCat("leads to a manifest that gives ", layer.blob, " another size"),
             absl::StrCat(size, " bytes"), absl::StrCat(*layer.size, " bytes"));
  }
}

absl::StatusOr<Image> ReadImage(const ArchiveBlobs& blobs, const std::string& name,
                                const OciView& view, const TreeLimits& limits) {
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
  Digest config_digest;
  const std::optional<Json> config =
      ReadJsonBlob(blobs, config_name, JsonSchema::kOci, DigestOfName(config_name), std::nullopt,
                   limits, image.problems, &config_digest);
  if (config) {
    image.config_digest = std::move(config_digest);
    ApplyConfig(*config, config_name, image);
  }
  CompareWithOci(blobs, view, manifest->size() == 1, image);
  return image;
}

}  // namespace

absl::StatusOr<Image> ReadDockerArchive(const ArchiveBlobs& blobs, const std::string& name,
                                        const TreeLimits& limits) {
  return ReadImage(blobs, name, ReadOciView(blobs, limits), limits);
}

void CompareWithDocker(const ArchiveBlobs& blobs, const TreeLimits& limits,
                       std::vector<Image>& images) {
  if (!blobs.Has(kManifest)) return;
  std::vector<Problem> problems;
  const std::optional<Json> manifest = ReadJsonBlob(blobs, kManifest, JsonSchema::kDockerManifest,
                                                    std::nullopt, std::nullopt, limits, problems);
  const auto disagree = [](Image& oci, std::string message) {
    oci.problems.push_back(
        {Problem::Kind::kViewsDisagree, kManifest, 0, std::move(message), {}, {}});
  };
  if (!manifest || !manifest->is_array()) {
    for (Image& oci : images) {
      disagree(oci, absl::StrCat("cannot be read, and index.json can", problems.empty() ? "" : ": ",
                                 problems.empty() ? "" : problems[0].message));
    }
    return;
  }
  const OciView view = ReadOciView(blobs, limits);
  std::vector<Image> docker_images;
  for (size_t i = 0; i < std::min(manifest->size(), kMostCompared); ++i) {
    // Comparing it with index.json is part of reading it.
    absl::StatusOr<Image> docker = ReadImage(blobs, absl::StrCat("@", i), view, limits);
    if (docker.ok()) docker_images.push_back(*std::move(docker));
  }
  for (Image& oci : images) {
    bool found = false;
    for (const Image& docker : docker_images) {
      const bool same_configuration = docker.config_digest && oci.config_digest &&
                                      docker.config_digest->hex == oci.config_digest->hex;
      if (!same_configuration && !HaveOneName(docker, oci) && manifest->size() > 1) continue;
      found = true;
      for (const Problem& problem : docker.problems) {
        if (problem.kind == Problem::Kind::kViewsDisagree) oci.problems.push_back(problem);
      }
    }
    if (!found) {
      disagree(oci, "describes no image with the name or the configuration that index.json has");
    }
  }
}

}  // namespace lre_audit
