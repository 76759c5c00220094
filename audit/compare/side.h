// A side of a comparison: what the user typed, opened as what it turned out to be.
#ifndef LRE_AUDIT_AUDIT_COMPARE_SIDE_H_
#define LRE_AUDIT_AUDIT_COMPARE_SIDE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audit/nix/closure.h"
#include "audit/nix/path_store.h"
#include "audit/toolchain/read_toolchain.h"
#include "audit/trees/tree.h"
#include "reports/difference.pb.h"
#include "reports/report.pb.h"

namespace lre_audit {

struct Side {
  ComparedSide::Kind kind = ComparedSide::KIND_UNSPECIFIED;
  std::string reference;  // as the user typed it
  // One of these, by `kind`.
  std::shared_ptr<const nix::PathStore> store;  // STORE: a store on disk, or a binary cache
  nix::Closure closure;                         // CLOSURE
  std::unique_ptr<Tree> tree;                   // IMAGE; CLOSURE that has its contents with it
  ToolchainFacts toolchain;                     // TOOLCHAIN
  Report report;                                // REPORT
};

// "store:[ROOT]", a binary cache, any image reference, or the path of an image, a closure, a
// toolchain's directory or a saved report, which is found out from what is there. `options` are
// OpenImage's. An error is one line; where nothing fits it lists what a side can be.
absl::StatusOr<Side> OpenSide(const std::string& reference, const OpenOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_SIDE_H_
