// What all views have in common: whether a path leads to something, and whether the program there
// can run. Where files and references come from is for the views to say.
#ifndef LRE_AUDIT_AUDIT_LINK_VIEW_FILES_H_
#define LRE_AUDIT_AUDIT_LINK_VIEW_FILES_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/link/view.h"
#include "elf/search.h"

namespace lre_audit {

class FilesView : public View {
 public:
  const ToolchainView& description() const override { return description_; }
  ViewTarget Lookup(const std::string& path, bool program) const override;
  std::vector<LinkedToolchain::CLibrary> CLibraries(
      const std::vector<std::string>& store_paths) const override;

 protected:
  // `files` is the loader's view of the same files, and must outlive this.
  FilesView(ToolchainView description, std::string store_directory, const elf::View& files);

  const std::string& store_directory() const { return store_directory_; }

 private:
  virtual bool HasStorePath(const std::string& store_path) const = 0;
  // Whether the files in `store_path`, which the view has, can be seen.
  virtual bool SeesFilesOf(const std::string& store_path) const = 0;
  // Where absolute `path` leads. Of what is missing, `path` is as far as symlinks can be followed.
  virtual Target Locate(const std::string& path) const = 0;
  // What the #! line of the regular file at `path` names: the interpreter, then a program that
  // `env` is to run by an absolute path. None if it has no such line.
  virtual absl::StatusOr<std::vector<std::string>> Interpreters(const std::string& path) const = 0;
  // Store paths that `store_path` refers to; may hold paths that the view does not have.
  virtual std::vector<std::string> ReferencesOf(const std::string& store_path) const = 0;

  ViewTarget LookupNew(const std::string& path, bool program) const;
  // What a sentence says of `path` if execve(2) or the loader would refuse it: "is missing", "is
  // not executable", "has the interpreter X, which is missing". Empty if it would start. `scripts`
  // counts those whose interpreter it is.
  std::string WhyNoProgram(const std::string& path, int scripts) const;
  std::string WhyNoProcess(const std::string& path, const elf::Object& object) const;

  const ToolchainView description_;
  const std::string store_directory_;
  const elf::View& files_;
  mutable elf::Searcher searcher_;
  mutable std::map<std::pair<std::string, bool>, ViewTarget> known_;
};

// `path` without "//", "." and "..", as its text says, and without a slash at its end.
std::string NormalPath(const std::string& path);

// The Nix system of a platform in Go's words: "x86_64-linux" of "linux/amd64". Empty if unknown.
std::string NixSystem(std::string_view platform);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_VIEW_FILES_H_
