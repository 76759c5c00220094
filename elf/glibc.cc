// How glibc finds one library: elf/dl-load.c, _dl_map_object and open_verify.
#include <elf.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/loading.h"

namespace lre_audit::elf {
namespace {

enum class Verdict { kTake, kSkip, kFail };

// What the loader makes of a file that is there: take it, keep searching, or give up.
Verdict Verify(const Loading& loading, const View::File& file, const std::string& path,
               Library& library) {
  std::string& problem = library.problem;
  const Object* object = file.object;
  const Object& program = *loading.program().object;
  auto fail = [&](std::string_view why) {
    problem = absl::StrCat(ToAbsl(why), ": ", path);
    return Verdict::kFail;
  };
  auto skip = [&](std::string_view why) {
    if (problem.empty()) problem = absl::StrCat(ToAbsl(why), ": ", path);
    return Verdict::kSkip;
  };
  auto refuse = [&](std::string_view why) {
    library.refused = path;
    return fail(absl::StrCat("refused: ", ToAbsl(why)));
  };
  if (object == nullptr) return refuse("not an ELF object");
  const Refusal& refusal = object->refusal;
  if (refusal.before_class) return refuse(refusal.glibc);
  if (object->is_64 != program.is_64) return skip("wrong class");
  if (object->is_little_endian != program.is_little_endian) return refuse("wrong byte order");
  if (object->osabi != ELFOSABI_SYSV && object->osabi != ELFOSABI_GNU) {
    return refuse("wrong OS ABI");
  }
  if (refusal.before_machine) return refuse(refusal.glibc);
  if (object->machine != program.machine) return skip("wrong machine");
  if (!refusal.glibc.empty()) return refuse(refusal.glibc);
  if (object->IsPie() && GlibcMinor(loading.defaults) >= 30) {
    return refuse("cannot dynamically load position-independent executable");
  }
  return Verdict::kTake;
}

// One search in progress.
struct Search {
  Loading& loading;
  const Loaded& requester;
  const std::string& request;
  Library& library;
  const Loaded* found = nullptr;
  bool failed = false;

  bool Done() const { return found != nullptr || failed; }

  // Tries one file; returns whether the search is over.
  bool Try(const std::string& path, FoundBy found_by) {
    auto absolute = Absolute(loading, path);
    if (!absolute) return false;
    auto file = loading.view.Open(*absolute);
    if (!file) {
      failed = loading.view.IsDirectory(*absolute);
      if (failed) library.problem = absl::StrCat("is a directory: ", *absolute);
      return failed;
    }
    switch (Verify(loading, *file, *absolute, library)) {
      case Verdict::kSkip:
        return false;
      case Verdict::kFail:
        failed = true;
        return true;
      case Verdict::kTake:
        break;
    }
    library.found_by = found_by;
    found = Enter(loading, requester, *file, *absolute, library);
    return true;
  }

  bool TryDirectory(std::string_view directory, FoundBy found_by) {
    NoteSearched(loading, found_by, directory, library);
    for (const std::string& place : PlacesIn(loading, directory)) {
      if (Try(place + request, found_by)) return true;
    }
    return false;
  }

  bool TryElements(const std::vector<Element>& elements, const Loaded& owner, FoundBy found_by) {
    for (const Element& element : elements) {
      if (element.discarded || !TryDirectory(element.expanded, found_by)) continue;
      library.element = element.written;
      library.element_owner = owner.path;
      return true;
    }
    return false;
  }

  // Up the chain of who loaded whom, then the program's. An object with RUNPATH has no RPATH.
  void TryRpaths() {
    if (requester.object->runpath) return;
    bool did_program = false;
    for (const Loaded* loader = &requester; loader != nullptr; loader = loader->parent) {
      if (TryElements(loader->rpath, *loader, FoundBy::kRpath)) return;
      did_program |= loader == &loading.program();
    }
    if (!did_program) TryElements(loading.program().rpath, loading.program(), FoundBy::kRpath);
  }

  void TryNote() {
    for (const LdCacheEntry& entry : requester.object->ld_cache) {
      if (!entry.name.empty() && entry.name != request) continue;
      auto path = ExpandTokens(entry.path.value, requester.origin, loading.defaults,
                               loading.options.processor.platform);
      if (!path) continue;
      const bool is_file = entry.kind == LdCacheEntry::Kind::kFile;
      if (is_file) NoteSearched(loading, FoundBy::kLdCacheNote, *path, library);
      if (is_file ? Try(*path, FoundBy::kLdCacheNote)
                  : TryDirectory(*path, FoundBy::kLdCacheNote)) {
        library.element = absl::StrCat(is_file ? "=" : "?", entry.path.value);
        library.element_owner = requester.path;
        return;
      }
    }
  }

  void TryCache() {
    if (loading.loader.ld_cache == nullptr) return;
    NoteSearched(loading, FoundBy::kCache, loading.defaults.cache->value, library);
    auto path = loading.loader.ld_cache->Find(request, *loading.program().object,
                                              loading.options.processor.levels);
    if (!path) return;
    if (requester.object->NoDefaultLibraries()) {
      for (const Text& directory : loading.defaults.system_directories) {
        if (path->starts_with(directory.value + "/")) return;
      }
    }
    Try(*path, FoundBy::kCache);
  }

  void TryDefaults() {
    if (requester.object->NoDefaultLibraries()) return;
    for (const Text& directory : loading.defaults.system_directories) {
      if (!TryDirectory(directory.value, FoundBy::kDefault)) continue;
      library.element = directory.value;
      library.element_owner = loading.interpreter;
      return;
    }
  }

  void TryLibraryPath() {
    for (const std::string& directory : loading.options.library_path) {
      if (!TryDirectory(directory, FoundBy::kDefault)) continue;
      library.element = directory;
      library.element_owner = "LD_LIBRARY_PATH";
      return;
    }
  }
};

}  // namespace

const Loaded* FindGlibc(Loading& loading, const Loaded& requester, const std::string& request,
                        Library& library) {
  std::string name = request;
  if (name.find('$') != std::string::npos) {
    auto expanded =
        ExpandTokens(name, requester.origin, loading.defaults, loading.options.processor.platform);
    if (!expanded || expanded->empty()) {
      library.problem = "empty dynamic string token substitution";
      return nullptr;
    }
    name = *std::move(expanded);
  }
  if (auto known = loading.by_name.find(name); known != loading.by_name.end()) {
    library.found_by = FoundBy::kLoaded;
    return known->second;
  }
  Search search{loading, requester, name, library};
  if (name.find('/') != std::string::npos) {
    const bool there = search.Try(name, FoundBy::kAbsolute);
    // A file that was named directly is never passed over.
    if (!there && library.problem.empty()) library.problem = absl::StrCat("no file at ", name);
    return search.found;
  }
  search.TryRpaths();
  if (!search.Done()) search.TryLibraryPath();
  if (!search.Done()) search.TryNote();
  if (!search.Done()) search.TryElements(requester.runpath, requester, FoundBy::kRunpath);
  if (!search.Done()) search.TryCache();
  if (!search.Done()) search.TryDefaults();
  return search.found;
}

}  // namespace lre_audit::elf
