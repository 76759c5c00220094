// What a difference of two spawns is called, by the rules LRE7xx, and what to do about it.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_NAMING_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_NAMING_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/cache/spawn_parts.h"
#include "audit/explain/differences.h"

namespace lre_audit::explain {

// One cause. Two differences are of the same cause where `rule` and `identity` are equal.
struct NamedCause {
  std::string rule;                          // "LRE706"
  std::string identity;                      // may hold secrets, and is not shown
  std::string referenced;                    // what it is about: "PATH", a flag, an input's path
  std::string message;                       // one sentence, names in it escaped
  std::optional<std::string> local, remote;  // what each side says; secrets masked
  std::vector<std::string> notes;
  std::string help;
  // How much it matters, where that is not what the rule says.
  enum class Weight { kOfRule, kError, kNote };
  Weight weight = Weight::kOfRule;
  bool spreads = true;  // to the keys of actions that read what these make
};

struct NamingOptions {
  bool show_secrets = false;
  std::string store_directory = "/nix/store";
};

// The causes of one difference, at least one: an argument may name several store paths. `local` is
// the spawn that it is of. Generated inputs are not for this: causes.h follows them.
std::vector<NamedCause> NameDifference(const Difference& difference, const cache::SpawnParts& local,
                                       const NamingOptions& options);

// Of a generated input that nobody can follow further.
NamedCause NameUpstream(const Difference& difference, std::string_view why);

NamedCause NameNondeterminism(const std::vector<std::string>& outputs,
                              const cache::SpawnParts& local);

// "glibc 2.42-67": what a store path is, for people.
std::string Decoded(std::string_view store_path);

// Whether an input is made by an action, and not by a rule that Bazel runs while loading.
bool IsGenerated(std::string_view path);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_NAMING_H_
