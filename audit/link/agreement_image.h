// An image as far as toolchains, workers and manifests must agree with it.
#ifndef LRE_AUDIT_AUDIT_LINK_AGREEMENT_IMAGE_H_
#define LRE_AUDIT_AUDIT_LINK_AGREEMENT_IMAGE_H_

#include "audit/trees/tree.h"
#include "rules/linked.h"
#include "rules/linked_toolchain.h"

namespace lre_audit {

// `subject` is what link made of `tree`. Names are as docker shows them: "lre-cc:t" for
// "docker.io/library/lre-cc:t".
AgreementImage AgreementImageOf(const Tree& tree, const Subject& subject);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_AGREEMENT_IMAGE_H_
