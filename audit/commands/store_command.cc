#include "audit/commands/store_command.h"

#include <utility>

#include "audit/commands/audit_command.h"
#include "audit/store_subject.h"

namespace lre_audit {

int RunStore(const StoreOptions& options, std::ostream& out, std::ostream& err) {
  // The store's own database says what the closure is, and what its contents should be.
  const StoreReading reading = options.contents ? StoreReading::kContents : StoreReading::kNames;
  const absl::StatusOr<OpenedStore> store =
      options.from.empty() ? OpenStoreSubject(options.paths, options.root, reading)
                           : OpenStoreSubjectFrom(options.paths, options.from, reading);
  if (!store.ok()) return Refuse(store.status(), err);
  const auto keys = TrustedKeysOf(options.trusted_keys);
  if (!keys.ok()) return Refuse(keys.status(), err);
  AuditRequest request;
  request.kind = Subject::Kind::kStore;
  request.tree = store->tree.get();
  request.trusted_keys = keys->get();
  request.contents = options.contents;
  if (options.closure.empty()) {
    request.known_closure = &store->closure;
  } else {
    request.closure = options.closure;
  }
  return RunAudit(std::move(request), options.report, out, err);
}

}  // namespace lre_audit
