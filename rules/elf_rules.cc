// LRE1xx, first half: what an ELF object of the store says about itself.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

constexpr std::string_view kSearchPathHelp =
    "drop the element with patchelf --shrink-rpath or --set-rpath, or the -rpath flag that put it "
    "there; autoPatchelfHook sets store paths";

// The rule that an element of a search path falls under: the first that applies, so that one
// element is one finding.
enum class ElementFault { kNone, kBuildDirectory, kRelative, kEscapes, kOutside, kDangling };

ElementFault FaultOf(const Target& target) {
  if (target.place == Target::Place::kBuildDirectory) return ElementFault::kBuildDirectory;
  if (target.place == Target::Place::kRelative) return ElementFault::kRelative;
  if (target.escapes) return ElementFault::kEscapes;
  if (target.place == Target::Place::kOutside) return ElementFault::kOutside;
  return target.exists ? ElementFault::kNone : ElementFault::kDangling;
}

// One finding for each distinct element with this fault, made by `make`.
template <typename Make>
void JudgeSearchPath(const Subject& subject, ElementFault fault, Findings& findings, Make make) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    std::set<std::string_view> seen;
    for (const LinkedClaim& element : object.search_path) {
      if (FaultOf(element.target) != fault || !seen.insert(element.text).second) continue;
      findings.push_back(make(file, element));
    }
  });
}

std::string_view TagName(const LinkedClaim& element) {
  return element.kind == Claim::RPATH ? "RPATH" : "RUNPATH";
}

}  // namespace

void InterpreterOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  std::map<std::string, size_t> users;  // of each interpreter in the store
  ForEachStoreObject(subject, [&](const LinkedFile&, const LinkedObject& object) {
    if (object.interpreter && !LeadsOutside(object.interpreter->target)) {
      ++users[object.interpreter->text];
    }
  });
  const auto most_used = std::max_element(
      users.begin(), users.end(), [](const auto& a, const auto& b) { return a.second < b.second; });

  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    if (!object.interpreter || !LeadsOutside(object.interpreter->target)) return;
    const LinkedClaim& interpreter = *object.interpreter;
    Finding finding = ClaimFinding(
        rule, file, interpreter, "interpreter is outside the store",
        "link with -Wl,--dynamic-linker=<store path of the C library's loader>, or let patchelf "
        "--set-interpreter or autoPatchelfHook run in fixupPhase");
    finding.add_notes(interpreter.target.exists
                          ? absl::StrCat("the ", ToAbsl(TreeName(subject)),
                                         " has a file there, so it runs here "
                                         "and nowhere else for sure")
                          : absl::StrCat("nothing is at that path in this ",
                                         ToAbsl(TreeName(subject)),
                                         ": the kernel answers \"No such file or directory\""));
    if (most_used != users.end()) {
      finding.add_notes(absl::StrCat(Counted(most_used->second, "other object", "other objects"),
                                     " of this ", ToAbsl(TreeName(subject)),
                                     most_used->second == 1 ? " uses " : " use ",
                                     most_used->first));
    }
    findings.push_back(std::move(finding));
  });
}

void InterpreterMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    if (!object.interpreter || object.interpreter->target.place != Target::Place::kStore) return;
    const Target& target = object.interpreter->target;
    if (!LeadsToNoFile(target) && object.interpreter_is_object) return;
    Finding finding =
        ClaimFinding(rule, file, *object.interpreter,
                     absl::StrCat("interpreter is not in the ", ToAbsl(TreeName(subject))),
                     "add the C library's store path, or link against the one that is there");
    finding.add_notes(LeadsToNoFile(target) ? WhatIsMissing(target)
                                            : "what is there is no ELF object");
    findings.push_back(std::move(finding));
  });
}

void SearchPathOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeSearchPath(subject, ElementFault::kOutside, findings,
                  [&](const LinkedFile& file, const LinkedClaim& element) {
                    return ClaimFinding(rule, file, element,
                                        absl::StrCat("an element of ", ToAbsl(TagName(element)),
                                                     " is outside the store"),
                                        kSearchPathHelp);
                  });
}

void SearchPathRelative(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeSearchPath(
      subject, ElementFault::kRelative, findings,
      [&](const LinkedFile& file, const LinkedClaim& element) {
        return ClaimFinding(
            rule, file, element,
            absl::StrCat(element.text.empty() ? "an empty" : "a relative", " element of ",
                         ToAbsl(TagName(element)), " stands for the current directory"),
            "look for a doubled or trailing colon in -rpath, often an empty "
            "variable; use $ORIGIN for a path relative to the file");
      });
}

void SearchPathBuildDirectory(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeSearchPath(subject, ElementFault::kBuildDirectory, findings,
                  [&](const LinkedFile& file, const LinkedClaim& element) {
                    return ClaimFinding(rule, file, element,
                                        absl::StrCat("an element of ", ToAbsl(TagName(element)),
                                                     " names a build or home directory"),
                                        kSearchPathHelp);
                  });
}

void SearchPathEscapes(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeSearchPath(
      subject, ElementFault::kEscapes, findings,
      [&](const LinkedFile& file, const LinkedClaim& element) {
        Finding finding = ClaimFinding(
            rule, file, element,
            absl::StrCat("an element of ", ToAbsl(TagName(element)), " leads out of the store"),
            "count the .. after $ORIGIN, or point the symlink on the way into the store");
        finding.add_notes(absl::StrCat("it leads to ", element.target.path));
        return finding;
      });
}

void SearchPathDangling(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeSearchPath(subject, ElementFault::kDangling, findings,
                  [&](const LinkedFile& file, const LinkedClaim& element) {
                    return ClaimFinding(
                        rule, file, element,
                        absl::StrCat("an element of ", ToAbsl(TagName(element)),
                                     element.target.store_path_exists
                                         ? " names a directory that its store path does not have"
                                         : " names a store path that is not there"),
                        "add the store path, or drop the element with patchelf --shrink-rpath");
                  });
}

void ViewsDisagree(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    // Sections stand at the end of a file: what is missing there was not read.
    if (file.facts->half_read()) return;
    for (const ElfFacts::ViewDifference& difference : object.facts->view_differences()) {
      const std::string& referenced =
          difference.segments().empty() ? difference.sections() : difference.segments();
      Finding finding = FileFinding(
          rule, file, referenced,
          absl::StrCat("sections and segments disagree about ", difference.what()),
          "rebuild the file; a tool that rewrote one of the two and not the other, or a "
          "forger, left it like this");
      finding.set_evidence(absl::StrCat(difference.what(), ": the loader reads \"",
                                        difference.segments(), "\", readelf prints \"",
                                        difference.sections(), "\""));
      finding.mutable_location()->set_offset(static_cast<double>(difference.offset()));
      finding.set_cause(absl::StrCat(difference.what()));
      findings.push_back(std::move(finding));
    }
  });
}

void MalformedObject(const Subject& subject, const Rule& rule, Findings& findings) {
  constexpr int kMostNotes = 5;
  for (const LinkedFile& file : subject.files) {
    // What ended early is LRE901.
    if (file.store_path.empty() || file.facts->half_read()) continue;
    int count = 0;
    Finding finding;
    for (const Defect& defect : file.facts->defects()) {
      if (defect.kind() != Defect::MALFORMED) continue;
      const std::string where = absl::StrCat("at ", Hex(defect.offset()), ": ", defect.message());
      if (++count == 1) {
        finding = FileFinding(
            rule, file, "", absl::StrCat("the file is not what its magic says: ", defect.message()),
            "rebuild the file; if it is a test's data, allow it in the policy");
        finding.set_evidence(where);
        finding.mutable_location()->set_offset(static_cast<double>(defect.offset()));
      } else if (count <= kMostNotes + 1) {
        finding.add_notes(where);
      }
    }
    if (count == 0) continue;
    if (count > kMostNotes + 1) {
      finding.add_notes(absl::StrCat("and ", count - kMostNotes - 1, " more"));
    }
    findings.push_back(std::move(finding));
  }
}

void ForeignArchitecture(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    if (object.foreign_to.empty()) return;
    Finding finding =
        FileFinding(rule, file, object.machine,
                    absl::StrCat("is for ", object.machine, " in a tree for ", object.foreign_to),
                    "build the package for the tree's platform; a cross compiler's target files "
                    "can be allowed in the policy");
    finding.set_evidence(absl::StrCat("e_machine: ", object.machine));
    finding.set_cause(object.machine);
    findings.push_back(std::move(finding));
  });
}

void DebugPath(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    const LinkedClaim* first = nullptr;
    std::set<std::string> directories;
    for (const LinkedClaim& directory : object.debug_directories) {
      if (!LeadsElsewhere(directory.target)) continue;
      if (first == nullptr) first = &directory;
      directories.insert(directory.text);
    }
    if (first == nullptr) return;
    Finding finding =
        ClaimFinding(rule, file, *first, "debug information names a directory outside the store",
                     "compile with -ffile-prefix-map=$PWD=., or strip the debug information");
    if (directories.size() > 1) {
      finding.add_notes(
          absl::StrCat("all of them: ",
                       Names(std::vector<std::string>(directories.begin(), directories.end()))));
    }
    findings.push_back(std::move(finding));
  });
}

void ImpureLoader(const Subject& subject, const Rule& rule, Findings& findings) {
  // nixpkgs patches it into its glibc on purpose (dont-use-system-ld-so-preload.patch); the file
  // itself, where an image has one, is LRE408.
  constexpr std::string_view kNixPreload = "/etc/ld-nix.so.preload";
  ForEachStoreObject(subject, [&](const LinkedFile& file, const LinkedObject& object) {
    const LinkedClaim* first = nullptr;
    std::vector<std::string> places;
    for (const LinkedClaim& place : object.loader_defaults) {
      if (!LeadsOutside(place.target) || place.text == kNixPreload) continue;
      if (first == nullptr) first = &place;
      places.push_back(place.text);
    }
    if (first == nullptr) return;
    Finding finding =
        ClaimFinding(rule, file, *first, "the loader itself searches outside the store",
                     "use nixpkgs' glibc, whose cache and system directories are in the store; or "
                     "see that every object's RUNPATH is complete");
    finding.add_notes(absl::StrCat("it searches, or reads: ", Names(places)));
    findings.push_back(std::move(finding));
  });
}

}  // namespace lre_audit::judge
