// An execution log of any format. Whatever was read can be spelled out and hashed, and a log that
// is read in full is read the same again.
#include "audit/cache/action_key.h"
#include "audit/cache/read_log.h"
#include "audit/cache/spawn_parts.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  StringSource source{std::string(input)};
  cache::ReadLogOptions options;
  options.entry_bytes = 1 << 20;
  const absl::StatusOr<cache::ExecutionLog> log = cache::ReadExecutionLog(source, "input", options);
  if (!log.ok()) return;
  if (log->complete() != log->warnings.empty()) Wrong("warnings are counted and not told");
  cache::Verifier verifier(*log, nullptr);
  // Sets may share a great deal: what is spelled out is bounded here.
  for (size_t i = 0; i < log->spawns.size() && i < 20; ++i) {
    const cache::SpawnParts parts = cache::ExpandSpawn(*log, log->spawns[i]);
    if (parts.outputs.size() != cache::Outputs(*log, log->spawns[i]).size()) {
      Wrong("an output was lost");
    }
    const absl::StatusOr<cache::Verification> result = verifier.Verify(log->spawns[i]);
    if (!result.ok()) Wrong("nobody was asked, and somebody failed");
    if (result->state != cache::Verification::State::kVerified && parts.logged_digest.known() &&
        result->reason.empty()) {
      Wrong("a key is not verified, and nobody says why");
    }
  }
}

}  // namespace lre_audit::fuzz
