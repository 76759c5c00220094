// A closure in any format, told by its contents; and what is checked of its records.
#include "audit/nix/closure.h"
#include "audit/nix/signature.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  absl::StatusOr<nix::Closure> closure = nix::ReadClosure(AsFile(input));
  if (!closure.ok()) return;
  nix::TrustedKeys keys;
  (void)nix::AddTrustedKey("cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=", &keys);
  for (const auto& [path, info] : closure->paths) {
    nix::RecordFaults(info, closure->store_directory, keys);
    nix::ReachableFrom(*closure, {path});
    break;
  }
  for (const auto& [path, info] : closure->paths) {
    nix::RecordFaults(info, closure->store_directory, keys);
  }
}

}  // namespace lre_audit::fuzz
