#include "audit/trees/docker_reference.h"

#include "absl/strings/str_cat.h"

namespace lre_audit {

std::string FullName(const std::string& name) {
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return absl::StrCat("docker.io/library/", name);
  // What looks like a host is one.
  const std::string first = name.substr(0, slash);
  const bool is_host = first.find_first_of(".:") != std::string::npos || first == "localhost";
  return is_host ? name : absl::StrCat("docker.io/", name);
}

bool HasTagOrDigest(const std::string& name) {
  if (name.find('@') != std::string::npos) return true;
  const size_t colon = name.rfind(':');
  return colon != std::string::npos && name.find('/', colon) == std::string::npos;
}

}  // namespace lre_audit
