// Who the user is to a registry.
#ifndef LRE_AUDIT_AUDIT_REGISTRY_CREDENTIALS_H_
#define LRE_AUDIT_AUDIT_REGISTRY_CREDENTIALS_H_

#include <string>

namespace lre_audit::registry {

struct Credentials {
  std::string username, password;
  std::string identity_token;  // an OAuth2 refresh token, instead of a password
  std::string source;          // the file that they, or the name of their helper, are from

  bool empty() const { return username.empty() && password.empty() && identity_token.empty(); }
};

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_CREDENTIALS_H_
