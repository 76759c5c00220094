// What `skopeo copy ... dir:DIR` writes: manifest.json, and every blob as a file of its own.
// Source: containers/image directory/directory_dest.go and directory_transport.go.
#ifndef LRE_AUDIT_AUDIT_TREES_DIRECTORY_TRANSPORT_H_
#define LRE_AUDIT_AUDIT_TREES_DIRECTORY_TRANSPORT_H_

#include <string>

#include "audit/trees/transports.h"

namespace lre_audit {

// Whether `directory` says in its file "version" that it is one.
bool IsDirectoryTransport(const std::string& directory);

// "dir:DIR". The digest of manifest.json is recorded nowhere: it is computed. Blobs are plain files
// there, and symlinks are not followed. NotFound where there is no manifest.json.
absl::StatusOr<Trees> OpenDir(const TypedReference& name, const OpenOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_DIRECTORY_TRANSPORT_H_
