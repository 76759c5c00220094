// Options that two builds were asked for with, and which of them a cause is about.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_OPTION_DIFFERENCES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_OPTION_DIFFERENCES_H_

#include <string>
#include <string_view>
#include <vector>

#include "audit/explain/naming.h"

namespace lre_audit::explain {

struct OptionDifference {
  std::string name;           // "--copt"; "no" in front of it is left out
  std::string local, remote;  // as written, secrets masked: "--copt=-O2"; empty: not there
  // For people: "--copt=-DNEW=1 is in remote alone"
  std::string Text() const;
};

// Those that can change a key or where results are kept: what says how a build is shown, logged or
// scheduled is passed over. In the order of their names; several values of one option in theirs.
std::vector<OptionDifference> CompareOptions(const std::vector<std::string>& local,
                                             const std::vector<std::string>& remote,
                                             bool show_secrets);

// Whether the option is what makes `cause`: it says the variable's name or the argument, or is of
// those that choose platforms and configurations.
bool IsBehind(const OptionDifference& option, const NamedCause& cause);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_OPTION_DIFFERENCES_H_
