// Values that reports do not show: those of names that say so, and those that look like credentials
// themselves. Rather too much is masked than too little; what stands beside a value stays.
//
//   NAME=value, NAME = "value", "name": "value", -DNAME=value, ?name=value&..., Name: Bearer value
//   --name value, -u user:value, --user user:value
//   https://(masked)@host, other://user:(masked)@host
//   ghp_..., sk-..., eyJ..., Bearer ..., -----BEGIN ... -----END ...
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_SECRETS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_SECRETS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace lre_audit::explain {

// "AWS_SECRET_ACCESS_KEY", "npm_token", "PGPASSWORD": a word of the name says it, or the end of
// one. Not "PWD", nor "KEY_SIZE" and other measures.
bool IsSecretName(std::string_view name);

// `value` as it is, or "(masked, 40 bytes)" where the name looks secret; else as MaskedText().
std::string MaskedValue(std::string_view name, std::string_view value);

// A command-line argument, which may be a shell's command. `before` is the argument before it: the
// value of "--password" is masked whole.
std::string MaskedArgument(std::string_view argument, std::string_view before = "");

// Any text: what a server says, a line of a file.
std::string MaskedText(std::string_view text);

// The `size` bytes of `text` from `at` on, masked as the whole is: what is cut off may be the name
// of a value. A value that is cut counts whole.
std::string MaskedExcerpt(std::string_view text, size_t at, size_t size);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_SECRETS_H_
