// The files of two trees, path by path: what differs, and how.
#ifndef LRE_AUDIT_AUDIT_COMPARE_COMPARE_FILES_H_
#define LRE_AUDIT_AUDIT_COMPARE_COMPARE_FILES_H_

#include <functional>
#include <string>
#include <vector>

#include "audit/compare/content_index.h"
#include "audit/trees/tree.h"
#include "reports/difference.pb.h"
#include "rules/facts.pb.h"

namespace lre_audit {

struct FilesSide {
  const Tree* tree = nullptr;
  const ContentIndex* index = nullptr;  // of `tree`
  // ELF facts of the file at a path, or null where it is none or nobody knows.
  std::function<const ElfFacts*(const std::string& path)> elf = [](const std::string&) {
    return nullptr;
  };
};

// Every file that differs, in NAR order. A directory on one side only stands for all that it holds.
// ELF objects differ in what the loader reads of them, if they do; other contents in their first
// lines, or first bytes, for which the trees are read again. Of very many files, only the first
// few thousand are opened for that: the rest are told with their sizes.
std::vector<FileDifference> CompareFiles(const FilesSide& a, const FilesSide& b, int jobs);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_COMPARE_FILES_H_
