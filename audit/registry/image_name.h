// Names of images in registries, as docker and skopeo read them.
// Source: distribution/reference (grammar in reference.go, ParseDockerRef in normalize.go).
#ifndef LRE_AUDIT_AUDIT_REGISTRY_IMAGE_NAME_H_
#define LRE_AUDIT_AUDIT_REGISTRY_IMAGE_NAME_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/bytes/digest.h"

namespace lre_audit::registry {

struct ImageName {
  std::string domain;            // "docker.io", "localhost:5000": by what credentials are kept
  std::string repository;        // "library/debian"
  std::string tag;               // empty only with a digest
  std::optional<Digest> digest;  // counts before the tag

  // Where it is asked for: docker.io's registry has another name.
  std::string Host() const;
  // "docker.io/library/debian".
  std::string Repository() const { return domain + "/" + repository; }
};

// "NAME[:TAG][@DIGEST]", where NAME begins with a registry, or is one of docker.io. Without tag and
// digest, "latest". InvalidArgument says which part is wrong and what is expected.
absl::StatusOr<ImageName> ParseImageName(std::string_view text);

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_IMAGE_NAME_H_
