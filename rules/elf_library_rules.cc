// LRE1xx, second half: what an ELF object of the store makes the loader load.
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

bool HasSlash(std::string_view name) { return name.find('/') != std::string_view::npos; }

// A name with a slash is opened as it stands, and says where it leads even if nothing is there.
bool IsOutside(const LinkedLibrary& library) {
  return (library.found || HasSlash(library.name)) && LeadsOutside(library.target);
}

Finding LibraryFinding(const Rule& rule, const LinkedFile& file, const LinkedLibrary& library,
                       std::string message, std::string_view help) {
  Finding finding = FileFinding(rule, file, library.name, std::move(message), help);
  finding.mutable_location()->set_offset(static_cast<double>(library.offset));
  finding.set_evidence(library.offset > 0
                           ? absl::StrCat("DT_NEEDED at ", Hex(library.offset), ": ", library.name)
                           : absl::StrCat("DT_NEEDED: ", library.name));
  finding.set_cause(library.name);
  return finding;
}

// "libz.so.1, found by RUNPATH element $ORIGIN/../lib".
std::string FoundNote(const LinkedLibrary& library) {
  std::string note = absl::StrCat("found at ", library.target.path, " by ", library.found_by);
  if (!library.element.empty()) absl::StrAppend(&note, ", element ", library.element);
  return note;
}

}  // namespace

void LibraryNotFound(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    // A program for another machine finds no library here for that reason alone: LRE118.
    if (!object.foreign_to.empty()) return;
    for (const LinkedLibrary& library : object.libraries) {
      if (library.found || library.found_in_process || library.half_read || IsOutside(library)) {
        continue;
      }
      if (!library.refused.empty()) {
        // The loader stops here: another file of this name would not be looked for.
        Finding finding = LibraryFinding(
            rule, file, library,
            absl::StrCat("library ", library.name, " is a file that the loader refuses"),
            "build or copy the package of this file anew; the loader does not look further");
        finding.add_notes(library.problem);
        findings.push_back(std::move(finding));
        continue;
      }
      Finding finding = LibraryFinding(
          rule, file, library, absl::StrCat("library ", library.name, " is found nowhere"),
          "add its package to buildInputs and let autoPatchelfHook or patchelf --add-rpath name "
          "it; an unwrapped lld or mold leaves RUNPATH empty");
      if (!library.elsewhere.empty() && !object.is_executable) {
        // A plugin may count on the program that loads it to have the library loaded already.
        finding.set_severity(Finding::WARNING);
        finding.set_message(absl::StrCat(
            "library ", library.name,
            " is found only where the loader looks if the process has loaded it already"));
      }
      if (!library.elsewhere.empty()) {
        finding.add_notes(absl::StrCat("a file of this name is at ", library.elsewhere,
                                       ", which no element of the search path names"));
      }
      if (!library.problem.empty()) finding.add_notes(library.problem);
      std::vector<std::string> elements;
      for (const LinkedClaim& element : object.search_path) elements.push_back(element.text);
      finding.add_notes(elements.empty() ? "the object has no search path"
                                         : absl::StrCat("its search path: ", Names(elements)));
      findings.push_back(std::move(finding));
    }
  });
}

void LibraryOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    for (const LinkedLibrary& library : object.libraries) {
      if (!IsOutside(library)) continue;
      Finding finding = LibraryFinding(
          rule, file, library,
          library.found ? absl::StrCat("library ", library.name, " comes from outside the store")
                        : absl::StrCat("library ", library.name, " is named outside the store"),
          "add a package that has it to buildInputs, and its lib directory to RUNPATH; patchelf "
          "--replace-needed turns a path into a name");
      if (library.found) finding.add_notes(FoundNote(library));
      findings.push_back(std::move(finding));
    }
  });
}

void LibraryUndeclared(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    for (const LinkedLibrary& library : object.libraries) {
      if (!library.found || !library.undeclared || IsOutside(library)) continue;
      Finding finding = LibraryFinding(
          rule, file, library,
          absl::StrCat("library ", library.name, " comes from a package that ",
                       ToAbsl(file.store_path), " does not refer to"),
          "name the library's directory in the object's own RUNPATH, so that Nix sees the "
          "reference and copies the path along");
      finding.add_notes(FoundNote(library));
      finding.set_cause(library.target.store_path);
      findings.push_back(std::move(finding));
    }
  });
}

void SymbolVersionMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    // A library that is too old lacks several versions at once: that is one cause.
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_library;
    for (const LinkedObject::MissingVersion& missing : object.missing_versions) {
      by_library[{missing.library, missing.library_path}].push_back(missing.version);
    }
    for (const auto& [library, versions] : by_library) {
      Finding finding = FileFinding(
          rule, file, versions.front(),
          absl::StrCat(library.first, " lacks ",
                       versions.size() == 1 ? "symbol version " : "symbol versions ",
                       Names(versions)),
          "build the object and its library against the same C library, or name the newer one in "
          "RUNPATH");
      finding.set_evidence(absl::StrCat("DT_VERNEED: ", versions.front(), " of ", library.first));
      finding.add_notes(absl::StrCat("the loader takes ", library.second));
      finding.set_cause(absl::StrCat(library.second, " ", versions.front()));
      findings.push_back(std::move(finding));
    }
  });
}

void TwoLibcs(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    if (object.c_libraries.size() < 2) return;
    // The odd one is the one that did not come with the interpreter.
    const std::string home = object.interpreter ? object.interpreter->target.store_path : "";
    std::string odd = object.c_libraries[1];
    for (const std::string& library : object.c_libraries) {
      if (!home.empty() && !IsBelow(library, home)) {
        odd = library;
        break;
      }
    }
    Finding finding = FileFinding(
        rule, file, odd,
        absl::StrCat("one process would load ", object.c_libraries.size(), " C libraries"),
        "build every library of the process against one C library: override its inputs, or keep "
        "other packages' lib directories out of RUNPATH");
    finding.set_evidence(absl::StrCat("C libraries: ", Names(object.c_libraries)));
    if (object.interpreter) {
      finding.add_notes(absl::StrCat("its interpreter is ", object.interpreter->text));
    }
    finding.set_cause(odd);
    findings.push_back(std::move(finding));
  });
}

void AuditModuleOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    for (const LinkedClaim& module : object.audit_modules) {
      if (!LeadsOutside(module.target)) continue;
      // A bare name is looked up in the search path, which has rules of its own.
      if (module.target.place == Target::Place::kRelative && !HasSlash(module.text)) continue;
      findings.push_back(ClaimFinding(
          rule, file, module, absl::StrCat(module.context, " leads outside the store"),
          "link without --audit, --depaudit, --filter or --auxiliary, or name a store path"));
    }
  });
}

void LoaderNoteOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  constexpr std::string_view kHelp =
      "write the note anew with patchelf after the last change of RUNPATH, or remove it";
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    for (const LinkedClaim& entry : object.ld_cache) {
      if (!LeadsOutside(entry.target)) continue;
      Finding finding = ClaimFinding(rule, file, entry,
                                     "the note .note.nixos.ldcache leads outside the store", kHelp);
      finding.add_notes("the loader reads the note before RUNPATH");
      findings.push_back(std::move(finding));
    }
    for (const std::string& contradiction : object.ld_cache_contradictions) {
      // "libz.so.1: note A, RUNPATH B"
      const std::string library = contradiction.substr(0, contradiction.find(':'));
      Finding finding = FileFinding(rule, file, library,
                                    absl::StrCat("the note .note.nixos.ldcache finds ", library,
                                                 " elsewhere than RUNPATH would"),
                                    kHelp);
      finding.set_evidence(contradiction);
      finding.set_cause(library);
      findings.push_back(std::move(finding));
    }
  });
}

void DlopenNotFound(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    for (const LinkedDlopen& dlopen : object.dlopens) {
      if (dlopen.found || dlopen.sonames.empty()) continue;
      std::string message = absl::StrCat(Names(dlopen.sonames),
                                         dlopen.sonames.size() == 1 ? ", which" : ", one of which",
                                         " it loads at run time, is found nowhere");
      Finding finding = FileFinding(
          rule, file, dlopen.sonames.front(), std::move(message),
          "add the library's package and name its lib directory in RUNPATH, or build the object "
          "without the feature");
      finding.set_evidence(absl::StrCat(".note.dlopen at ", Hex(dlopen.offset), ": ",
                                        Names(dlopen.sonames),
                                        dlopen.required ? ", required" : ""));
      finding.mutable_location()->set_offset(static_cast<double>(dlopen.offset));
      if (!dlopen.feature.empty()) {
        finding.add_notes(absl::StrCat("it is for the feature \"", dlopen.feature, "\""));
      }
      if (dlopen.required) finding.set_severity(Finding::ERROR);
      finding.set_cause(dlopen.sonames.front());
      findings.push_back(std::move(finding));
    }
  });
}

}  // namespace lre_audit::judge
