// How the dynamic loader finds the libraries of a program: glibc (also as nixpkgs builds it) and
// musl. The oracle is the loader itself, `<interpreter> --list FILE`.
#ifndef LRE_AUDIT_ELF_SEARCH_H_
#define LRE_AUDIT_ELF_SEARCH_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "elf/object.h"

namespace lre_audit::elf {

// The files that the loader can see: a host directory, or the facts of an image. Paths are absolute
// inside the view; symlinks are followed inside it only.
class View {
 public:
  struct File {
    std::string real_path;           // after all symlinks
    std::string id;                  // equal for two names of one inode
    const Object* object = nullptr;  // null: a regular file that is no ELF object; view-owned
  };
  virtual ~View() = default;
  // The regular file at `path`, or nullopt if nothing (or no regular file) is there.
  virtual std::optional<File> Open(const std::string& path) const = 0;
  // False only where `directory` surely does not exist: the loader probes many directories that no
  // system has.
  virtual bool MayHaveDirectory(const std::string& directory) const {
    (void)directory;
    return true;
  }
  // Whether a directory is at `path`. The loaders can open one that bears a library's name, cannot
  // read it, and give up.
  virtual bool IsDirectory(const std::string& path) const = 0;
  // Contents of a small text or cache file at `path` (ld.so.cache, ld-musl-ARCH.path), or nullopt.
  virtual std::optional<std::string> ReadSmall(const std::string& path) const = 0;
};

enum class FoundBy {
  kRpath,
  kRunpath,
  kLdCacheNote,
  kCache,
  kDefault,
  kAbsolute,
  kLoaded,
  kNotFound
};
// "RPATH", "RUNPATH", "LDCACHE_NOTE", ...: the names that the JSON promises.
std::string_view FoundByName(FoundBy found_by);

// One DT_NEEDED, DT_FILTER or DT_AUXILIARY entry and what became of it.
struct Library {
  std::string name;                    // as written in the entry
  std::string_view tag = "DT_NEEDED";  // the entry's
  std::string requested_by;            // path of the object that asked, as the loader found it
  FoundBy found_by = FoundBy::kNotFound;
  std::string path;                // as the loader finds it (not realpath'd); empty if not found
  std::string real_path;           // after symlinks
  const Object* object = nullptr;  // null if not found
  // The search path element that led here, as written ("$ORIGIN/../lib"), and whose it is; empty
  // for what no element led to.
  std::string element;
  std::string element_owner;
  std::string problem;  // why a candidate was passed over or loading fails: "wrong class: ..."
  std::string refused;  // the file at which the loader gives up, for the reason in `problem`
  // Where the loader looked for what it did not find, in its order; see SearchOptions.
  struct Place {
    FoundBy by;        // what made it look there
    std::string path;  // a directory; the cache, or the file that a note names
  };
  std::vector<Place> searched;
};

// A version of `library` that `object` needs and the loaded library does not define.
struct MissingVersion {
  std::string object;
  std::string library;       // name as needed
  std::string library_path;  // what was loaded
  std::string version;
};

// What the loader would do with one object.
struct Process {
  std::string path;                // the object, symlinks resolved as the kernel does
  std::string interpreter;         // PT_INTERP as written; empty if none
  std::string interpreter_path;    // its real path in the view; empty if missing
  std::vector<Library> libraries;  // in the loader's order: breadth first, one per request
  std::vector<MissingVersion> missing_versions;
};

// A search path element after expansion.
struct Element {
  std::string written;   // "$ORIGIN/../lib"
  std::string expanded;  // "/nix/store/x/bin/../lib"; "" for the current directory
  bool discarded =
      false;            // a token could not be resolved (glibc), or the whole path is void (musl)
  uint64_t offset = 0;  // file offset of the element's first byte
};

// Splits and expands one RPATH or RUNPATH as `defaults`' loader does. `origin` is the directory
// that $ORIGIN stands for.
std::vector<Element> ExpandSearchPath(const Text& search_path, std::string_view origin,
                                      const LoaderDefaults& defaults);

// The defaults of the loader that would start `object`: read from its PT_INTERP in the view. For a
// library, or where the interpreter is missing, `fallback`.
LoaderDefaults DefaultsFor(const View& view, const Object& object, const LoaderDefaults& fallback);

// glibc's defaults as its source has them for `object`'s machine with prefix /usr: what is assumed
// only where no interpreter can be read.
LoaderDefaults AssumedDefaults(const Object& object);

// Where `object`'s machine has its loader by convention ("/lib64/ld-linux-x86-64.so.2"), for
// objects that name none; empty for a machine without a known one.
std::string ConventionalInterpreter(const Object& object);

// The processor, as far as glibc's search depends on it. An audit of an image leaves it empty: the
// result must not depend on the machine that audits.
struct Processor {
  std::vector<std::string> levels;  // subdirectories of glibc-hwcaps, best first: "x86-64-v3"
  // Legacy names in order ("tls", "haswell", "avx512_1", "x86_64"), tried before glibc 2.37.
  std::vector<std::string> legacy;
  std::string platform;  // what $PLATFORM expands to where the loader's bytes do not say
};

// This machine's.
Processor HostProcessor();

struct SearchOptions {
  std::vector<std::string> library_path;   // LD_LIBRARY_PATH; empty in an audit
  std::optional<LoaderDefaults> defaults;  // for objects that have no PT_INTERP of their own
  Processor processor;
  // What an empty or relative element is relative to. Empty, as in an audit: such elements find
  // nothing, since the directory is whoever's who starts the program.
  std::string working_directory;
  bool list_searched = false;  // fill Library::searched
};

class LdCache;
struct Loader;

// Keeps what several searches of one view share: interpreters' defaults and their caches. Not
// thread-safe; the view must outlive it.
class Searcher {
 public:
  Searcher(const View& view, SearchOptions options);
  ~Searcher();
  // Follows DT_NEEDED, and as glibc does DT_FILTER and DT_AUXILIARY, from the object at `path`, an
  // executable or library of the view. A DT_AUXILIARY that is not found is left out: the loader
  // does without. NotFound if no file is there, InvalidArgument if it is no ELF object.
  absl::StatusOr<Process> Load(const std::string& path);

 private:
  // The one that `object` names, or the fallback of its kind.
  Loader& LoaderOf(const Object& object);

  const View& view_;
  SearchOptions options_;
  std::map<std::string, std::unique_ptr<Loader>> loaders_;           // by PT_INTERP and machine
  std::map<std::string, std::unique_ptr<const LdCache>> ld_caches_;  // by path
};

// One search: Searcher(view, options).Load(path).
absl::StatusOr<Process> Load(const View& view, const std::string& path,
                             const SearchOptions& options);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_SEARCH_H_
