// Internal to elf/: the state of one search, shared by the two loaders' rules.
#ifndef LRE_AUDIT_ELF_LOADING_H_
#define LRE_AUDIT_ELF_LOADING_H_

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "elf/ld_cache.h"
#include "elf/search.h"

namespace lre_audit::elf {

// An object in the process, in the order in which it was loaded.
struct Loaded {
  std::string path;    // as the loader found it
  std::string origin;  // what $ORIGIN is for it
  std::string id;
  const Object* object = nullptr;
  const Loaded* parent = nullptr;  // whose DT_NEEDED loaded it first; null for the program
  // Its search paths, expanded once.
  std::vector<Element> rpath, runpath;
};

// One loader in one view: what all its searches share.
struct Loader {
  LoaderDefaults defaults;
  const LdCache* ld_cache = nullptr;              // null where the loader has none
  std::vector<std::string> hardware_directories;  // "glibc-hwcaps/x86-64-v3/", ...; then ""
  // By a search path's directory: its hardware directories that are there, then itself, each with
  // the slash at its end. Filled by PlacesIn.
  std::unordered_map<std::string, std::vector<std::string>> places = {};
  // The first of an object's needs of one library, and a library that defines all these versions.
  std::set<std::pair<const VersionNeed*, const Object*>> versions_there = {};
};

struct Loading {
  const View& view;
  const SearchOptions& options;
  Loader& loader;
  const LoaderDefaults& defaults;   // the loader's
  std::string interpreter = {};     // PT_INTERP
  std::deque<Loaded> objects = {};  // addresses stay
  std::unordered_map<std::string, const Loaded*> by_name = {}, by_id = {};

  const Loaded& program() const { return objects.front(); }
};

// Finds `request` for `requester`; fills everything of `library` but name and requested_by. Returns
// the object it now stands for, null if not found.
const Loaded* FindGlibc(Loading& loading, const Loaded& requester, const std::string& request,
                        Library& library);
const Loaded* FindMusl(Loading& loading, const Loaded& requester, const std::string& request,
                       Library& library);

// What both loaders do.
std::string Directory(std::string_view path);
// `path` made absolute, nullopt where that would need an unknown working directory.
std::optional<std::string> Absolute(const Loading& loading, std::string_view path);
// Where in `directory` of a search path the loader looks, in its order; see Loader::places.
const std::vector<std::string>& PlacesIn(const Loading& loading, std::string_view directory);
// Notes for people that `path` is searched, if they asked for that.
void NoteSearched(const Loading& loading, FoundBy by, std::string_view path, Library& library);
// The object behind `file` in the process: one that is already there by inode, or a new one.
const Loaded* Enter(Loading& loading, const Loaded& requester, const View::File& file,
                    const std::string& path, Library& library);

// 36 for glibc 2.36; 99 where the version cannot be told.
int GlibcMinor(const LoaderDefaults& defaults);

// glibc's expansion of $ORIGIN, $LIB and $PLATFORM in one string; nullopt where a token's value is
// unknown. `platform` stands in where `defaults` has none.
std::optional<std::string> ExpandTokens(std::string_view text, std::string_view origin,
                                        const LoaderDefaults& defaults, std::string_view platform);
std::vector<Element> ExpandSearchPath(const Text& search_path, std::string_view origin,
                                      const LoaderDefaults& defaults, std::string_view platform);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_LOADING_H_
