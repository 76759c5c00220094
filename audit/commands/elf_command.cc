#include "audit/commands/elf_command.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/archive.h"
#include "elf/host_view.h"
#include "elf/macho.h"
#include "elf/search.h"
#include "nlohmann/json.hpp"

namespace lre_audit {
namespace {

using elf::FoundBy;
using elf::Library;
using elf::Object;
using elf::Process;

enum Exit { kAllFound = 0, kMissing = 1, kUsage = 2, kUnreadable = 3 };

std::string WorkingDirectory() {
  char buffer[PATH_MAX];
  return getcwd(buffer, sizeof buffer) == nullptr ? "" : buffer;
}

// A search per convention: libraries name no interpreter, so their machine's usual one stands in.
class Searchers {
 public:
  Searchers(const elf::HostView& view, std::string working_directory)
      : view_(view), working_directory_(std::move(working_directory)) {}

  elf::Searcher& For(const Object& object) {
    const std::string key = object.interpreter ? "" : elf::ConventionalInterpreter(object);
    std::unique_ptr<elf::Searcher>& searcher = searchers_[key];
    if (searcher == nullptr) {
      elf::SearchOptions options;
      options.processor = elf::HostProcessor();
      options.working_directory = working_directory_;
      options.list_searched = true;
      if (!key.empty()) {
        auto loader = view_.Open(key);
        if (loader && loader->object != nullptr) options.defaults = loader->object->loader_defaults;
      }
      searcher = std::make_unique<elf::Searcher>(view_, std::move(options));
    }
    return *searcher;
  }

 private:
  const elf::HostView& view_;
  std::string working_directory_;
  std::map<std::string, std::unique_ptr<elf::Searcher>> searchers_;
};

nlohmann::json ToJson(const std::string& path, const Object& object, const Process& process) {
  nlohmann::json libraries = nlohmann::json::array();
  for (const Library& library : process.libraries) {
    nlohmann::json entry = {{"name", Escaped(library.name)},
                            {"tag", std::string(library.tag)},
                            {"requested_by", Escaped(library.requested_by)},
                            {"path", Escaped(library.path)},
                            {"found_by", std::string(elf::FoundByName(library.found_by))}};
    if (!library.real_path.empty()) entry["real_path"] = Escaped(library.real_path);
    if (!library.element_owner.empty()) {
      entry["element"] = Escaped(library.element);
      entry["element_owner"] = Escaped(library.element_owner);
    }
    if (!library.problem.empty()) entry["problem"] = Escaped(library.problem);
    for (const Library::Place& place : library.searched) {
      entry["searched"].push_back(
          {{"path", Escaped(place.path)}, {"by", std::string(elf::FoundByName(place.by))}});
    }
    libraries.push_back(std::move(entry));
  }
  nlohmann::json versions = nlohmann::json::array();
  for (const elf::MissingVersion& missing : process.missing_versions) {
    versions.push_back({{"object", Escaped(missing.object)},
                        {"library", Escaped(missing.library)},
                        {"library_path", Escaped(missing.library_path)},
                        {"version", Escaped(missing.version)}});
  }
  nlohmann::json defects = nlohmann::json::array();
  for (const elf::Defect& defect : object.defects) defects.push_back(Escaped(defect.message));
  return {{"path", Escaped(path)},
          {"real_path", Escaped(process.path)},
          {"interpreter", Escaped(process.interpreter)},
          {"interpreter_found", !process.interpreter_path.empty()},
          {"machine", elf::MachineName(object.machine)},
          {"libraries", std::move(libraries)},
          {"missing_versions", std::move(versions)},
          {"defects", std::move(defects)}};
}

// What made the loader look somewhere: "RUNPATH", "default".
std::string_view NameOf(FoundBy by) {
  switch (by) {
    case FoundBy::kDefault:
      return "default";
    case FoundBy::kCache:
      return "cache";
    case FoundBy::kLdCacheNote:
      return "ldcache note";
    default:
      return elf::FoundByName(by);
  }
}

// "/a/lib, /b/lib (RUNPATH), /lib (default)".
std::string WhereSearched(const std::vector<Library::Place>& places) {
  constexpr size_t kMostShown = 6;  // of one kind
  std::string text;
  for (size_t begin = 0, end; begin < places.size(); begin = end) {
    for (end = begin; end < places.size() && places[end].by == places[begin].by;) ++end;
    for (size_t i = begin; i < std::min(end, begin + kMostShown); ++i) {
      absl::StrAppend(&text, text.empty() ? "" : ", ",
                      places[i].path.empty() ? "." : Escaped(places[i].path));
    }
    if (end - begin > kMostShown) {
      absl::StrAppend(&text, " and ", end - begin - kMostShown, " more");
    }
    absl::StrAppend(&text, " (", ToAbsl(NameOf(places[begin].by)), ")");
  }
  return text;
}

// The tree of who asked for what. An object's own libraries are shown where it was loaded.
class TreePrinter {
 public:
  TreePrinter(const Process& process, std::ostream& out) : out_(out) {
    for (const Library& library : process.libraries) {
      children_[library.requested_by].push_back(&library);
    }
  }

  void Print(const std::string& requester, const std::string& indent) {
    auto found = children_.find(requester);
    if (found == children_.end()) return;
    const std::vector<const Library*> libraries = std::move(found->second);
    children_.erase(found);
    for (const Library* library : libraries) {
      const bool is_last = library == libraries.back();
      out_ << indent << (is_last ? "└── " : "├── ") << Line(*library) << '\n';
      const std::string below = indent + (is_last ? "    " : "│   ");
      if (!library->searched.empty()) {
        out_ << below << "searched: " << WhereSearched(library->searched) << '\n';
      }
      if (library->found_by == FoundBy::kLoaded || library->path.empty()) continue;
      Print(library->path, below);
    }
  }

 private:
  static std::string Line(const Library& library) {
    std::string line = Escaped(library.name);
    if (library.tag != "DT_NEEDED") absl::StrAppend(&line, " (", ToAbsl(library.tag), ")");
    if (library.found_by == FoundBy::kNotFound) {
      absl::StrAppend(&line, " => NOT FOUND");
    } else {
      absl::StrAppend(&line, " => ", Escaped(library.path), " [",
                      ToAbsl(elf::FoundByName(library.found_by)));
      if (!library.element.empty()) absl::StrAppend(&line, " ", Escaped(library.element));
      absl::StrAppend(&line, "]");
    }
    if (!library.problem.empty()) absl::StrAppend(&line, " (", Escaped(library.problem), ")");
    return line;
  }

  std::ostream& out_;
  std::map<std::string, std::vector<const Library*>> children_;
};

// Why there is nothing to show.
std::string_view WhyNoLibraries(const Object& object) {
  if (object.type == ET_REL) return "relocatable object: linkers read it, no loader does";
  if (object.type == ET_CORE) return "core dump: nothing loads it";
  if (!object.interpreter && (object.type == ET_EXEC || object.IsPie())) {
    return "statically linked: nothing to load";
  }
  return "needs no library";
}

void PrintText(const std::string& path, const Object& object, const Process& process,
               std::ostream& out) {
  out << Escaped(path) << '\n';
  if (!process.interpreter.empty()) {
    out << "    interpreter " << Escaped(process.interpreter)
        << (process.interpreter_path.empty() ? " NOT FOUND" : "") << '\n';
  } else if (const std::string usual = elf::ConventionalInterpreter(object);
             !usual.empty() && !process.libraries.empty()) {
    out << "    no interpreter of its own; as " << usual << " would load it\n";
  }
  // What a damaged object needs is not known.
  if (process.libraries.empty() && object.defects.empty()) {
    out << "    " << WhyNoLibraries(object) << '\n';
  }
  TreePrinter(process, out).Print(process.path, "    ");
  for (const elf::MissingVersion& missing : process.missing_versions) {
    out << "    version " << Escaped(missing.version) << " NOT FOUND in "
        << Escaped(missing.library_path) << ", needed by " << Escaped(missing.object) << '\n';
  }
}

bool AnythingMissing(const Process& process) {
  if (!process.missing_versions.empty()) return true;
  if (!process.interpreter.empty() && process.interpreter_path.empty()) return true;
  return std::any_of(process.libraries.begin(), process.libraries.end(),
                     [](const Library& l) { return l.found_by == FoundBy::kNotFound; });
}

// "no such file", "is a directory", ...
std::string WhyNoFile(const elf::HostView& view, const std::string& root, const std::string& path) {
  switch (view.Resolve(path).first) {
    case elf::HostView::Kind::kDirectory:
      return "is a directory; name the files in it";
    case elf::HostView::Kind::kOther:
      return "is not a regular file";
    default:
      break;
  }
  const std::filesystem::path name(path);
  const auto [kind, directory] = view.Resolve(name.parent_path().string());
  std::error_code error;
  const auto target = std::filesystem::read_symlink(
      std::filesystem::path(root + directory) / name.filename(), error);
  if (kind == elf::HostView::Kind::kDirectory && !error) {
    return absl::StrCat("is a symlink to ", Escaped(target.string()), ", which leads to no file");
  }
  return root.empty() ? "no such file" : absl::StrCat("no such file in the root ", Escaped(root));
}

// What the file is instead, as far as that helps.
std::string WhyNoElf(const elf::HostView& view, const std::string& path) {
  const absl::StatusOr<std::string> head = view.ReadHead(path, 256);
  if (!head.ok()) return absl::StrCat("cannot be read: ", head.status().message());
  const std::string_view bytes = *head;
  if (bytes.empty()) return "not an ELF object: the file is empty";
  if (bytes.starts_with("#!")) {
    std::string_view interpreter = bytes.substr(2, bytes.find('\n') - 2);
    interpreter.remove_prefix(std::min(interpreter.find_first_not_of(" \t"), interpreter.size()));
    return absl::StrCat("not an ELF object but a script, run by ", Escaped(interpreter));
  }
  if (elf::HasArchiveMagic(bytes)) {
    return "not an ELF object but a static archive: linkers read it, no loader does";
  }
  if (elf::HasMachOMagic(bytes)) return "not an ELF object but a Mach-O object of darwin";
  if (bytes.find("GNU ld script") != std::string_view::npos) {
    return "not an ELF object but a linker script: name the library that it names";
  }
  return "not an ELF object";
}

// Shows files one by one; what was read of libraries serves them all.
class Shower {
 public:
  Shower(const ElfOptions& options, std::ostream& out, std::ostream& err)
      : options_(options),
        working_directory_(options.root.empty() ? WorkingDirectory() : "/"),
        view_(options.root),
        searchers_(view_, working_directory_),
        out_(out),
        err_(err) {}

  void Show(const std::string& path) {
    auto complain = [&](int code, const std::string& why) {
      err_ << "error: " << Escaped(path) << ": " << why << '\n';
      AtLeast(code);
    };
    if (path.empty()) return complain(kUsage, "no such file");
    const std::string absolute =
        path.starts_with('/') ? path : absl::StrCat(working_directory_, "/", path);
    auto file = view_.Open(absolute);
    if (!file) return complain(kUsage, WhyNoFile(view_, options_.root, absolute));
    if (file->object == nullptr) return complain(kUnreadable, WhyNoElf(view_, absolute));
    for (const elf::Defect& defect : file->object->defects) {
      complain(kUnreadable, Escaped(defect.message));
    }
    auto process = searchers_.For(*file->object).Load(absolute);
    if (!process.ok()) return complain(kUnreadable, std::string(process.status().message()));
    if (AnythingMissing(*process)) AtLeast(kMissing);
    if (options_.json) {
      objects_.push_back(ToJson(path, *file->object, *process));
    } else {
      PrintText(path, *file->object, *process, out_);
    }
  }

  int Finish() {
    if (options_.json) out_ << nlohmann::json{{"objects", std::move(objects_)}}.dump(2) << '\n';
    return exit_;
  }

 private:
  void AtLeast(int code) { exit_ = std::max(exit_, code); }

  const ElfOptions& options_;
  const std::string working_directory_;
  const elf::HostView view_;
  Searchers searchers_;
  std::ostream& out_;
  std::ostream& err_;
  nlohmann::json objects_ = nlohmann::json::array();
  int exit_ = kAllFound;
};

}  // namespace

int RunElf(const ElfOptions& options, std::ostream& out, std::ostream& err) {
  if (options.files.empty()) {
    err << "error: which files? lre-audit elf FILE...\n";
    return kUsage;
  }
  std::error_code error;
  if (!options.root.empty() && !std::filesystem::is_directory(options.root, error)) {
    err << "error: the root " << Escaped(options.root) << " is no directory\n";
    return kUsage;
  }
  Shower shower(options, out, err);
  for (const std::string& path : options.files) shower.Show(path);
  return shower.Finish();
}

}  // namespace lre_audit
