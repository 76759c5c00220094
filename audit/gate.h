// The gate: several subjects audited into one report, and whether they agree. This is what `check`
// runs for a repository, and `toolchain` and `image --toolchain` for one toolchain.
#ifndef LRE_AUDIT_AUDIT_GATE_H_
#define LRE_AUDIT_AUDIT_GATE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/nix/signature.h"
#include "audit/registry/options.h"
#include "reports/report.pb.h"
#include "rules/policy.h"

namespace lre_audit {

class FactsCache;

struct GateRequest {
  struct Image {
    std::string reference;
    std::string platform;  // "linux/amd64", of an index
    std::string closure;   // a promise; empty: compared with `local`
  };
  struct Toolchain {
    std::string directory;
    std::vector<std::string> images;  // references of those above; none: see ImagesOf in gate.cc
  };
  struct Store {
    std::vector<std::string> paths;
    std::string root;
  };
  std::vector<Image> images;
  std::vector<Toolchain> toolchains;
  std::vector<Store> stores;
  std::string local;  // a closure source; empty: the local store if there is one
  std::vector<std::string> bazelrcs, modules, flake_locks, workers, manifests;  // files
  std::map<std::string, std::string> environment;  // for "${NAME}" in worker configurations
  // The user typed the subjects: one that cannot be opened is an error of the whole request, as for
  // every other command, rather than a finding beside those of the rest.
  bool refuses_missing = false;
  RegistryOptions registry;  // how images in registries are fetched
  // What the findings of agreement are about: the policy's file, or the repository.
  std::string reference;
  // Problems from before: each makes the audit incomplete.
  std::vector<std::string> problems;

  const nix::TrustedKeys* trusted_keys = nullptr;  // as AuditRequest has them
  const CompiledPolicy* policy = nullptr;
  int jobs = 0;
  FactsCache* cache = nullptr;  // of facts from earlier audits; null: everything is read
  std::function<void(uint64_t)> on_total = [](uint64_t) {};
  std::function<void(uint64_t)> on_bytes = [](uint64_t) {};
  std::function<void(const char*)> on_phase = [](const char*) {};
};

// Audits everything that the request names. A subject that cannot be opened is an LRE901 finding
// and the rest is audited; an error is only what makes the request as a whole senseless, such as a
// closure that cannot be read.
absl::StatusOr<Report> RunGate(const GateRequest& request);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_GATE_H_
