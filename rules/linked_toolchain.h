// A generated toolchain after every path that it names was looked up where builds run, and the
// things that must agree with it.
#ifndef LRE_AUDIT_RULES_LINKED_TOOLCHAIN_H_
#define LRE_AUDIT_RULES_LINKED_TOOLCHAIN_H_

#include <optional>
#include <string>
#include <vector>

#include "rules/facts.pb.h"
#include "rules/target.h"

namespace lre_audit {

// A place where the toolchain's tools are run.
struct ToolchainView {
  enum class Kind {
    kImage,         // a container image
    kLocal,         // a closure that the user named, or a store: a promise
    kDefaultLocal,  // the local store, which nobody asked for: what it lacks is no error
  };
  Kind kind = Kind::kImage;
  std::string reference;  // "oci:worker:t", "store:/", "closure.json"
  std::string system;     // "x86_64-linux" as Nix names it; empty if unknown
  bool has_files = true;  // false where only store paths are known, of none the files in it
};

// Where a claim leads in one view.
struct ViewTarget {
  bool looked_up = false;  // false for what is not in the store, or is for another system
  // False where the view has the store path but not the files in it: then `exists`, `is_directory`
  // and `is_executable` of the target say nothing.
  bool file_known = true;
  Target target;  // `store_path` is the one that the claim names, `path` where it leads
  // Why a name leads to nothing that is there, or why the program that is there cannot run there:
  // "it leads to /nix/store/..., where nothing is", "it has the interpreter /nix/store/..., which
  // is missing", "it is not executable". The latter only of claims that name programs.
  std::string problem;
  std::string machine;  // elf::MachineName of the object that is there; empty if it is none
  std::string libc;     // "2.42" where it is a C library's directory or program, else empty
};

struct ToolchainClaim {
  const ConfigFacts* file = nullptr;
  const Claim* claim = nullptr;
  Target target;                    // as written: place, path and store_path alone
  std::vector<ViewTarget> targets;  // one for each view, in their order
};

struct LinkedSetting {
  const ConfigFacts* file = nullptr;
  const Setting* setting = nullptr;
};

struct LinkedToolchain {
  std::vector<ToolchainView> views;
  std::vector<ToolchainClaim> claims;  // by file, in the file's order
  std::vector<LinkedSetting> settings;
  // C libraries among the store paths that the toolchain names and their closure: path and version,
  // "2.42".
  struct CLibrary {
    std::string store_path, name, version;  // name: "glibc", "musl"
  };
  std::vector<CLibrary> c_libraries;
};

// An image as far as others must agree with it.
struct AgreementImage {
  std::string reference;           // as the user named it
  std::vector<std::string> names;  // "lre-cc:<tag>" that its archive or layout gives it
  bool has_configuration = true;   // false for a root file system: it says nothing below
  std::string architecture, os;    // GOARCH and GOOS
  bool has_environment = false;    // false where the configuration has no Env at all
  struct Variable {
    std::string name, value;
  };
  std::vector<Variable> environment;
  // Machines of its programs' objects, most frequent first: "x86-64".
  std::vector<std::string> machines;
};

// A store path whose contents differ between local and image.
struct ContentDifference {
  std::string path;          // "/nix/store/<hash>-<name>"
  std::string local, image;  // references of the two sides
  std::string local_hash, image_hash;
  std::string first_file;  // the first that differs, below `path`; empty if not known
  std::string how;         // "contents", "executable bit", "symlink target", "only local", ...
};

// What check and toolchain compare across files and subjects.
struct LinkedAgreement {
  std::vector<LinkedSetting> settings;  // of all files, by file
  std::vector<ToolchainClaim> claims;   // TOOL claims of all toolchains; `targets` not needed
  std::vector<AgreementImage> images;
  std::vector<ContentDifference> differences;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_LINKED_TOOLCHAIN_H_
