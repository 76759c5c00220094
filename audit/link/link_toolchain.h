// A toolchain linked: every path that its files name, looked up in every view.
#ifndef LRE_AUDIT_AUDIT_LINK_LINK_TOOLCHAIN_H_
#define LRE_AUDIT_AUDIT_LINK_LINK_TOOLCHAIN_H_

#include <string>
#include <vector>

#include "audit/link/view.h"
#include "audit/toolchain/read_toolchain.h"
#include "rules/linked.h"

namespace lre_audit {

// The Subject (kToolchain) of `facts`, which must outlive it. Defects become problems. A view that
// nobody asked for (kDefaultLocal) and that has none of the store paths named is left out.
Subject LinkToolchain(const ToolchainFacts& facts, const std::string& store_directory,
                      const std::vector<const View*>& views);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_LINK_TOOLCHAIN_H_
