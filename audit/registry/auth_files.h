// The files that `skopeo login`, `podman login` and `docker login` write.
// Sources: containers-auth.json(5); containers/image pkg/docker/config/config.go; docker's
// cli/config/configfile.
#ifndef LRE_AUDIT_AUDIT_REGISTRY_AUTH_FILES_H_
#define LRE_AUDIT_AUDIT_REGISTRY_AUTH_FILES_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "audit/registry/credentials.h"
#include "audit/registry/image_name.h"

namespace lre_audit::registry {

// An environment variable; empty if it is not set.
using Environment = std::function<std::string(const char* variable)>;
std::string ProcessEnvironment(const char* variable);

// The credentials for an image, none if no file knows any. `authfile`, else $REGISTRY_AUTH_FILE, is
// the only file asked, and must be there; else in this order, as far as they are there:
// $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json,
// $DOCKER_CONFIG/config.json, ~/.dockercfg. Within a file, a helper of the registry (credHelpers),
// then the entry of the most specific namespace ("host/a/b" before "host/a" before "host"), then
// the helper of all registries (credsStore). InvalidArgument for a file that cannot be read,
// without a word of what is in it.
absl::StatusOr<Credentials> FindCredentials(const ImageName& image, const std::string& authfile,
                                            const Environment& environment);

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_AUTH_FILES_H_
