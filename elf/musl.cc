// How musl finds one library: ldso/dynlink.c, load_library and path_open.
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/loading.h"

namespace lre_audit::elf {
namespace {

// Libraries whose functions are all in musl's libc: requests for them mean the loader itself.
bool IsLoaderItself(std::string_view name) {
  if (!name.starts_with("lib")) return false;
  name.remove_prefix(3);
  for (std::string_view reserved : {"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."}) {
    if (name.starts_with(reserved)) return true;
  }
  return false;
}

// The first file of that name is taken, whatever it is.
const Loaded* Take(Loading& loading, const Loaded& requester, const std::string& path,
                   FoundBy found_by, Library& library, bool& done) {
  auto absolute = Absolute(loading, path);
  if (!absolute) return nullptr;
  auto file = loading.view.Open(*absolute);
  if (!file) {
    done = loading.view.IsDirectory(*absolute);
    if (done) library.problem = absl::StrCat("is a directory: ", *absolute);
    return nullptr;
  }
  done = true;
  const Object* object = file->object;
  const Object& program = *loading.program().object;
  auto refuse = [&](std::string_view why) -> const Loaded* {
    library.refused = *absolute;
    library.problem = absl::StrCat("refused: ", ToAbsl(why), ": ", *absolute);
    return nullptr;
  };
  if (object == nullptr) return refuse("not an ELF object");
  if (object->refusal.before_class) return refuse(object->refusal.musl);
  if (object->is_64 != program.is_64 || object->machine != program.machine ||
      object->is_little_endian != program.is_little_endian) {
    return refuse("wrong class, machine or byte order");
  }
  if (!object->refusal.musl.empty()) return refuse(object->refusal.musl);
  library.found_by = found_by;
  return Enter(loading, requester, *file, *absolute, library);
}

}  // namespace

const Loaded* FindMusl(Loading& loading, const Loaded& requester, const std::string& request,
                       Library& library) {
  bool done = false;
  if (request.find('/') != std::string::npos) {
    const Loaded* found = Take(loading, requester, request, FoundBy::kAbsolute, library, done);
    if (!done) library.problem = absl::StrCat("no file at ", request);
    return found;
  }
  if (auto known = loading.by_name.find(IsLoaderItself(request) ? loading.interpreter : request);
      known != loading.by_name.end()) {
    library.found_by = FoundBy::kLoaded;
    return known->second;
  }
  auto in_directory = [&](std::string_view directory, FoundBy found_by) {
    NoteSearched(loading, found_by, directory, library);
    return Take(loading, requester, absl::StrCat(ToAbsl(directory), "/", request), found_by,
                library, done);
  };
  for (const std::string& directory : loading.options.library_path) {
    const Loaded* found = in_directory(directory, FoundBy::kDefault);
    if (done) return found;
  }
  // RUNPATH stands in for RPATH, and both are inherited.
  for (const Loaded* loader = &requester; loader != nullptr; loader = loader->parent) {
    const bool has_runpath = loader->object->runpath.has_value();
    for (const Element& element : has_runpath ? loader->runpath : loader->rpath) {
      if (element.discarded) continue;
      const Loaded* found =
          in_directory(element.expanded, has_runpath ? FoundBy::kRunpath : FoundBy::kRpath);
      if (!done) continue;
      library.element = element.written;
      library.element_owner = loader->path;
      return found;
    }
  }
  for (const Text& directory : loading.defaults.system_directories) {
    const Loaded* found = in_directory(directory.value, FoundBy::kDefault);
    if (!done) continue;
    library.element = directory.value;
    library.element_owner = loading.interpreter;
    return found;
  }
  return nullptr;
}

}  // namespace lre_audit::elf
