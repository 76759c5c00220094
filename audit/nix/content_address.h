// Store paths that follow from what they hold: the recipe by which Nix names them.
// Source: Nix doc/manual "Complete Store Path Calculation"; src/libstore/store-dir-config.cc
// (makeFixedOutputPath, makeTextPath), content-address.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_CONTENT_ADDRESS_H_
#define LRE_AUDIT_AUDIT_NIX_CONTENT_ADDRESS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/nix/closure.h"

namespace lre_audit::nix {

// The path that something of this content address is stored as. `ca` is as the database writes it
// ("text:sha256:...", "fixed:r:sha256:...", "fixed:git:sha1:...", "fixed:md5:..."), `references`
// are full paths, sorted, without the path itself; `self`: it refers to itself. InvalidArgument for
// a content address that is none, or that cannot have such references.
absl::StatusOr<std::string> ContentAddressedPath(std::string_view ca, std::string_view name,
                                                 const std::vector<std::string>& references,
                                                 bool self, std::string_view store_directory);

// Whether the content address of `info` gives its path, and, where that can be told, its NAR hash.
// InvalidArgument says what it gives instead; FailedPrecondition: `info` has no content address, or
// too little is recorded to tell.
absl::Status CheckContentAddress(const PathInfo& info, std::string_view store_directory);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_CONTENT_ADDRESS_H_
