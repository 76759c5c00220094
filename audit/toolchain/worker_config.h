// What read_config.h reads in files of their own, where it stands inside other files.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_WORKER_CONFIG_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_WORKER_CONFIG_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

// The platform property that a worker's image is matched by, and the variable that NativeLink's
// worker configuration takes it from.
inline constexpr std::string_view kContainerImage = "container-image";
inline constexpr std::string_view kPlatformVariable = "NATIVELINK_WORKER_PLATFORM";

// Whether `text` can be a worker's or scheduler's configuration: it names platform properties.
bool MentionsPlatformProperties(std::string_view text);

// A value with its variables replaced, as the crate shellexpand does for NativeLink: $NAME,
// ${NAME}, ${NAME:-default}; "$$" is one '$'.
struct Expanded {
  std::string value;  // a variable that is neither set nor has a default stays as written
  std::vector<std::string> unset;  // variables that were not set, in order, with or without default
};
Expanded ExpandVariables(std::string_view text,
                         const std::map<std::string, std::string>& environment);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_WORKER_CONFIG_H_
