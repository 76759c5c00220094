// How registries are asked, in skopeo's words.
#ifndef LRE_AUDIT_AUDIT_REGISTRY_OPTIONS_H_
#define LRE_AUDIT_AUDIT_REGISTRY_OPTIONS_H_

#include <string>

#include "audit/net/http.h"

namespace lre_audit {

struct RegistryOptions {
  std::string authfile;    // instead of the files that skopeo and docker log in to
  std::string cert_dir;    // instead of certs.d: *.crt, *.cert and *.key
  bool tls_verify = true;  // false: any certificate will do, and plain HTTP too
  net::HttpLimits limits;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_REGISTRY_OPTIONS_H_
