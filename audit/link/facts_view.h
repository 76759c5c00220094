// The loader's view of a tree: facts, turned into objects as they are asked for.
#ifndef LRE_AUDIT_AUDIT_LINK_FACTS_VIEW_H_
#define LRE_AUDIT_AUDIT_LINK_FACTS_VIEW_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "audit/link/tree_index.h"
#include "elf/search.h"
#include "rules/facts.pb.h"

namespace lre_audit {

// Not thread-safe. `index` must outlive it.
class FactsView : public elf::View {
 public:
  explicit FactsView(const TreeIndex& index) : index_(index) {}

  std::optional<File> Open(const std::string& path) const override;
  bool IsDirectory(const std::string& path) const override;
  bool MayHaveDirectory(const std::string& directory) const override;
  std::optional<std::string> ReadSmall(const std::string& path) const override;

  // Null for what is no ELF object.
  const elf::Object* ObjectOf(const FileFacts& file) const;

 private:
  const TreeIndex& index_;
  mutable absl::flat_hash_map<const FileFacts*, std::unique_ptr<elf::Object>> objects_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_FACTS_VIEW_H_
