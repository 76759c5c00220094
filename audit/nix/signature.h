// Signatures of store paths: Ed25519 over what Nix calls the fingerprint of a path.
// Source: Nix src/libstore/path-info.cc (fingerprint), src/libutil/signature/local-keys.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_SIGNATURE_H_
#define LRE_AUDIT_AUDIT_NIX_SIGNATURE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/nix/closure.h"

namespace lre_audit::nix {

struct TrustedKeys {
  std::map<std::string, std::string> keys;  // 32 bytes by name
  // The user asked for signatures: what has none by one of these keys is a fault.
  bool required = false;
};

// Adds "NAME:BASE64", or the keys of "@FILE", one in a word. InvalidArgument names what is wrong.
absl::Status AddTrustedKey(std::string_view word, TrustedKeys* keys);

// Those of Nix's configuration: the files nix.conf of system and user with what they include,
// NIX_CONFIG, else cache.nixos.org's. A key there that is none, Nix would refuse to start with, and
// is passed over.
TrustedKeys ConfiguredKeys();

// "1;<path>;sha256:<nix32>;<NAR size>;<references>". Empty if a part is not recorded.
std::string Fingerprint(const PathInfo& info);

// What is wrong with the record of a path, each one sentence: a signature whose key is known and
// that is not of this record; a content address that gives another path; and, where signatures are
// required, that there is none. Paths that name their own contents, or were built on the machine
// that tells of them (`ultimate`), need none.
std::vector<std::string> RecordFaults(const PathInfo& info, std::string_view store_directory,
                                      const TrustedKeys& keys);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_SIGNATURE_H_
