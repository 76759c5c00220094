// Link: every claim of the facts looked up in the tree and the closure, following the real loader's
// rules for libraries. Works on facts alone; no file is opened.
#ifndef LRE_AUDIT_AUDIT_LINK_LINK_H_
#define LRE_AUDIT_AUDIT_LINK_LINK_H_

#include <map>
#include <string>
#include <vector>

#include "audit/link/merge.h"
#include "audit/nix/closure.h"
#include "audit/trees/tree.h"
#include "rules/linked.h"

namespace lre_audit {

struct LinkInput {
  Subject::Kind kind = Subject::Kind::kImage;
  std::string reference;
  std::string store_directory = "/nix/store";
  const MergedTree* tree = nullptr;     // outlives the Subject, which points into it
  const ImageConfig* config = nullptr;  // of an image
  Subject::ClosureKind closure_kind = Subject::ClosureKind::kDerived;
  const nix::Closure* closure = nullptr;  // null when derived
  bool contents = true;                   // false: the tree has no entries below its store paths
  std::string machine;  // elf::MachineName of the platform; empty: that of most programs
};

Subject Link(const LinkInput& input);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_LINK_H_
