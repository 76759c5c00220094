#include "audit/link/c_library.h"

#include <algorithm>
#include <tuple>

#include "base/store_path.h"

namespace lre_audit {

using CLibrary = LinkedToolchain::CLibrary;

std::optional<CLibrary> CLibraryOf(std::string_view store_path) {
  const std::string_view package = nix::PackageName(store_path);
  for (const std::string_view name : {"glibc", "musl"}) {
    if (!package.starts_with(name) || package.substr(name.size(), 1) != "-") continue;
    const std::string_view rest = package.substr(name.size() + 1);
    const std::string_view version = rest.substr(0, rest.find_first_not_of("0123456789."));
    const std::string_view after = rest.substr(version.size());
    if (version.empty() || (!after.empty() && after[0] != '-')) continue;
    return CLibrary{std::string(store_path), std::string(name), std::string(version)};
  }
  return std::nullopt;
}

void Deduplicate(std::vector<CLibrary>& libraries) {
  const auto key = [](const CLibrary& library) {
    return std::make_tuple(std::string_view(library.name), std::string_view(library.version),
                           library.store_path.size(), std::string_view(library.store_path));
  };
  std::sort(libraries.begin(), libraries.end(),
            [&](const CLibrary& a, const CLibrary& b) { return key(a) < key(b); });
  const auto same = [](const CLibrary& a, const CLibrary& b) {
    return a.name == b.name && a.version == b.version;
  };
  libraries.erase(std::unique(libraries.begin(), libraries.end(), same), libraries.end());
}

}  // namespace lre_audit
