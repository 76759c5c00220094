// Nix's own configuration, as far as it says whom to trust.
// Source: Nix doc/manual "nix.conf", src/libutil/configuration.cc, src/libstore/globals.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_NIX_CONF_H_
#define LRE_AUDIT_AUDIT_NIX_NIX_CONF_H_

#include <string>
#include <string_view>
#include <vector>

namespace lre_audit::nix {

// The words of a setting that is a list and goes by any of `names`: `defaults`, unless a file or
// NIX_CONFIG sets it, and what "extra-<name>" adds. Read are nix.conf in $NIX_CONF_DIR or /etc/nix,
// then the user's ($NIX_USER_CONF_FILES, else nix/nix.conf in $XDG_CONFIG_DIRS and
// $XDG_CONFIG_HOME), with what they include, then NIX_CONFIG. What cannot be read sets nothing.
std::vector<std::string> ConfiguredWords(const std::vector<std::string_view>& names,
                                         std::string_view defaults);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_NIX_CONF_H_
