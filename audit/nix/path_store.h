// Stores that are asked about paths: a database, a binary cache. They hold more than one closure,
// so what counts is what they know of the paths in question and of what these refer to.
#ifndef LRE_AUDIT_AUDIT_NIX_PATH_STORE_H_
#define LRE_AUDIT_AUDIT_NIX_PATH_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/nix/closure.h"

namespace lre_audit::nix {

class PathStore {
 public:
  virtual ~PathStore() = default;

  // Where its paths lie; empty where only they say it.
  virtual const std::string& store_directory() const = 0;

  // All valid paths; Unimplemented where they cannot be listed, with what to do.
  virtual absl::StatusOr<Closure> All() const = 0;
  // The closure of `roots` (store paths; InvalidArgument names one not valid).
  virtual absl::StatusOr<Closure> ClosureOf(const std::vector<std::string>& roots) const = 0;
  // As ClosureOf, but roots that the store does not know are passed over.
  virtual absl::StatusOr<Closure> ClosureOfKnown(const std::vector<std::string>& roots) const = 0;
};

// Whether `source` names such a store: "store:[ROOT]", "file:///DIR" and "http(s)://..." or a
// directory with nix-cache-info (binary caches).
bool IsPathStore(const std::string& source);
absl::StatusOr<std::unique_ptr<PathStore>> OpenPathStore(const std::string& source);

// The store with its database at `root` ("" for the host's), read-only and beside a running daemon.
class StoreDatabase : public PathStore {
 public:
  static absl::StatusOr<StoreDatabase> Open(const std::string& root);
  ~StoreDatabase() override;
  StoreDatabase(StoreDatabase&&) noexcept;
  StoreDatabase& operator=(StoreDatabase&&) noexcept;

  const std::string& store_directory() const override;
  absl::StatusOr<Closure> All() const override;
  absl::StatusOr<Closure> ClosureOf(const std::vector<std::string>& roots) const override;
  absl::StatusOr<Closure> ClosureOfKnown(const std::vector<std::string>& roots) const override;

 private:
  struct State;
  explicit StoreDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_PATH_STORE_H_
