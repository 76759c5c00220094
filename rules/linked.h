// Linked facts: every claim looked up in the tree and the closure. This is all that rules see; they
// never open a file nor parse a path. A test writes one in a few lines.
#ifndef LRE_AUDIT_RULES_LINKED_H_
#define LRE_AUDIT_RULES_LINKED_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.pb.h"
#include "rules/linked_toolchain.h"
#include "rules/target.h"

namespace lre_audit {

struct LinkedClaim {
  Claim::Kind kind = Claim::KIND_UNSPECIFIED;
  std::string text;  // as written
  uint64_t offset = 0;
  uint32_t line = 0;
  std::string context, excerpt;
  uint32_t count = 1;
  Target target;
};

// One request for a library, as the loader answers it.
struct LinkedLibrary {
  std::string name;      // as written in DT_NEEDED
  uint64_t offset = 0;   // of the name in the requesting file; 0 if not the file's own request
  std::string found_by;  // "RUNPATH", ..., "NOT_FOUND"
  Target target;         // of what was found; of the name itself where it has a slash
  bool found = false;
  std::string element;  // the search path element that led there, as written
  // It resolves into a store path that the requesting object's package does not reference: by the
  // object's own search path, or by the RPATH of a program that loads it.
  bool undeclared = false;
  // Not found by the object itself, but a process of the tree that loads the object has it loaded.
  bool found_in_process = false;
  // Not found, but a file of this name is in the tree: its path.
  std::string elsewhere;
  // Not found, but a file of this name could be read in part only: what it is is not known.
  bool half_read = false;
  std::string problem;
  // Not found, since the loader gives up at this file for the reason in `problem`.
  std::string refused;
};

struct LinkedDlopen {
  std::vector<std::string> sonames;
  std::string feature;
  bool required = false;
  bool found = false;
  uint64_t offset = 0;
};

// An ELF object after the loader's search.
struct LinkedObject {
  const ElfFacts* facts = nullptr;
  bool is_executable = false;  // a program: PT_INTERP, or ET_EXEC
  std::string machine;         // "x86-64"
  // The tree's platform's machine when the object is a program, or a library of one, for another.
  std::string foreign_to;
  std::optional<LinkedClaim> interpreter;
  bool interpreter_is_object = true;     // false where a file is there that is no ELF object
  std::vector<LinkedClaim> search_path;  // elements the loader uses (a voided RPATH is left out)
  std::vector<LinkedLibrary> libraries;  // the object's own DT_NEEDED entries
  struct MissingVersion {
    std::string library, library_path, version;
  };
  std::vector<MissingVersion> missing_versions;  // of the object's own needs
  std::vector<std::string>
      c_libraries;  // files of different C libraries in its process, if several
  std::vector<LinkedClaim> audit_modules;
  std::vector<LinkedClaim> ld_cache;
  // Libraries that the note finds elsewhere than RUNPATH would: "libz.so.1: note A, RUNPATH B".
  std::vector<std::string> ld_cache_contradictions;
  std::vector<LinkedDlopen> dlopens;
  std::vector<LinkedClaim> loader_defaults;  // only of a loader
  std::vector<LinkedClaim> debug_directories;
};

struct LinkedFile {
  const FileFacts* facts = nullptr;
  std::string_view store_path;           // that holds it, in the facts; empty outside the store
  std::string layer;                     // "layer 3", empty where the tree has no layers
  std::vector<LinkedClaim> claims;       // SHEBANG .. DEBUG_DIRECTORY, SYMLINK_TARGET, MACH_O
  std::shared_ptr<LinkedObject> object;  // null for what is no ELF object; copies share it
  // Store references to paths that are not in the tree: index into facts->references().
  std::vector<int> dangling;
  // Hidden references that lead outside the closure.
  struct Hidden {
    int index = 0;         // into facts->hidden_references()
    bool in_tree = false;  // what it names is there all the same
  };
  std::vector<Hidden> hidden;
};

// One store path of the tree, the closure, or both.
struct LinkedStorePath {
  std::string path;
  bool in_tree = false;
  bool in_closure = false;
  std::string layer;          // of its top directory
  std::string nar_hash;       // of the tree's contents, "sha256:<hex>"; empty if not computed
  std::string recorded_hash;  // by the closure; empty if it does not say
  std::vector<std::string> undeclared;  // contents refer to these; the recorded references do not
  std::vector<std::string> undeclared_by;  // for each, a file that does
  std::vector<std::string> referrers;      // store paths that refer to it, for one that is missing
  // Why the closure's record of it is not to be believed: signatures, content address.
  std::vector<std::string> record_faults;
};

// An entry directly below the store directory that is no store path.
struct InvalidStoreEntry {
  std::string path, reason, layer;
};

// A store path that an upper layer changes.
struct Alteration {
  std::string path;          // the file
  std::string how;           // "replaces", "removes", "adds", "changes metadata of"
  std::string upper, lower;  // layers
};

// A fault of the container around the files, or something that could not be read at all.
struct LinkedProblem {
  enum class Kind {
    kUnreadable,
    kLimit,
    kDigestMismatch,
    kDiffIdMismatch,
    kViewsDisagree,
    kTrailingData,
    kMalformed
  };
  Kind kind = Kind::kUnreadable;
  std::string where, message, expected, actual;
  uint64_t offset = 0;
  uint32_t line = 0, column = 0;  // from 1, in text files; 0 if unknown
  bool hides_files = false;       // what seems to be missing may lie in what was not read
};

struct LinkedImage {
  std::string architecture, os;
  std::vector<LinkedClaim> environment;  // one per path element of a path-like variable
  struct Variable {
    std::string name, value;
  };
  std::vector<Variable> loader_variables;  // LD_LIBRARY_PATH and its like, as set
  std::vector<LinkedClaim>
      entrypoint;  // the program of Entrypoint or Cmd, and absolute paths in it
  std::vector<Alteration> alterations;
};

struct Subject {
  enum class Kind {
    kImage,
    kStore,
    kToolchain,  // the files of one generated toolchain: `toolchain`
    kAgreement,  // of several subjects: `agreement`
  };
  Kind kind = Kind::kImage;
  std::string reference;
  std::string store_directory = "/nix/store";
  std::vector<LinkedFile> files;             // sorted by path
  std::vector<LinkedStorePath> store_paths;  // sorted by path
  std::vector<InvalidStoreEntry> invalid_entries;
  std::optional<LinkedImage> image;
  std::vector<LinkedProblem> problems;
  enum class ClosureKind {
    kNamed,    // by the user: a promise, its differences are errors
    kDefault,  // what is there locally: the other side, whose differences are LRE603 and LRE604
    kDerived,  // from the tree by scanning
  };
  ClosureKind closure_kind = ClosureKind::kDerived;
  std::string closure_source;
  bool closure_is_partial = false;  // some of it could not be read, as a problem says
  // Contents that differ from a kDefault closure are told by the agreement's ContentDifference.
  bool contents_compared = false;
  std::optional<LinkedToolchain> toolchain;  // of kToolchain
  std::optional<LinkedAgreement> agreement;  // of kAgreement
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_LINKED_H_
