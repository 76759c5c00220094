// URLs of http and https, taken apart by libcurl: there must be one opinion about which host a URL
// names, that of the code which connects to it.
#ifndef LRE_AUDIT_AUDIT_NET_URL_H_
#define LRE_AUDIT_AUDIT_NET_URL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lre_audit::net {

struct Url {
  std::string text;    // absolute, without user, password and fragment
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; "[::1]" for an address of IPv6
  std::string port;    // always there: "443"
  std::string path;    // "/v2/"

  bool is_https() const { return scheme == "https"; }
  // "https://host:443": what credentials are for.
  std::string Origin() const;
  // For messages: without the query, which may hold a signature that grants access.
  std::string Printable() const;
};

// InvalidArgument for other schemes, for a URL that is none, and for one that holds a user or
// password.
absl::StatusOr<Url> ParseUrl(std::string_view text);

// What `reference`, such as a Location header, means in an answer of `base` (RFC 3986 section 5).
absl::StatusOr<Url> ResolveUrl(const Url& base, std::string_view reference);

// "localhost", 127.0.0.0/8 or [::1]: traffic that never leaves this machine.
bool IsLoopback(std::string_view host);

// `text` with everything but unreserved characters (RFC 3986 section 2.3) as %XX, for a query.
std::string PercentEncoded(std::string_view text);
// `text` with each %XX as the byte that it means; what is no such thing stays as it is.
std::string PercentDecoded(std::string_view text);

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_URL_H_
