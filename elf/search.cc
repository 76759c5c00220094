#include "elf/search.h"

#include <elf.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "elf/loading.h"

namespace lre_audit::elf {

std::string_view FoundByName(FoundBy found_by) {
  switch (found_by) {
    case FoundBy::kRpath:
      return "RPATH";
    case FoundBy::kRunpath:
      return "RUNPATH";
    case FoundBy::kLdCacheNote:
      return "LDCACHE_NOTE";
    case FoundBy::kCache:
      return "CACHE";
    case FoundBy::kDefault:
      return "DEFAULT";
    case FoundBy::kAbsolute:
      return "ABSOLUTE";
    case FoundBy::kLoaded:
      return "LOADED";
    case FoundBy::kNotFound:
      return "NOT_FOUND";
  }
  return "NOT_FOUND";
}

std::string Directory(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::optional<std::string> Absolute(const Loading& loading, std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  if (loading.options.working_directory.empty()) return std::nullopt;
  return absl::StrCat(loading.options.working_directory, "/", ToAbsl(path));
}

const std::vector<std::string>& PlacesIn(const Loading& loading, std::string_view directory) {
  const auto [places, is_new] = loading.loader.places.try_emplace(std::string(directory));
  if (!is_new) return places->second;
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path.push_back('/');
  for (const std::string& hardware : loading.loader.hardware_directories) {
    std::string place = path + hardware;
    if (!hardware.empty()) {
      const auto absolute = Absolute(loading, place);
      if (!absolute || !loading.view.MayHaveDirectory(*absolute)) continue;
    }
    places->second.push_back(std::move(place));
  }
  return places->second;
}

int GlibcMinor(const LoaderDefaults& defaults) {
  int minor = 0;
  const std::vector<std::string> parts = absl::StrSplit(defaults.version, '.');
  return parts.size() < 2 || !absl::SimpleAtoi(parts[1], &minor) ? 99 : minor;
}

void NoteSearched(const Loading& loading, FoundBy by, std::string_view path, Library& library) {
  if (!loading.options.list_searched) return;
  for (const Library::Place& place : library.searched) {
    if (place.by == by && place.path == path) return;  // two objects' RPATHs have it
  }
  library.searched.push_back({by, std::string(path)});
}

namespace {

constexpr std::string_view kAuxiliary = "DT_AUXILIARY";

// A new object of the process, known by its SONAME and its inode from now on.
const Loaded* Add(Loading& loading, const Loaded* parent, const Object* object, std::string path,
                  std::string id) {
  Loaded loaded;
  loaded.origin = Directory(path);
  loaded.path = std::move(path);
  loaded.id = std::move(id);
  loaded.object = object;
  loaded.parent = parent;
  const std::string& platform = loading.options.processor.platform;
  if (object->rpath && !object->runpath) {
    loaded.rpath = ExpandSearchPath(*object->rpath, loaded.origin, loading.defaults, platform);
  }
  if (object->runpath) {
    loaded.runpath = ExpandSearchPath(*object->runpath, loaded.origin, loading.defaults, platform);
  }
  loading.objects.push_back(std::move(loaded));
  const Loaded* added = &loading.objects.back();
  loading.by_id.emplace(added->id, added);
  loading.by_name.emplace(added->path, added);
  const bool is_glibc = loading.defaults.kind == LoaderDefaults::Kind::kGlibc;
  if (is_glibc && object->soname) loading.by_name.emplace(object->soname->value, added);
  return added;
}

// `needs` are of one library.
void MatchVersions(const Loading& loading, const Loaded& loaded, std::span<const VersionNeed> needs,
                   Process& process) {
  const auto library = loading.by_name.find(needs.front().library);
  if (library == loading.by_name.end()) return;
  const std::pair both(needs.data(), library->second->object);
  if (loading.loader.versions_there.contains(both)) return;
  const std::vector<std::string>& defined = both.second->version_definitions;
  // A library without any definition is taken as it is. One whose symbols have no versions at all
  // is too, but ends the program at the first of them (elf/dl-lookup.c, check_match).
  if (defined.empty() && both.second->has_symbol_versions) return;
  const size_t before = process.missing_versions.size();
  for (const VersionNeed& need : needs) {
    if (need.weak || std::find(defined.begin(), defined.end(), need.version) != defined.end()) {
      continue;
    }
    process.missing_versions.push_back(
        {loaded.path, need.library, library->second->path, need.version});
  }
  if (process.missing_versions.size() == before) loading.loader.versions_there.insert(both);
}

void MatchVersions(const Loading& loading, Process& process) {
  if (loading.defaults.kind != LoaderDefaults::Kind::kGlibc) return;  // musl does not check
  for (const Loaded& loaded : loading.objects) {
    const std::vector<VersionNeed>& needs = loaded.object->version_needs;
    for (size_t begin = 0, end; begin < needs.size(); begin = end) {
      for (end = begin; end < needs.size() && needs[end].library == needs[begin].library;) ++end;
      MatchVersions(loading, loaded, std::span(needs).subspan(begin, end - begin), process);
    }
  }
}

// "/lib/ld-musl-x86_64.so.1" has prefix "": musl's path file lies beside the directory of its
// loader.
std::string MuslPrefix(std::string_view interpreter) {
  return Directory(Directory(interpreter)) == "/" ? "" : Directory(Directory(interpreter));
}

void ApplyMuslPathFile(const View& view, std::string_view interpreter, LoaderDefaults& defaults) {
  if (!defaults.cache) return;
  defaults.cache->value = MuslPrefix(interpreter) + defaults.cache->value;
  auto contents = view.ReadSmall(defaults.cache->value);
  if (!contents) return;
  defaults.system_directories.clear();
  for (absl::string_view directory :
       absl::StrSplit(*contents, absl::ByAnyChar(":\n"), absl::SkipEmpty())) {
    defaults.system_directories.push_back({std::string(directory), 0});
  }
}

// glibc-hwcaps/<level>/ for every version that has it (2.33), then every combination of the legacy
// names up to 2.36, then the directory itself: elf/dl-hwcaps.c.
std::vector<std::string> HardwareDirectories(const Processor& processor,
                                             const LoaderDefaults& defaults) {
  std::vector<std::string> directories;
  const int minor = GlibcMinor(defaults);
  if (minor >= 33) {
    for (const std::string& level : processor.levels) {
      directories.push_back(absl::StrCat("glibc-hwcaps/", level, "/"));
    }
  }
  const size_t names = minor < 37 ? std::min<size_t>(processor.legacy.size(), 8) : 0;
  for (size_t chosen = (size_t{1} << names) - 1; chosen > 0; --chosen) {
    std::string directory;
    for (size_t i = 0; i < names; ++i) {
      if (chosen >> (names - 1 - i) & 1) absl::StrAppend(&directory, processor.legacy[i], "/");
    }
    directories.push_back(std::move(directory));
  }
  directories.push_back("");
  return directories;
}

}  // namespace

const Loaded* Enter(Loading& loading, const Loaded& requester, const View::File& file,
                    const std::string& path, Library& library) {
  if (auto known = loading.by_id.find(file.id); known != loading.by_id.end()) {
    return known->second;
  }
  library.real_path = file.real_path;
  return Add(loading, &requester, file.object, path, file.id);
}

std::string ConventionalInterpreter(const Object& object) {
  switch (object.machine) {
    case EM_X86_64:
      return object.is_64 ? "/lib64/ld-linux-x86-64.so.2" : "/libx32/ld-linux-x32.so.2";
    case EM_386:
      return "/lib/ld-linux.so.2";
    case EM_AARCH64:
      return "/lib/ld-linux-aarch64.so.1";
    case EM_ARM:
      return "/lib/ld-linux-armhf.so.3";
    case EM_RISCV:
      return "/lib/ld-linux-riscv64-lp64d.so.1";
    case EM_PPC64:
      return "/lib64/ld64.so.2";
    case EM_S390:
      return "/lib/ld64.so.1";
    case EM_LOONGARCH:
      return "/lib64/ld-linux-loongarch-lp64d.so.1";
    default:
      return "";
  }
}

LoaderDefaults AssumedDefaults(const Object& object) {
  LoaderDefaults defaults;
  defaults.lib = object.is_64 ? "lib64" : "lib";
  if (object.machine == EM_RISCV && object.is_64) defaults.lib = "lib64/lp64d";
  defaults.system_directories = {{"/" + defaults.lib, 0}, {"/usr/" + defaults.lib, 0}};
  defaults.cache = Text{"/etc/ld.so.cache", 0};
  defaults.preload = {{"/etc/ld.so.preload", 0}};
  return defaults;
}

LoaderDefaults DefaultsFor(const View& view, const Object& object, const LoaderDefaults& fallback) {
  if (!object.interpreter) return fallback;
  auto loader = view.Open(object.interpreter->value);
  if (!loader || loader->object == nullptr || !loader->object->loader_defaults) return fallback;
  LoaderDefaults defaults = *loader->object->loader_defaults;
  if (defaults.kind == LoaderDefaults::Kind::kMusl) {
    ApplyMuslPathFile(view, object.interpreter->value, defaults);
  }
  return defaults;
}

Searcher::Searcher(const View& view, SearchOptions options)
    : view_(view), options_(std::move(options)) {}

Searcher::~Searcher() = default;

Loader& Searcher::LoaderOf(const Object& object) {
  const std::string interpreter = object.interpreter ? object.interpreter->value : "";
  std::unique_ptr<Loader>& loader =
      loaders_[absl::StrCat(interpreter, "\n", object.machine, object.is_64)];
  if (loader != nullptr) return *loader;
  const LoaderDefaults fallback = options_.defaults ? *options_.defaults : AssumedDefaults(object);
  loader = std::make_unique<Loader>();
  loader->defaults = DefaultsFor(view_, object, fallback);
  loader->hardware_directories = {""};
  if (loader->defaults.kind != LoaderDefaults::Kind::kGlibc) return *loader;
  loader->hardware_directories = HardwareDirectories(options_.processor, loader->defaults);
  if (loader->defaults.cache) {
    auto [cache, is_new] = ld_caches_.try_emplace(loader->defaults.cache->value);
    if (is_new) {
      if (auto contents = view_.ReadSmall(cache->first)) {
        cache->second = std::make_unique<const LdCache>(*std::move(contents));
      }
    }
    loader->ld_cache = cache->second.get();
  }
  return *loader;
}

absl::StatusOr<Process> Searcher::Load(const std::string& path) {
  auto file = view_.Open(path);
  if (!file) return absl::NotFoundError(absl::StrCat("no regular file at ", Escaped(path)));
  if (file->object == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(Escaped(path), " is no ELF object"));
  }
  const Object& object = *file->object;
  Process process;
  process.path = file->real_path;
  std::optional<View::File> interpreter;
  if (object.interpreter) {
    process.interpreter = object.interpreter->value;
    interpreter = view_.Open(process.interpreter);
    if (interpreter) process.interpreter_path = interpreter->real_path;
  }

  Loader& used = LoaderOf(object);
  Loading loading{view_, options_, used, used.defaults};
  loading.interpreter = process.interpreter;
  const bool is_glibc = loading.defaults.kind == LoaderDefaults::Kind::kGlibc;

  Add(loading, nullptr, &object, process.path, file->id);
  // The loader is in the process from the start, under its PT_INTERP and its SONAME.
  const Loaded* loader = nullptr;
  if (interpreter && interpreter->object != nullptr) {
    loader = Add(loading, nullptr, interpreter->object, process.interpreter, interpreter->id);
  }

  // Breadth first. The loader's own DT_NEEDED (it has none) would be followed where it is needed.
  std::vector<const Loaded*> queue = {&loading.program()};
  std::set<const Loaded*> queued = {&loading.program()};
  if (loader != nullptr) queued.insert(loader);
  std::unordered_map<const Loaded*, std::string> real_paths;
  if (loader != nullptr) real_paths[loader] = interpreter->real_path;
  real_paths[&loading.program()] = file->real_path;
  auto request = [&](const Loaded& requester, const std::string& name, std::string_view tag) {
    Library library;
    library.name = name;
    library.tag = tag;
    library.requested_by = requester.path;
    const Loaded* found = is_glibc ? FindGlibc(loading, requester, name, library)
                                   : FindMusl(loading, requester, name, library);
    if (found != nullptr) {
      library.path = found->path;
      library.searched.clear();
      library.object = found->object;
      loading.by_name.emplace(name, found);
      // Only the request that loads an object knows where it really is.
      library.real_path = real_paths.try_emplace(found, library.real_path).first->second;
    } else {
      library.found_by = FoundBy::kNotFound;
    }
    if (found != nullptr || tag != kAuxiliary) process.libraries.push_back(std::move(library));
    return found;
  };
  for (size_t i = 0; i < queue.size(); ++i) {
    const Loaded& requester = *queue[i];
    for (const Text& needed : requester.object->needed) {
      const Loaded* found = request(requester, needed.value, "DT_NEEDED");
      if (found != nullptr && queued.insert(found).second) queue.push_back(found);
    }
    if (!is_glibc) continue;  // musl knows no filters
    // glibc's elf/dl-deps.c: what an object filters comes right behind it, also where it was due
    // later. Linkers write these tags behind DT_NEEDED.
    size_t next = i + 1;
    auto request_filtee = [&](const Text& filtee, std::string_view tag) {
      const Loaded* found = request(requester, filtee.value, tag);
      if (found == nullptr) return;
      const auto due = std::find(queue.begin() + next, queue.end(), found);
      if (!queued.insert(found).second && due == queue.end()) return;
      if (due != queue.end()) queue.erase(due);
      queue.insert(queue.begin() + next++, found);
    };
    for (const Text& filtee : requester.object->filter) request_filtee(filtee, "DT_FILTER");
    for (const Text& filtee : requester.object->auxiliary) request_filtee(filtee, kAuxiliary);
  }
  MatchVersions(loading, process);
  return process;
}

absl::StatusOr<Process> Load(const View& view, const std::string& path,
                             const SearchOptions& options) {
  return Searcher(view, options).Load(path);
}

}  // namespace lre_audit::elf
