// A Nix closure: store paths, what each refers to, and the hash of its contents, from every form in
// which users have one.
#ifndef LRE_AUDIT_AUDIT_NIX_CLOSURE_H_
#define LRE_AUDIT_AUDIT_NIX_CLOSURE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lre_audit::nix {

struct PathInfo {
  std::string path;                     // "/nix/store/<hash>-<name>"
  std::string nar_hash;                 // "sha256:<hex>"; empty if the source does not say
  std::optional<uint64_t> nar_size;     // bytes of the NAR
  bool has_references = false;          // whether the source records references at all
  std::vector<std::string> references;  // full paths, sorted; may include `path`
  std::string deriver, ca;
};

struct Closure {
  std::string source;  // what the user named: "closure.json", "store:/"
  std::string format;  // "nix path-info --json (2.19 map)", "store database", "path list", ...
  std::string store_directory;  // "/nix/store" unless the source says otherwise
  std::map<std::string, PathInfo> paths;
  // Parts that could not be read: "line 7: ...". The audit is incomplete, the rest stands.
  std::vector<std::string> problems;
};

// ROOT of "store:ROOT", "" for the host's store; nullopt where `source` names a file.
std::optional<std::string> StoreRootOf(std::string_view source);

// Reads a closure: a file in any known format (sniffed), or "store:ROOT" / "store:" for a whole
// store with its database. NotFound and InvalidArgument carry one helpful line.
absl::StatusOr<Closure> ReadClosure(const std::string& source);

// What `closure` knows of `roots` and of all that these refer to; roots that it does not hold are
// passed over.
Closure ReachableFrom(const Closure& closure, const std::vector<std::string>& roots);

// The store with its database at `root` ("" for the host's), read-only and beside a running daemon.
class StoreDatabase {
 public:
  static absl::StatusOr<StoreDatabase> Open(const std::string& root);
  ~StoreDatabase();
  StoreDatabase(StoreDatabase&&) noexcept;
  StoreDatabase& operator=(StoreDatabase&&) noexcept;

  // All valid paths, or the closure of `roots` (store paths; InvalidArgument names one not valid).
  absl::StatusOr<Closure> All() const;
  absl::StatusOr<Closure> ClosureOf(const std::vector<std::string>& roots) const;
  // As ClosureOf, but roots that the store does not know are passed over.
  absl::StatusOr<Closure> ClosureOfKnown(const std::vector<std::string>& roots) const;

 private:
  struct State;
  explicit StoreDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_CLOSURE_H_
