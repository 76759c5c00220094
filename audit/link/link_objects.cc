#include "audit/link/link_objects.h"

#include <elf.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "audit/link/facts_view.h"
#include "base/store_path.h"
#include "base/text.h"
#include "elf/search.h"

namespace lre_audit {
namespace {

bool IsProgram(const ElfFacts& elf) {
  return elf.has_interpreter() || (elf.type() == ET_EXEC && elf.machine() != EM_NONE);
}

bool IsLoadable(const ElfFacts& elf) { return elf.type() == ET_EXEC || elf.type() == ET_DYN; }

// Whether a kernel for `platform` runs programs for `machine` as well.
bool Runs(const std::string& platform, const std::string& machine) {
  if (platform == machine) return true;
  return (platform == elf::MachineName(EM_X86_64) && machine == elf::MachineName(EM_386)) ||
         (platform == elf::MachineName(EM_AARCH64) && machine == elf::MachineName(EM_ARM)) ||
         (platform == elf::MachineName(EM_PPC64) && machine == elf::MachineName(EM_PPC));
}

// Of C libraries a process can have one. musl's is its loader, and has no SONAME as it is built.
bool IsCLibrary(const elf::Object& object) {
  if (object.loader_defaults) {
    return object.loader_defaults->kind == elf::LoaderDefaults::Kind::kMusl;
  }
  if (!object.soname) return false;
  const std::string_view soname = object.soname->value;
  return soname == "libc.so.6" || soname.starts_with("libc.musl-") || soname == "libc.so" ||
         soname.starts_with("ld-musl-");
}

template <typename Value>
std::string MostCommon(const std::map<std::string, Value>& counts) {
  std::string best;
  Value most = 0;
  for (const auto& [key, count] : counts) {
    if (count > most) {
      most = count;
      best = key;
    }
  }
  return best;
}

class ObjectLinker {
 public:
  ObjectLinker(const TreeIndex& index, const ReferencesFn& references, std::string machine,
               std::vector<LinkedFile>& files)
      : index_(index),
        references_(references),
        machine_(std::move(machine)),
        files_(files),
        view_(index) {}

  void Run() {
    LookAround();
    elf::SearchOptions options;
    options.defaults = library_defaults_;  // for what has no interpreter of its own
    searcher_.emplace(view_, std::move(options));
    // Programs first: what their processes load settles what their libraries may leave to them.
    for (LinkedFile& file : files_) {
      if (file.facts->has_elf() && IsProgram(file.facts->elf())) LinkOne(file, /*program=*/true);
    }
    for (LinkedFile& file : files_) {
      if (file.facts->has_elf() && !IsProgram(file.facts->elf())) LinkOne(file, /*program=*/false);
    }
  }

 private:
  // A library's request, over all processes of the tree that load the library.
  struct InProcesses {
    std::string failed_in;  // a program in which it is not found
    std::string inherited;  // path of what the RPATH of a program, or of a library between, finds
    std::string element, owner;  // that RPATH's element, and the object that has it
  };

  // What the tree's programs have in common, for what cannot be told from one object alone.
  void LookAround() {
    std::map<std::string, int> machines, interpreters;
    for (const LinkedFile& file : files_) {
      if (file.facts->half_read()) {
        const std::string_view path = file.facts->path();
        half_read_.insert(path.substr(path.rfind('/') + 1));
      }
      if (!file.facts->has_elf()) continue;
      const ElfFacts& elf = file.facts->elf();
      if (IsLoadable(elf)) {
        const std::string_view path = file.facts->path();
        by_name_.try_emplace(path.substr(path.rfind('/') + 1), file.facts->path());
        if (elf.has_soname()) by_name_.try_emplace(elf.soname().value(), file.facts->path());
      }
      if (!IsProgram(elf)) continue;
      ++machines[elf::MachineName(static_cast<uint16_t>(elf.machine()))];
      if (elf.has_interpreter()) ++interpreters[elf.interpreter().value()];
    }
    if (machine_.empty()) machine_ = MostCommon(machines);
    // Libraries have no interpreter: the tree's own is the one that will load them.
    const std::string interpreter = MostCommon(interpreters);
    if (interpreter.empty()) return;
    const auto loader = view_.Open(interpreter);
    if (loader && loader->object != nullptr) library_defaults_ = loader->object->loader_defaults;
  }

  void LinkOne(LinkedFile& file, bool program) {
    const ElfFacts& facts = file.facts->elf();
    const elf::Object& object = *view_.ObjectOf(*file.facts);
    file.object = std::make_shared<LinkedObject>();
    LinkedObject& out = *file.object;
    out.facts = &facts;
    out.is_executable = program;
    out.machine = elf::MachineName(object.machine);
    if (program && !machine_.empty() && !Runs(machine_, out.machine)) out.foreign_to = machine_;
    if (object.interpreter) {
      out.interpreter = MakeClaim(Claim::INTERPRETER, *object.interpreter, "PT_INTERP");
      if (object.interpreter->value.starts_with("/")) {
        out.interpreter->target = index_.Lookup(object.interpreter->value, {});
        const auto loader = view_.Open(object.interpreter->value);
        out.interpreter_is_object =
            !loader || loader->object != nullptr || IsHalfReadAt(object.interpreter->value);
      }
    }
    if (object.loader_defaults) AddLoaderDefaults(*object.loader_defaults, out);
    for (const Claim& claim : file.facts->claims()) {
      if (claim.kind() != Claim::DEBUG_DIRECTORY) continue;
      LinkedClaim debug =
          MakeClaim(Claim::DEBUG_DIRECTORY, {claim.text(), claim.offset()}, "DWARF");
      debug.target = index_.Lookup(claim.text(), {});
      out.debug_directories.push_back(std::move(debug));
    }
    if (!IsLoadable(facts) || !facts.has_dynamic()) return;

    const elf::LoaderDefaults defaults = elf::DefaultsFor(
        view_, object, library_defaults_ ? *library_defaults_ : elf::AssumedDefaults(object));
    const std::string origin(DirectoryOf(file.facts->path()));
    AddSearchPath(object, origin, defaults, out);
    AddAuditModules(object, out);
    absl::StatusOr<elf::Process> process = searcher_->Load(file.facts->path());
    if (!process.ok()) return;
    AddLibraries(file, object, *process, out);
    AddLoaderNotes(object, *process, origin, defaults, out);
    if (program) {
      RememberProcess(file, *process);
      AddCLibraries(*process, out);
    }
  }

  LinkedClaim MakeClaim(Claim::Kind kind, const elf::Text& text, std::string context) const {
    LinkedClaim claim;
    claim.kind = kind;
    claim.text = text.value;
    claim.offset = text.offset;
    claim.context = std::move(context);
    claim.target = index_.Lookup(text.value, {});
    return claim;
  }

  void AddLoaderDefaults(const elf::LoaderDefaults& defaults, LinkedObject& out) const {
    for (const elf::Text& directory : defaults.system_directories) {
      out.loader_defaults.push_back(
          MakeClaim(Claim::LOADER_DEFAULT, directory, "system directory"));
    }
    if (defaults.cache) {
      out.loader_defaults.push_back(MakeClaim(Claim::LOADER_DEFAULT, *defaults.cache, "cache"));
    }
    for (const elf::Text& preload : defaults.preload) {
      out.loader_defaults.push_back(MakeClaim(Claim::LOADER_DEFAULT, preload, "preload"));
    }
  }

  void AddSearchPath(const elf::Object& object, const std::string& origin,
                     const elf::LoaderDefaults& defaults, LinkedObject& out) const {
    // DT_RUNPATH voids DT_RPATH: the loader never looks at it.
    const std::optional<elf::Text>& path = object.runpath ? object.runpath : object.rpath;
    if (!path) return;
    const Claim::Kind kind = object.runpath ? Claim::RUNPATH : Claim::RPATH;
    std::set<std::string> seen;
    for (const elf::Element& element : elf::ExpandSearchPath(*path, origin, defaults)) {
      if (element.discarded || !seen.insert(element.written).second) continue;
      LinkedClaim claim = MakeClaim(kind, {element.written, element.offset},
                                    kind == Claim::RUNPATH ? "DT_RUNPATH" : "DT_RPATH");
      claim.target = index_.Lookup(element.expanded, {});
      out.search_path.push_back(std::move(claim));
    }
  }

  void AddAuditModules(const elf::Object& object, LinkedObject& out) const {
    const auto add = [&](const std::vector<elf::Text>& texts, const char* tag) {
      for (const elf::Text& text : texts) {
        // A bare name is searched like a needed library; what it leads to is judged there.
        if (text.value.find('/') == std::string::npos) continue;
        out.audit_modules.push_back(MakeClaim(Claim::AUDIT, text, tag));
      }
    };
    add(object.audit, "DT_AUDIT");
    add(object.depaudit, "DT_DEPAUDIT");
    add(object.filter, "DT_FILTER");
    add(object.auxiliary, "DT_AUXILIARY");
  }

  void AddLibraries(const LinkedFile& file, const elf::Object& object, const elf::Process& process,
                    LinkedObject& out) const {
    for (const elf::Library& library : process.libraries) {
      if (library.requested_by != process.path) continue;
      LinkedLibrary& linked = out.libraries.emplace_back();
      linked.name = library.name;
      for (const elf::Text& needed : object.needed) {
        if (needed.value == library.name) linked.offset = needed.offset;
      }
      linked.found_by = std::string(elf::FoundByName(library.found_by));
      linked.found = library.found_by != elf::FoundBy::kNotFound;
      linked.element = library.element;
      linked.problem = library.problem;
      linked.refused = library.refused;
      if (linked.found) {
        linked.target = index_.Lookup(library.path, {});
        // What the object's own path leads to is the package's own doing; what the process has
        // loaded already, or the loader's defaults hold, is not.
        const bool own = library.found_by == elf::FoundBy::kAbsolute ||
                         library.found_by == elf::FoundBy::kLdCacheNote ||
                         (library.element_owner == process.path && !library.element.empty());
        linked.undeclared = own && IsUndeclared(file, library.path);
        continue;
      }
      if (linked.name.find('/') != std::string::npos) {
        linked.target = index_.Lookup(linked.name, {});
        linked.target.exists = false;
      }
      const std::string_view name =
          std::string_view(linked.name).substr(linked.name.rfind('/') + 1);
      if (const auto found = by_name_.find(name); found != by_name_.end()) {
        linked.elsewhere = found->second;
      }
      linked.half_read =
          half_read_.contains(name) || (!library.refused.empty() && IsHalfReadAt(library.refused));
      const auto known = requests_.find({file.facts->path(), linked.name});
      if (out.is_executable || known == requests_.end()) continue;
      linked.found_in_process = known->second.failed_in.empty();
      if (!known->second.failed_in.empty()) {
        linked.problem = absl::StrCat("nor in a process of ", known->second.failed_in);
      } else if (IsUndeclared(file, known->second.inherited)) {
        linked.found = true;
        linked.found_by = absl::StrCat("the RPATH of ", known->second.owner);
        linked.element = known->second.element;
        linked.target = index_.Lookup(known->second.inherited, {});
        linked.undeclared = true;
      }
    }
    for (const elf::MissingVersion& missing : process.missing_versions) {
      if (missing.object != process.path || IsHalfReadAt(missing.library_path)) continue;
      out.missing_versions.push_back({missing.library, missing.library_path, missing.version});
    }
  }

  bool IsHalfReadAt(const std::string& path) const {
    const TreeIndex::Resolved resolved = index_.Resolve(path);
    return resolved.file != nullptr && resolved.file->half_read();
  }

  // Whether `path` lies in a store path that `file`'s package does not reference.
  bool IsUndeclared(const LinkedFile& file, const std::string& path) const {
    const auto store_path = nix::StorePathOf(path, index_.store_directory());
    return store_path && !file.store_path.empty() && *store_path != file.store_path &&
           !references_(file.store_path, *store_path);
  }

  void RememberProcess(const LinkedFile& program, const elf::Process& process) {
    absl::flat_hash_map<std::string, std::string> real;  // path as found -> real path
    for (const elf::Library& library : process.libraries) {
      if (!library.path.empty()) real.try_emplace(library.path, library.real_path);
    }
    for (const elf::Library& library : process.libraries) {
      const auto requester = real.find(library.requested_by);
      if (requester == real.end()) continue;  // the program itself
      InProcesses& known = requests_[{requester->second, library.name}];
      if (library.found_by == elf::FoundBy::kNotFound) {
        if (known.failed_in.empty()) known.failed_in = program.facts->path();
      } else if (library.found_by == elf::FoundBy::kRpath && known.inherited.empty() &&
                 library.element_owner != library.requested_by) {
        known.inherited = library.path;
        known.element = library.element;
        known.owner = library.element_owner;
      }
    }
  }

  void AddCLibraries(const elf::Process& process, LinkedObject& out) const {
    // The loader is half of its C library: one of another build is a second C library.
    std::map<std::string, std::string> by_package;  // store path or directory -> file
    const auto add = [&](const std::string& path) {
      const auto store_path = nix::StorePathOf(path, index_.store_directory());
      by_package.try_emplace(std::string(store_path ? *store_path : DirectoryOf(path)), path);
    };
    bool has_c_library = false;
    for (const elf::Library& library : process.libraries) {
      if (library.object == nullptr || !IsCLibrary(*library.object)) continue;
      has_c_library = true;
      add(library.real_path);
    }
    if (has_c_library && out.interpreter_is_object && !process.interpreter_path.empty()) {
      add(process.interpreter_path);
    }
    if (by_package.size() < 2) return;
    for (const auto& [package, path] : by_package) out.c_libraries.push_back(path);
  }

  void AddLoaderNotes(const elf::Object& object, const elf::Process& process,
                      const std::string& origin, const elf::LoaderDefaults& defaults,
                      LinkedObject& out) const {
    for (const elf::LdCacheEntry& entry : object.ld_cache) {
      out.ld_cache.push_back(MakeClaim(Claim::LD_CACHE_NOTE, entry.path, entry.name));
    }
    std::vector<elf::Element> elements;
    if (object.runpath || object.rpath) {
      elements =
          elf::ExpandSearchPath(object.runpath ? *object.runpath : *object.rpath, origin, defaults);
    }
    const auto in_search_path = [&](const std::string& name) -> std::string {
      for (const elf::Element& element : elements) {
        if (element.discarded || element.expanded.empty()) continue;
        std::string path = absl::StrCat(element.expanded, "/", name);
        if (view_.Open(path)) return path;
      }
      return {};
    };
    for (const elf::Library& library : process.libraries) {
      if (library.found_by != elf::FoundBy::kLdCacheNote || library.requested_by != process.path) {
        continue;
      }
      const std::string other = in_search_path(library.name);
      if (other.empty() || index_.Resolve(other).path == library.real_path) continue;
      out.ld_cache_contradictions.push_back(
          absl::StrCat(library.name, ": the note finds ", library.path, ", ",
                       object.runpath ? "RUNPATH " : "RPATH ", other));
    }
    for (const elf::DlopenNeed& need : object.dlopen_needs) {
      LinkedDlopen& dlopen = out.dlopens.emplace_back();
      dlopen.sonames = need.sonames;
      dlopen.feature = need.feature;
      dlopen.required = need.priority == elf::DlopenNeed::Priority::kRequired;
      dlopen.offset = need.offset;
      for (const std::string& soname : need.sonames) {
        dlopen.found |= CanOpen(soname, object, process, elements, defaults);
      }
    }
  }

  // What dlopen makes of `path` for a process of `object`'s kind; nullopt: it looks further.
  std::optional<bool> Opens(const std::string& path, const elf::Object& object,
                            const elf::LoaderDefaults& defaults) const {
    const auto file = view_.Open(path);
    if (!file) return std::nullopt;
    const elf::Object* const opened = file->object;
    if (opened == nullptr) return false;
    const bool is_musl = defaults.kind == elf::LoaderDefaults::Kind::kMusl;
    if (opened->is_64 != object.is_64 || opened->machine != object.machine) {
      return is_musl ? std::optional<bool>(false) : std::nullopt;
    }
    return (is_musl ? opened->refusal.musl : opened->refusal.glibc).empty();
  }

  // dlopen("x") in the object: its own search path, what is loaded, the loader's directories.
  bool CanOpen(const std::string& soname, const elf::Object& object, const elf::Process& process,
               const std::vector<elf::Element>& elements,
               const elf::LoaderDefaults& defaults) const {
    if (soname.find('/') != std::string::npos) {
      return Opens(soname, object, defaults).value_or(false);
    }
    for (const elf::Element& element : elements) {
      if (element.discarded || element.expanded.empty()) continue;
      const auto opens = Opens(absl::StrCat(element.expanded, "/", soname), object, defaults);
      if (opens) return *opens;
    }
    for (const elf::Library& library : process.libraries) {
      if (library.name == soname && library.object != nullptr) return true;
    }
    for (const elf::Text& directory : defaults.system_directories) {
      const auto opens = Opens(absl::StrCat(directory.value, "/", soname), object, defaults);
      if (opens) return *opens;
    }
    return false;
  }

  const TreeIndex& index_;
  const ReferencesFn& references_;
  std::string machine_;
  std::vector<LinkedFile>& files_;
  FactsView view_;
  std::optional<elf::LoaderDefaults> library_defaults_;
  std::optional<elf::Searcher> searcher_;
  absl::flat_hash_set<std::string_view> half_read_;             // names of files
  absl::flat_hash_map<std::string_view, std::string> by_name_;  // file name or SONAME -> path
  std::map<std::pair<std::string, std::string>, InProcesses> requests_;  // (library, name)
};

}  // namespace

void LinkObjects(const TreeIndex& index, const ReferencesFn& references, const std::string& machine,
                 std::vector<LinkedFile>& files) {
  ObjectLinker(index, references, machine, files).Run();
}

}  // namespace lre_audit
