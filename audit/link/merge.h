// The parts of a tree laid over each other: the files that a process in it would see.
#ifndef LRE_AUDIT_AUDIT_LINK_MERGE_H_
#define LRE_AUDIT_AUDIT_LINK_MERGE_H_

#include <map>
#include <string>
#include <vector>

#include "audit/nix/nar.h"
#include "audit/scan/scan.h"
#include "audit/trees/tree.h"
#include "rules/facts.pb.h"
#include "rules/linked.h"

namespace lre_audit {

struct MergedTree {
  std::vector<FileFacts> files;          // sorted by path
  std::vector<std::string> layer_names;  // by FileFacts::layer; empty strings where not layered
  std::map<std::string, nix::NarHasher::Result> nars;  // by store path
  std::vector<Alteration> alterations;                 // of store paths by upper layers
  std::vector<Problem> problems;                       // of the tree and of all its parts
  uint64_t entries = 0, bytes = 0;                     // read, hidden files included
};

// Consumes `parts`. Reads the tree again only for NARs that did not come in order, and for files of
// the store that two layers hold (ScanOptions::jobs threads).
MergedTree MergeParts(const Tree& tree, std::vector<ScannedPart> parts, const ScanOptions& options);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_MERGE_H_
