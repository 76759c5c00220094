// An image's configuration linked: what its environment and entry point lead to.
#ifndef LRE_AUDIT_AUDIT_LINK_LINK_IMAGE_H_
#define LRE_AUDIT_AUDIT_LINK_LINK_IMAGE_H_

#include "audit/link/tree_index.h"
#include "audit/trees/tree.h"
#include "rules/linked.h"

namespace lre_audit {

LinkedImage LinkImage(const ImageConfig& config, const TreeIndex& index);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_LINK_IMAGE_H_
