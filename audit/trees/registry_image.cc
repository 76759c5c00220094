// Images in registries: docker://HOST[:PORT]/NAME[:TAG][@DIGEST].
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "audit/bytes/digest.h"
#include "audit/registry/session.h"
#include "audit/trees/oci_manifest.h"
#include "audit/trees/transports.h"
#include "base/status.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit {
namespace {

constexpr std::string_view kManifests = "manifests/";
constexpr std::string_view kBlobs = "blobs/";

// The manifests and blobs of one repository. Blobs stream by; who reads one twice fetches it twice.
class RegistryBlobs : public BlobSource {
 public:
  RegistryBlobs(std::unique_ptr<registry::Session> session, uint64_t most_manifest_bytes)
      : session_(std::move(session)), most_manifest_bytes_(most_manifest_bytes) {}

  std::string NameOf(Kind kind, const Digest& digest) const override {
    return kind == Kind::kBlob ? digest.BlobPath() : ManifestName(digest.ToString());
  }
  // `reference` is a tag or a digest.
  static std::string ManifestName(const std::string& reference) {
    return absl::StrCat(ToAbsl(kManifests), reference);
  }

  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override {
    if (name.starts_with(kManifests)) {
      LRE_ASSIGN_OR_RETURN(registry::Manifest manifest, GetManifest(name));
      *size = manifest.body.size();
      return std::make_unique<StringSource>(std::move(manifest.body));
    }
    // "blobs/sha256/<hex>" is "sha256:<hex>".
    std::string text = name.substr(std::min(name.size(), kBlobs.size()));
    if (const size_t slash = text.find('/'); slash != std::string::npos) text[slash] = ':';
    LRE_ASSIGN_OR_RETURN(const Digest digest, ParseDigest(text));
    const auto expected = sizes_.find(name);
    LRE_ASSIGN_OR_RETURN(
        net::HttpStream stream,
        session_->GetBlob(
            digest, expected == sizes_.end() ? std::nullopt : std::optional(expected->second)));
    *size = stream.size.value_or(0);
    return std::move(stream.body);
  }

  bool IsRemote() const override { return true; }

  // Fetched once, for what a tag names can change at any time.
  absl::StatusOr<registry::Manifest> GetManifest(const std::string& name) const {
    const absl::MutexLock lock(&mutex_);
    const auto known = manifests_.find(name);
    if (known != manifests_.end()) return known->second;
    LRE_ASSIGN_OR_RETURN(
        registry::Manifest manifest,
        session_->GetManifest(name.substr(kManifests.size()), most_manifest_bytes_));
    CheckMediaType(name, manifest);
    return manifests_.emplace(name, std::move(manifest)).first->second;
  }

  // From here on no layer may be longer than its manifest says. Before the blobs are shared.
  void SetSizes(const std::vector<Image>& images) {
    for (const Image& image : images) {
      for (const ImageLayer& layer : image.layers) {
        if (layer.size) sizes_.emplace(layer.blob, *layer.size);
      }
    }
  }

  // What was wrong with how manifests were served.
  std::vector<Problem> problems() const {
    const absl::MutexLock lock(&mutex_);
    return problems_;
  }

 private:
  // Clients choose how to read a manifest by its Content-Type or by what it calls itself: that has
  // to be the same (CVE-2021-41190).
  void CheckMediaType(const std::string& name, registry::Manifest& manifest) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto json = nlohmann::json::parse(manifest.body, nullptr, /*allow_exceptions=*/false);
    if (manifest.media_type.empty() || !json.is_object() || !json.contains("mediaType") ||
        !json["mediaType"].is_string()) {
      return;
    }
    const std::string own = json["mediaType"].get<std::string>();
    if (own == manifest.media_type) return;
    problems_.push_back(
        {Problem::Kind::kMalformed,
         name,
         0,
         absl::StrCat("says mediaType \"", Escaped(own), "\", the registry's Content-Type \"",
                      Escaped(manifest.media_type), "\""),
         {},
         {}});
    manifest.media_type.clear();
  }

  const std::unique_ptr<registry::Session> session_;
  const uint64_t most_manifest_bytes_;
  std::map<std::string, uint64_t> sizes_;  // of layers, by name
  mutable absl::Mutex mutex_;
  mutable std::map<std::string, registry::Manifest> manifests_ ABSL_GUARDED_BY(mutex_);
  mutable std::vector<Problem> problems_ ABSL_GUARDED_BY(mutex_);
};

// The digest that a registry sends with a manifest names it for everybody who pins it.
void CheckDigest(const std::string& name, const registry::Manifest& manifest,
                 std::vector<Problem>& problems) {
  if (manifest.digest.empty()) return;
  const absl::StatusOr<Digest> said = ParseDigest(manifest.digest);
  if (!said.ok()) {
    problems.push_back({Problem::Kind::kMalformed,
                        name,
                        0,
                        absl::StrCat("Docker-Content-Digest: ", said.status().message()),
                        {},
                        {}});
    return;
  }
  DigestHasher hasher(said->algorithm);
  hasher.Update(manifest.body);
  const Digest actual = hasher.Finish();
  if (actual.hex == said->hex) return;
  // Of schema 1 it is the payload's, without the signatures; such a manifest is not read anyway.
  const auto json = nlohmann::json::parse(manifest.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.value("schemaVersion", nlohmann::json()) == 1) return;
  problems.push_back({Problem::Kind::kDigestMismatch, name, 0,
                      absl::StrCat("the registry's Docker-Content-Digest is ", said->ToString(),
                                   ", the manifest's own digest ", actual.ToString()),
                      said->ToString(), actual.ToString()});
}

absl::StatusOr<std::vector<Image>> ReadImages(const registry::ImageName& name,
                                              const OpenOptions& options,
                                              std::shared_ptr<const BlobSource>* source) {
  LRE_ASSIGN_OR_RETURN(
      std::unique_ptr<registry::Session> session,
      registry::Session::Connect(name, options.registry, registry::ProcessEnvironment));
  auto blobs = std::make_shared<RegistryBlobs>(std::move(session), options.limits.json_bytes);
  ManifestStart start;
  start.name = RegistryBlobs::ManifestName(name.digest ? name.digest->ToString() : name.tag);
  start.digest = name.digest;
  LRE_ASSIGN_OR_RETURN(const registry::Manifest manifest, blobs->GetManifest(start.name));
  start.media_type = manifest.media_type;
  LRE_ASSIGN_OR_RETURN(std::vector<Image> images, ReadManifests(*blobs, start, options));
  blobs->SetSizes(images);
  std::vector<Problem> problems = blobs->problems();
  if (!name.digest) CheckDigest(start.name, manifest, problems);
  std::vector<Problem>& first = images.front().problems;
  first.insert(first.begin(), problems.begin(), problems.end());
  for (Image& image : images) {
    if (!name.tag.empty()) image.names = {absl::StrCat(name.Repository(), ":", name.tag)};
  }
  *source = std::move(blobs);
  return images;
}

// Whether an error is about the user's words rather than about what the network did.
bool IsAboutWords(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ||
         absl::IsPermissionDenied(status);
}

}  // namespace

absl::StatusOr<Trees> OpenRegistryImage(const TypedReference& name, const OpenOptions& options) {
  std::string_view rest = name.rest;
  if (!rest.starts_with("//")) {
    return absl::InvalidArgumentError(absl::StrCat(
        Escaped(name.reference), ": expected docker://HOST[:PORT]/NAME[:TAG|@DIGEST]"));
  }
  rest.remove_prefix(2);
  absl::StatusOr<registry::ImageName> parsed = registry::ParseImageName(rest);
  if (!parsed.ok()) {
    // A password that was put before the host is not shown.
    const size_t at = rest.find('@');
    const std::string shown = at < rest.find('/') && rest.find('/') != std::string_view::npos
                                  ? absl::StrCat("docker://...", ToAbsl(rest.substr(at)))
                                  : name.reference;
    return absl::Status(parsed.status().code(),
                        absl::StrCat(Escaped(shown), ": ", parsed.status().message()));
  }
  std::shared_ptr<const BlobSource> blobs;
  absl::StatusOr<std::vector<Image>> images = ReadImages(*parsed, options, &blobs);
  if (!images.ok() && !IsAboutWords(images.status())) {
    // The image may be there and as good as any: what failed is reading it.
    std::vector<Image> unread(1);
    unread[0].problems.push_back({absl::IsResourceExhausted(images.status())
                                      ? Problem::Kind::kLimit
                                      : Problem::Kind::kUnreadable,
                                  name.reference,
                                  0,
                                  std::string(images.status().message()),
                                  {},
                                  {}});
    images = std::move(unread);
  }
  return MakeImageTrees(name.reference, std::move(images), blobs, options.limits);
}

}  // namespace lre_audit
