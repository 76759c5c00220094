// Store paths as a subject: what the user's words name, with the closure that the store's own
// database records for them.
#ifndef LRE_AUDIT_AUDIT_STORE_SUBJECT_H_
#define LRE_AUDIT_AUDIT_STORE_SUBJECT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/nix/closure.h"
#include "audit/trees/tree.h"

namespace lre_audit {

struct OpenedStore {
  nix::Closure closure;  // as the database records it
  std::unique_ptr<Tree> tree;
};

enum class StoreReading {
  kContents,  // every file of every path
  kNames,     // whether each path is there (OpenStoreListing)
};

// Each of `words` is a store path, a path inside one, or a link to one such as ./result; none means
// the whole store below `root` ("" for the host's), strays in its directory included.
absl::StatusOr<OpenedStore> OpenStoreSubject(const std::vector<std::string>& words,
                                             const std::string& root,
                                             StoreReading reading = StoreReading::kContents);

// The same of paths that are in no store on disk: `source` is a binary cache or a nix-store
// --export, whose own record is the closure; no words mean all that it holds. "store:ROOT" is
// OpenStoreSubject(words, ROOT, reading); the others are only read whole (InvalidArgument).
absl::StatusOr<OpenedStore> OpenStoreSubjectFrom(const std::vector<std::string>& words,
                                                 const std::string& source,
                                                 StoreReading reading = StoreReading::kContents);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_STORE_SUBJECT_H_
