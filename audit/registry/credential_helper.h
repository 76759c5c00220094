// Programs that keep credentials: docker-credential-NAME.
// Source: docker/docker-credential-helpers, client/client.go and credentials/credentials.go.
#ifndef LRE_AUDIT_AUDIT_REGISTRY_CREDENTIAL_HELPER_H_
#define LRE_AUDIT_AUDIT_REGISTRY_CREDENTIAL_HELPER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/registry/credentials.h"

namespace lre_audit::registry {

struct HelperLimits {
  absl::Duration time = absl::Seconds(60);  // some ask the user for a passphrase
  size_t bytes = 1 << 20;
};

// Runs `docker-credential-NAME get` from the PATH and asks it for `server`. None if it knows none.
// An error says what went wrong, without a word of its output.
absl::StatusOr<Credentials> AskCredentialHelper(const std::string& name, const std::string& server,
                                                const HelperLimits& limits);

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_CREDENTIAL_HELPER_H_
