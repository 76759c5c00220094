// Files of credentials, asked for several images. No helper is ever found.
#include <stdlib.h>

#include "audit/registry/auth_files.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  [[maybe_unused]] static const int without_helpers = setenv("PATH", OwnDirectory().c_str(), 1);
  const uint8_t choice = TakeByte(input);
  const std::string& file = AsFile(input);
  // ~/.dockercfg has another form.
  if (choice & 1) WriteFile(OwnDirectory() + "/.dockercfg", input);
  const registry::Environment environment = [](const char* variable) {
    return variable == std::string_view("HOME") ? OwnDirectory() : std::string();
  };
  for (const char* name : {"debian", "localhost:5000/a/b/c:tag", "ghcr.io/o/n"}) {
    const absl::StatusOr<registry::ImageName> image = registry::ParseImageName(name);
    if (!image.ok()) Wrong("a name that is one was refused");
    (void)registry::FindCredentials(*image, choice & 1 ? "" : file, environment);
  }
}

}  // namespace lre_audit::fuzz
