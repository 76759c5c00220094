// Which of a toolchain, an image and a closure have the store paths that a cause is about, by name:
// nothing is verified.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_STORE_PLACES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_STORE_PLACES_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/nix/path_store.h"
#include "audit/registry/options.h"

namespace lre_audit::explain {

struct StoreSources {
  std::vector<std::string> toolchains;  // directories
  std::vector<std::string> images;      // references, as OpenImage has them
  std::string platform;                 // of an index of images
  std::string closure;                  // a source; empty: none
  RegistryOptions registry;
};

class StorePlaces {
 public:
  // Reads what `sources` name; the whole of an image's layers, for the names in them. Errors: one
  // that cannot be opened. What of an image could not be read goes to `problems`, one line each.
  static absl::StatusOr<StorePlaces> Open(const StoreSources& sources,
                                          const std::string& store_directory,
                                          std::vector<std::string>* problems);

  // Notes on the store paths that one of the two texts names and the other does not: where each is,
  // and what stands in its place elsewhere. On names of images likewise.
  std::vector<std::string> Tell(const std::optional<std::string>& local,
                                const std::optional<std::string>& remote) const;

 private:
  struct Place {
    std::string name;  // "the image oci:worker"
    // By the package's name, the store paths of it.
    std::map<std::string, std::set<std::string>> packages = {};
    std::shared_ptr<const nix::PathStore> store = {};  // one that cannot list its paths; else null
    std::vector<std::string> image_names = {};         // "lre-cc:<tag>"
  };
  void Add(Place& place, std::string_view text) const;
  // "in X, not in Y, which has glibc 2.42-61"
  std::string Whereabouts(const std::string& path, std::vector<bool>* has) const;

  std::string store_directory_;
  std::vector<Place> places_;
};

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_STORE_PLACES_H_
