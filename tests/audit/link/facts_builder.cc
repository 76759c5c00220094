#include "tests/audit/link/facts_builder.h"

#include <algorithm>
#include <utility>

#include "audit/nix/references.h"
#include "audit/scan/elf_facts.h"
#include "base/store_path.h"
#include "elf/object.h"

namespace lre_audit {

std::string HashOfPath(const std::string& store_path) {
  return store_path.substr(kStore.size() + 1, nix::kHashLength);
}

FileFacts& FactsBuilder::Add(const std::string& path, FileFacts::Type type, uint32_t mode) {
  FileFacts& file = *files_.emplace_back(std::make_unique<FileFacts>());
  file.set_path(path);
  file.set_type(type);
  file.set_mode(mode);
  file.set_mtime(1);
  return file;
}

FileFacts& FactsBuilder::Directory(const std::string& path) {
  return Add(path, FileFacts::DIRECTORY, 0555);
}

FileFacts& FactsBuilder::File(const std::string& path, uint32_t mode) {
  return Add(path, FileFacts::REGULAR, mode);
}

FileFacts& FactsBuilder::Symlink(const std::string& path, const std::string& target) {
  FileFacts& file = Add(path, FileFacts::SYMLINK, 0777);
  file.set_target(target);
  return file;
}

FileFacts& FactsBuilder::Elf(const std::string& path, const elf::ElfSpec& spec) {
  FileFacts& file = File(path, 0555);
  const std::string bytes = elf::BuildElf(spec).bytes;
  ToFacts(elf::ReadObject(elf::Bytes(bytes)), file.mutable_elf());
  return file;
}

void FactsBuilder::Refer(FileFacts& file, const std::string& store_path) {
  file.add_windows(nix::HashFingerprint(HashOfPath(store_path)));
  file.add_references()->set_base_name(store_path.substr(kStore.size() + 1));
}

void FactsBuilder::Hide(FileFacts& file, const std::string& store_path) {
  HiddenReference* reference = file.add_hidden_references();
  reference->set_base_name(store_path.substr(kStore.size() + 1));
  reference->set_container("gzip");
}

std::vector<FileFacts> FactsBuilder::Build() const {
  std::vector<FileFacts> files;
  for (const auto& file : files_) files.push_back(*file);
  std::sort(files.begin(), files.end(),
            [](const FileFacts& a, const FileFacts& b) { return a.path() < b.path(); });
  return files;
}

std::vector<LinkedFile> LinkedFiles(const std::vector<FileFacts>& files) {
  std::vector<LinkedFile> linked;
  for (const FileFacts& facts : files) {
    LinkedFile& file = linked.emplace_back();
    file.facts = &facts;
    if (const auto store_path = nix::StorePathOf(facts.path(), kStore)) {
      file.store_path = *store_path;
    }
  }
  return linked;
}

elf::ElfSpec GlibcLoader() {
  using namespace std::string_literals;
  elf::ElfSpec spec;
  spec.soname = "ld-linux-x86-64.so.2";
  spec.rodata = "\0"s + kGlibc + "/lib/\0\0ORIGIN\0PLATFORM\0LIB\0lib\0"s + kGlibc +
                "/etc/ld.so.cache\0/etc/ld-nix.so.preload\0"s
                "ld.so (GNU libc) stable release version 2.42.\n\0"s;
  return spec;
}

elf::ElfSpec Program(std::vector<std::string> needed, const std::string& runpath) {
  elf::ElfSpec spec;
  spec.interpreter = kLoader;
  spec.needed = std::move(needed);
  if (!runpath.empty()) spec.runpath = runpath;
  return spec;
}

elf::ElfSpec Library(const std::string& soname, std::vector<std::string> needed,
                     const std::string& runpath) {
  elf::ElfSpec spec;
  spec.soname = soname;
  spec.needed = std::move(needed);
  if (!runpath.empty()) spec.runpath = runpath;
  return spec;
}

}  // namespace lre_audit
