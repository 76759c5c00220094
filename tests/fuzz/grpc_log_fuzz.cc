// A gRPC log: each call is under one action.
#include "audit/cache/grpc_log.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  StringSource source{std::string(input)};
  const absl::StatusOr<cache::GrpcLog> log = cache::ReadGrpcLog(source, "input", {});
  if (!log.ok()) return;
  size_t calls = 0;
  for (const auto& [action, of_action] : log->by_action) calls += of_action.size();
  if (calls != log->calls.size() || calls != log->entries) Wrong("a call was lost");
}

}  // namespace lre_audit::fuzz
