// Images that a Docker daemon has, asked for over its socket.
// Source: Docker Engine API, GET /images/get ("ImageGetAll").
#ifndef LRE_AUDIT_AUDIT_TREES_DOCKER_DAEMON_H_
#define LRE_AUDIT_AUDIT_TREES_DOCKER_DAEMON_H_

#include <string>

#include "absl/status/statusor.h"
#include "audit/trees/transports.h"

namespace lre_audit {

// "docker-daemon:NAME[:TAG]", "docker-daemon:NAME@DIGEST" or "docker-daemon:sha256:ID", from the
// daemon of $DOCKER_HOST (a unix:// socket; without it /var/run/docker.sock). What it sends is a
// docker-archive whose manifest comes last, and can be had only once: it is kept in a file without
// a name in $TMPDIR while it is audited, of at most 256 GiB. NotFound where the
// daemon has no such image, Unavailable where there is no daemon. A stream that breaks off is an
// image that could not be read whole.
absl::StatusOr<Trees> OpenDockerDaemon(const TypedReference& name, const OpenOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DOCKER_DAEMON_H_
