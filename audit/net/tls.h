// Whom to believe, and who to be, when a connection is encrypted.
#ifndef LRE_AUDIT_AUDIT_NET_TLS_H_
#define LRE_AUDIT_AUDIT_NET_TLS_H_

#include <string>

#include "absl/status/statusor.h"

namespace lre_audit::net {

struct TlsSettings {
  bool verify = true;       // the server's certificate and its name
  std::string authorities;  // certificates in PEM that are believed besides the system's
  std::string certificate;  // file in PEM: what this client shows; empty for none
  std::string key;          // file in PEM that belongs to it
};

// What a directory of certificates says, as skopeo and docker read them: each *.crt holds
// authorities, NAME.cert with NAME.key is the client's own; of several, the first by name.
// InvalidArgument where one of a pair is missing, NotFound where the directory is.
absl::StatusOr<TlsSettings> ReadCertificates(const std::string& directory);

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_TLS_H_
