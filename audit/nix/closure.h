// A Nix closure: store paths, what each refers to, and the hash of its contents, from every form in
// which users have one.
#ifndef LRE_AUDIT_AUDIT_NIX_CLOSURE_H_
#define LRE_AUDIT_AUDIT_NIX_CLOSURE_H_

#include <cstdint>
#include <map>
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
  std::string deriver = {}, ca = {};
  std::vector<std::string> signatures = {};  // "NAME:BASE64", as recorded
  bool ultimate = false;                     // built by the store that says so
};

struct Closure {
  std::string source;  // what the user named: "closure.json", "store:/"
  std::string format;  // "nix path-info --json (2.19 map)", "store database", "path list", ...
  std::string store_directory;  // "/nix/store" unless the source says otherwise
  std::map<std::string, PathInfo> paths;
  bool records_signatures = false;  // the format has room for them
  // It holds what may be in a tree rather than what is: what counts is what it knows of the tree's
  // paths, and what these refer to.
  bool holds_more = false;
  // Parts that could not be read: "line 7: ...". The audit is incomplete, the rest stands.
  std::vector<std::string> problems;
};

// ROOT of "store:ROOT", "" for the host's store; nullopt where `source` names a file.
std::optional<std::string> StoreRootOf(std::string_view source);

// Reads a closure: a file in any known format (sniffed, packed or not), a directory, or all of a
// store that lists its paths (see path_store.h). NotFound and InvalidArgument carry one helpful
// line.
absl::StatusOr<Closure> ReadClosure(const std::string& source);

// What `closure` knows of `roots` and of all that these refer to; roots that it does not hold are
// passed over.
Closure ReachableFrom(const Closure& closure, const std::vector<std::string>& roots);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_CLOSURE_H_
