#include "audit/link/facts_view.h"

#include "audit/scan/elf_facts.h"

namespace lre_audit {

std::optional<elf::View::File> FactsView::Open(const std::string& path) const {
  const TreeIndex::Resolved resolved = index_.Resolve(path);
  if (resolved.file == nullptr || resolved.file->type() != FileFacts::REGULAR) return {};
  const FileFacts& file = *resolved.file;
  return File{resolved.path, file.hardlink_to().empty() ? resolved.path : file.hardlink_to(),
              ObjectOf(file)};
}

bool FactsView::IsDirectory(const std::string& path) const {
  return index_.Resolve(path).is_directory;
}

bool FactsView::MayHaveDirectory(const std::string& directory) const {
  return IsDirectory(directory);
}

std::optional<std::string> FactsView::ReadSmall(const std::string& path) const {
  const TreeIndex::Resolved resolved = index_.Resolve(path);
  if (resolved.file == nullptr || resolved.file->contents().empty()) return {};
  return resolved.file->contents();
}

const elf::Object* FactsView::ObjectOf(const FileFacts& file) const {
  if (!file.has_elf()) return nullptr;
  std::unique_ptr<elf::Object>& object = objects_[&file];
  if (object == nullptr) {
    object = std::make_unique<elf::Object>(FromFacts(file.elf()));
    // What the tree gave in part only may be whole where it is loaded.
    if (file.half_read()) object->refusal = {};
  }
  return object.get();
}

}  // namespace lre_audit
