// C libraries by the names of their store paths.
#ifndef LRE_AUDIT_AUDIT_LINK_C_LIBRARY_H_
#define LRE_AUDIT_AUDIT_LINK_C_LIBRARY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/linked_toolchain.h"

namespace lre_audit {

// glibc or musl, where `store_path` is one of its outputs: "2.42" of "...-glibc-2.42-67-dev", whose
// "67" counts nixpkgs' patches. nullopt for any other package, such as glibc-locales.
std::optional<LinkedToolchain::CLibrary> CLibraryOf(std::string_view store_path);

// One for each name and version, by these; of several outputs the library itself, which has the
// shortest name.
void Deduplicate(std::vector<LinkedToolchain::CLibrary>& libraries);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_C_LIBRARY_H_
