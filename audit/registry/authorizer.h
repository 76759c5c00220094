// Answers a registry's challenges: Basic, or Bearer with tokens from the server that it names.
// Sources: distribution docs/spec/auth/token.md and oauth.md.
#ifndef LRE_AUDIT_AUDIT_REGISTRY_AUTHORIZER_H_
#define LRE_AUDIT_AUDIT_REGISTRY_AUTHORIZER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "audit/net/http.h"
#include "audit/net/url.h"
#include "audit/registry/credentials.h"

namespace lre_audit::registry {

// Credentials go to the registry, and to the token server that it names, which is asked over https
// unless the registry itself speaks plain HTTP. Tokens are fetched when they are needed and renewed
// when they expire, also in the middle of an audit.
class RegistryAuthorizer : public net::Authorizer {
 public:
  // `registry` is its base URL, `tokens` the client to ask token servers with.
  RegistryAuthorizer(net::Url registry, const std::string& repository, Credentials credentials,
                     std::shared_ptr<net::HttpClient> tokens)
      : registry_(std::move(registry)),
        scope_("repository:" + repository + ":pull"),
        credentials_(std::move(credentials)),
        tokens_(std::move(tokens)) {}

  // What the registry said before anything was asked of it. Whether it can be answered.
  bool Learn(const std::vector<std::string>& challenges);

  absl::StatusOr<std::string> Authorization() override;
  absl::StatusOr<bool> Refused(const std::string& sent,
                               const std::vector<std::string>& challenges) override;

  const Credentials& credentials() const { return credentials_; }

 private:
  enum class Scheme { kNone, kBasic, kBearer };

  bool LearnLocked(const std::vector<std::string>& challenges)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FetchToken() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<net::HttpRequest> TokenRequest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadToken(const net::HttpAnswer& answer, absl::Time asked)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const net::Url registry_;
  const std::string scope_;
  const Credentials credentials_;
  const std::shared_ptr<net::HttpClient> tokens_;
  absl::Mutex mutex_;
  Scheme scheme_ ABSL_GUARDED_BY(mutex_) = Scheme::kNone;
  std::string realm_ ABSL_GUARDED_BY(mutex_), service_ ABSL_GUARDED_BY(mutex_);
  std::string more_scope_ ABSL_GUARDED_BY(mutex_);  // that a challenge asked for besides ours
  std::string token_ ABSL_GUARDED_BY(mutex_);
  absl::Time expires_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_AUTHORIZER_H_
