#include "audit/commands/load_policy.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr uint64_t kMaxPolicySize = 16 << 20;

}  // namespace

absl::StatusOr<LoadedPolicy> LoadPolicy(const std::string& file, absl::Time now) {
  Policy policy;
  PolicyLocations locations;
  if (!file.empty()) {
    const absl::StatusOr<std::string> text = ReadFile(file, kMaxPolicySize);
    if (!text.ok()) {
      return absl::Status(text.status().code(),
                          absl::StrCat("policy '", Escaped(file), "': ", text.status().message()));
    }
    LRE_ASSIGN_OR_RETURN(policy, ParsePolicy(*text, file, &locations));
  }
  LRE_ASSIGN_OR_RETURN(CompiledPolicy compiled, CompiledPolicy::Compile(policy, now, locations));
  return LoadedPolicy{file, std::move(policy), std::move(compiled)};
}

}  // namespace lre_audit
