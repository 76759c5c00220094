// A View of a table: path to object, in memory.
#ifndef LRE_AUDIT_TESTS_ELF_FAKE_VIEW_H_
#define LRE_AUDIT_TESTS_ELF_FAKE_VIEW_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "elf/search.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit::elf {

class FakeView : public View {
 public:
  void Add(const std::string& path, const ElfSpec& spec) { AddBytes(path, BuildElf(spec).bytes); }
  // Anything that is no ELF object becomes a plain file.
  void AddBytes(const std::string& path, const std::string& bytes) {
    files_[path] = {
        path, path,
        HasElfMagic(bytes) ? std::make_shared<const Object>(ReadObject(Bytes(bytes))) : nullptr};
    contents_[path] = bytes;
  }
  // Another name of the same inode, whose real path is `target`.
  void Link(const std::string& path, const std::string& target) {
    files_[path] = files_.at(target);
  }

  void AddDirectory(const std::string& path) { directories_.insert(path); }

  std::optional<File> Open(const std::string& path) const override {
    const auto found = files_.find(Normal(path));
    if (found == files_.end()) return std::nullopt;
    return File{found->second.real_path, found->second.id, found->second.object.get()};
  }
  bool IsDirectory(const std::string& path) const override {
    return directories_.contains(Normal(path));
  }
  std::optional<std::string> ReadSmall(const std::string& path) const override {
    const auto found = contents_.find(path);
    if (found == contents_.end()) return std::nullopt;
    return found->second;
  }

 private:
  struct Entry {
    std::string real_path, id;
    std::shared_ptr<const Object> object;
  };
  // "/a/b/../c" is "/a/c": the table has no symlinked directories.
  static std::string Normal(const std::string& path) {
    std::string normal;
    for (size_t start = 0; start < path.size();) {
      const size_t end = std::min(path.find('/', start), path.size());
      const std::string component = path.substr(start, end - start);
      if (component == "..") {
        normal.erase(std::min(normal.rfind('/'), normal.size()));
      } else if (!component.empty() && component != ".") {
        normal += "/" + component;
      }
      start = end + 1;
    }
    return normal;
  }

  std::map<std::string, Entry> files_;
  std::set<std::string> directories_;
  std::map<std::string, std::string> contents_;
};

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_TESTS_ELF_FAKE_VIEW_H_
