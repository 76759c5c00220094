#include "audit/link/view_files.h"

#include <elf.h>

#include <filesystem>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "audit/link/c_library.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kIsRelative[] = "is relative to the directory that it is started in";
constexpr int kMaxScripts = 5;  // Linux: exec_binprm in fs/exec.c

// The entry of the store directory that holds `path`, whether its name is a store path's or not.
std::string StoreEntryOf(const std::string& path, const std::string& store_directory) {
  if (!IsBelow(path, store_directory)) return {};
  return path.substr(0, path.find('/', store_directory.size() + 1));
}

}  // namespace

std::string NormalPath(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::string NixSystem(std::string_view platform) {
  constexpr std::pair<std::string_view, std::string_view> kSystems[] = {
      // Nix src/libutil/current-process.cc and nixpkgs lib/systems/parse.nix have the names.
      {"linux/amd64", "x86_64-linux"},
      {"linux/arm64", "aarch64-linux"},
      {"linux/386", "i686-linux"},
      {"linux/arm/v7", "armv7l-linux"},
      {"linux/arm/v6", "armv6l-linux"},
      {"linux/riscv64", "riscv64-linux"},
      {"linux/ppc64le", "powerpc64le-linux"},
      {"linux/s390x", "s390x-linux"},
      {"darwin/amd64", "x86_64-darwin"},
      {"darwin/arm64", "aarch64-darwin"}};
  for (const auto& [known, system] : kSystems) {
    if (platform == known) return std::string(system);
  }
  return {};
}

FilesView::FilesView(ToolchainView description, std::string store_directory, const elf::View& files)
    : description_(std::move(description)),
      store_directory_(std::move(store_directory)),
      files_(files),
      searcher_(files, {}) {}

ViewTarget FilesView::Lookup(const std::string& path, bool program) const {
  const auto [entry, is_new] = known_.try_emplace({path, program});
  if (is_new) entry->second = LookupNew(path, program);
  return entry->second;
}

ViewTarget FilesView::LookupNew(const std::string& path, bool program) const {
  ViewTarget result;
  result.looked_up = true;
  Target& target = result.target;
  const std::string written = NormalPath(path);
  const std::string store_path = StoreEntryOf(written, store_directory_);
  target.place = Target::Place::kStore;
  target.path = written;
  target.store_path = store_path;
  if (const auto library = CLibraryOf(store_path)) result.libc = library->version;
  if (!HasStorePath(store_path)) return result;
  target.store_path_exists = true;
  result.file_known = SeesFilesOf(store_path);
  if (!result.file_known) return result;

  target = Locate(path);
  target.store_path = store_path;
  target.store_path_exists = true;
  if (target.place != Target::Place::kStore) {
    result.problem = absl::StrCat("it leads out of the store, to ", target.path);
    return result;
  }
  if (!target.exists) {
    if (target.path != written) {
      result.problem = absl::StrCat("it leads to ", target.path, ", where nothing is");
    }
    return result;
  }
  if (const auto library = CLibraryOf(StoreEntryOf(target.path, store_directory_))) {
    result.libc = library->version;
  }
  if (target.is_executable) {
    const auto file = files_.Open(target.path);
    if (file && file->object != nullptr) result.machine = elf::MachineName(file->object->machine);
  }
  if (program) {
    const std::string why = WhyNoProgram(target.path, 0);
    if (!why.empty()) result.problem = absl::StrCat("it ", why);
  }
  return result;
}

std::string FilesView::WhyNoProgram(const std::string& path, int scripts) const {
  if (!path.starts_with('/')) return kIsRelative;
  const Target target = Locate(path);
  if (!target.exists) {
    return target.path == NormalPath(path)
               ? "is missing"
               : absl::StrCat("leads to ", target.path, ", where nothing is");
  }
  if (target.is_directory) return "is a directory";
  const auto file = files_.Open(target.path);
  if (!file) return "is no regular file";
  if (!target.is_executable) return "is not executable";
  if (file->object != nullptr) return WhyNoProcess(target.path, *file->object);

  const absl::StatusOr<std::vector<std::string>> interpreters = Interpreters(target.path);
  if (!interpreters.ok()) {
    return absl::StrCat("cannot be read: ", interpreters.status().message());
  }
  for (const std::string& interpreter : *interpreters) {
    if (scripts == kMaxScripts) return "is a script that scripts interpret, too deep for a kernel";
    const std::string why = WhyNoProgram(interpreter, scripts + 1);
    if (!why.empty()) return absl::StrCat("has the interpreter ", interpreter, ", which ", why);
  }
  return {};
}

std::string FilesView::WhyNoProcess(const std::string& path, const elf::Object& object) const {
  if (object.machine == EM_NONE) return "is a damaged ELF object";
  if (object.type != ET_EXEC && object.type != ET_DYN) return "is an ELF object, but no program";
  if (!object.interpreter) return {};  // statically linked
  const std::string& interpreter = object.interpreter->value;
  const auto refused = [&](absl::string_view why) {
    return absl::StrCat("has the interpreter ", interpreter, ", which ", why);
  };
  if (!interpreter.starts_with('/')) return refused(kIsRelative);
  // Of an image it is known what is outside the store.
  const bool knows_all = description_.kind == ToolchainView::Kind::kImage;
  const Target loader = Locate(interpreter);
  if (!loader.exists) {
    const bool is_missing = knows_all || loader.place == Target::Place::kStore;
    return refused(is_missing ? "is missing" : "is outside the store");
  }
  if (!loader.is_executable) return refused("is not executable");
  if (const auto file = files_.Open(interpreter); file && file->object == nullptr) {
    return refused("is no ELF object");
  }
  const absl::StatusOr<elf::Process> process = searcher_.Load(path);
  if (!process.ok()) return {};  // only of what is no ELF object
  for (const elf::Library& library : process->libraries) {
    if (library.found_by != elf::FoundBy::kNotFound) continue;
    const std::string by =
        library.requested_by == process->path ? "" : absl::StrCat(" of ", library.requested_by);
    const std::string why = library.problem.empty() ? "" : absl::StrCat(" (", library.problem, ")");
    return absl::StrCat("needs the library ", library.name, by, ", which is found nowhere",
                        knows_all ? "" : " in the store", why);
  }
  if (process->missing_versions.empty()) return {};
  const elf::MissingVersion& missing = process->missing_versions.front();
  return absl::StrCat("needs ", missing.version, " of ", missing.library, ", which ",
                      missing.library_path, " does not have");
}

std::vector<LinkedToolchain::CLibrary> FilesView::CLibraries(
    const std::vector<std::string>& store_paths) const {
  std::set<std::string> seen;
  std::vector<std::string> pending;
  const auto enter = [&](const std::string& path) {
    if (HasStorePath(path) && seen.insert(path).second) pending.push_back(path);
  };
  for (const std::string& path : store_paths) enter(path);
  while (!pending.empty()) {
    const std::string path = std::move(pending.back());
    pending.pop_back();
    for (const std::string& reference : ReferencesOf(path)) enter(reference);
  }
  std::vector<LinkedToolchain::CLibrary> libraries;
  for (const std::string& path : seen) {
    if (auto library = CLibraryOf(path)) libraries.push_back(*std::move(library));
  }
  return libraries;
}

}  // namespace lre_audit
