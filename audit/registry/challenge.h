// What a WWW-Authenticate header asks for (RFC 9110 section 11.6.1).
#ifndef LRE_AUDIT_AUDIT_REGISTRY_CHALLENGE_H_
#define LRE_AUDIT_AUDIT_REGISTRY_CHALLENGE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit::registry {

struct Challenge {
  std::string scheme;                             // in lower case: "bearer"
  std::map<std::string, std::string> parameters;  // names in lower case
};

// The challenges of one header: there can be several, separated by commas like their parameters.
// What is no challenge is left out.
std::vector<Challenge> ParseChallenges(std::string_view header);

}  // namespace lre_audit::registry

#endif  // LRE_AUDIT_AUDIT_REGISTRY_CHALLENGE_H_
