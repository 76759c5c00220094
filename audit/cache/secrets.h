// Values that reports do not show: those of variables whose names say so, and those that look like
// credentials themselves.
#ifndef LRE_AUDIT_AUDIT_CACHE_SECRETS_H_
#define LRE_AUDIT_AUDIT_CACHE_SECRETS_H_

#include <string>
#include <string_view>

namespace lre_audit::cache {

// "AWS_SECRET_ACCESS_KEY", "npm_token": a word of the name says it.
bool IsSecretName(std::string_view name);

// `value` as it is, or "(masked, 40 bytes)" where the name, or the value, looks secret. The
// password of a URL is masked in place.
std::string MaskedValue(std::string_view name, std::string_view value);

// Of a command-line argument: NAME=VALUE in it counts as a variable, so "-DAPI_TOKEN=x" and
// "--define=PASSWORD=x" are masked behind the name. In a shell command each word is looked at.
std::string MaskedArgument(std::string_view argument);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_SECRETS_H_
