// A repository of a registry, asked for manifests and blobs.
// Source: OCI distribution-spec, spec.md, "Pull"; docker's registry/spec/api.md.
#ifndef LRE_AUDIT_AUDIT_REGISTRY_SESSION_H_
#define LRE_AUDIT_AUDIT_REGISTRY_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "audit/net/http.h"
#include "audit/registry/auth_files.h"
#include "audit/registry/authorizer.h"
#include "audit/registry/image_name.h"
#include "audit/registry/options.h"

namespace lre_audit::registry {

struct Manifest {
  std::string body;
  std::string media_type;  // as the registry says; empty where it says nothing in particular
  std::string digest;      // Docker-Content-Digest, as it stands there; not verified
};

// Errors of all calls are the HTTP client's, and these, which are about what the user asked for:
//   NotFound          no such repository, tag or digest
//   InvalidArgument   credentials or certificates that cannot be read
//   PermissionDenied  credentials are missing or refused
class Session {
 public:
  // Finds out how the registry wants to be spoken to: over https; over plain HTTP only where it is
  // this machine, or where certificates do not count (`tls_verify`), and nobody speaks TLS.
  static absl::StatusOr<std::unique_ptr<Session>> Connect(const ImageName& name,
                                                          const RegistryOptions& options,
                                                          const Environment& environment);

  // `reference` is a tag or a digest.
  absl::StatusOr<Manifest> GetManifest(const std::string& reference, uint64_t most_bytes) const;
  // `size` is what the manifest says, where it is known: more is an error.
  absl::StatusOr<net::HttpStream> GetBlob(const Digest& digest, std::optional<uint64_t> size) const;

 private:
  Session() = default;
  // What a status other than 200 means; `what` was asked for.
  absl::Status Refusal(const std::string& what, int status, const std::string& status_line,
                       const std::string& body) const;

  ImageName name_;
  std::string base_;  // "https://host:port/v2/"
  std::shared_ptr<net::HttpClient> client_;
  std::shared_ptr<RegistryAuthorizer> authorizer_;
};

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_SESSION_H_
