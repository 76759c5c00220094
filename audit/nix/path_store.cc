#include "audit/nix/path_store.h"

#include <utility>

#include "audit/nix/binary_cache.h"
#include "base/status.h"

namespace lre_audit::nix {

bool IsPathStore(const std::string& source) {
  return StoreRootOf(source).has_value() || IsBinaryCache(source);
}

absl::StatusOr<std::unique_ptr<PathStore>> OpenPathStore(const std::string& source) {
  if (const auto root = StoreRootOf(source)) {
    LRE_ASSIGN_OR_RETURN(StoreDatabase store, StoreDatabase::Open(*root));
    return std::make_unique<StoreDatabase>(std::move(store));
  }
  LRE_ASSIGN_OR_RETURN(std::unique_ptr<BinaryCache> cache, OpenBinaryCache(source));
  return cache;
}

}  // namespace lre_audit::nix
