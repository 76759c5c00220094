// The facts of a tree, as a test states them: what a scan would have found.
#ifndef LRE_AUDIT_TESTS_AUDIT_LINK_FACTS_BUILDER_H_
#define LRE_AUDIT_TESTS_AUDIT_LINK_FACTS_BUILDER_H_

#include <memory>
#include <string>
#include <vector>

#include "rules/facts.pb.h"
#include "rules/linked.h"
#include "tests/elf/elf_builder.h"
#include "tests/support/store_paths.h"

namespace lre_audit {

// "0m1k..." of "/nix/store/0m1k...-glibc-2.42".
std::string HashOfPath(const std::string& store_path);

class FactsBuilder {
 public:
  FileFacts& Directory(const std::string& path);
  FileFacts& File(const std::string& path, uint32_t mode = 0444);
  FileFacts& Symlink(const std::string& path, const std::string& target);
  FileFacts& Elf(const std::string& path, const elf::ElfSpec& spec);
  // `file` names `store_path`, as the scan sees it in contents: a window and a reference.
  static void Refer(FileFacts& file, const std::string& store_path);

  // `file` names `store_path` where Nix does not see it.
  static void Hide(FileFacts& file, const std::string& store_path);

  // Sorted by path, as MergedTree has them.
  std::vector<FileFacts> Build() const;

 private:
  FileFacts& Add(const std::string& path, FileFacts::Type type, uint32_t mode);
  std::vector<std::unique_ptr<FileFacts>> files_;
};

// Of `files`, which must stay where they are; with their store paths.
std::vector<LinkedFile> LinkedFiles(const std::vector<FileFacts>& files);

// The loader of kGlibc, which searches kGlibc/lib on its own account.
elf::ElfSpec GlibcLoader();
elf::ElfSpec Program(std::vector<std::string> needed, const std::string& runpath = "");
elf::ElfSpec Library(const std::string& soname, std::vector<std::string> needed = {},
                     const std::string& runpath = "");

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_AUDIT_LINK_FACTS_BUILDER_H_
