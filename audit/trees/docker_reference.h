// Names of images as Docker's tools shorten them.
// Source: github.com/distribution/reference, normalize.go.
#ifndef LRE_AUDIT_AUDIT_TREES_DOCKER_REFERENCE_H_
#define LRE_AUDIT_AUDIT_TREES_DOCKER_REFERENCE_H_

#include <string>

namespace lre_audit {

// "docker.io/library/x:t" for "x:t"; a name with a host stays as it is. No tag is added.
std::string FullName(const std::string& name);

// Whether a tag or digest stands behind the name; without one, Docker means ":latest".
bool HasTagOrDigest(const std::string& name);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DOCKER_REFERENCE_H_
