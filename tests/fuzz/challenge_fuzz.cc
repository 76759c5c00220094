// WWW-Authenticate headers.
#include "audit/registry/challenge.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  for (const registry::Challenge& challenge : registry::ParseChallenges(input)) {
    if (challenge.scheme.empty()) Wrong("a challenge without a scheme");
    for (const auto& [name, value] : challenge.parameters) {
      if (name.empty() || value.size() > input.size()) Wrong("a parameter from nowhere");
    }
  }
}

}  // namespace lre_audit::fuzz
