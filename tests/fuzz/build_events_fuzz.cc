// Build events, in JSON or binary.
#include "audit/cache/build_events.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  StringSource source{std::string(input)};
  const absl::StatusOr<cache::BuildEvents> events = cache::ReadBuildEvents(source, "input", {});
  if (!events.ok()) return;
  for (const auto& [path, label] : events->labels) {
    if (label.size() > input.size() || path.size() > input.size()) Wrong("a label from nowhere");
  }
}

}  // namespace lre_audit::fuzz
