// LRE5xx, LRE601, LRE602, and LRE604 of a toolchain: what its files name, where its tools run.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/paths.h"
#include "base/text.h"
#include "rules/config_finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

// Claims that are told as one: the first of them, and what the others are for.
struct Fold {
  const ToolchainClaim* first = nullptr;
  std::set<std::string> contexts;
  size_t count = 0;

  void Add(const ToolchainClaim& claim) {
    if (first == nullptr) first = &claim;
    if (!claim.claim->context().empty()) contexts.insert(claim.claim->context());
    ++count;
  }
};

// "named 11 times in the toolchain: ar, cpp, dwp and 8 more".
std::string HowOften(const Fold& fold) {
  std::string note = absl::StrCat("named ", fold.count, " times in the toolchain");
  if (!fold.contexts.empty()) {
    absl::StrAppend(&note, ": ", Names({fold.contexts.begin(), fold.contexts.end()}));
  }
  return note;
}

// Headers are told together: a module map of a compiler outside the store names thousands.
bool IsModuleMap(const ConfigFacts& file) { return absl::EndsWith(file.path(), "modulemap"); }

// One finding for each line that names a path outside the store, in these kinds of claims.
void JudgeOutside(const Subject& subject, const std::set<Claim::Kind>& kinds, const Rule& rule,
                  std::string_view message, std::string_view help, Findings& findings) {
  if (!subject.toolchain) return;
  for (const ToolchainClaim& claim : subject.toolchain->claims) {
    if (!kinds.contains(claim.claim->kind()) || !LeadsElsewhere(claim.target)) continue;
    Finding finding =
        ToolchainFinding(rule, claim, claim.claim->text(), std::string(message), help);
    if (claim.target.path != claim.claim->text() && !claim.target.path.empty()) {
      finding.add_notes("it leads to " + claim.target.path);
    }
    finding.set_cause(IsModuleMap(*claim.file) ? claim.file->path() : claim.claim->text());
    findings.push_back(std::move(finding));
  }
}

// The view lacks the whole store path.
bool LacksStorePath(const ToolchainClaim& claim, size_t view) {
  return view < claim.targets.size() && claim.targets[view].looked_up &&
         !claim.target.store_path.empty() && !claim.targets[view].target.store_path_exists;
}

// The view has the store path, and not what is named in it.
bool LacksFile(const ToolchainClaim& claim, size_t view) {
  return view < claim.targets.size() && claim.targets[view].looked_up &&
         claim.targets[view].target.store_path_exists && claim.targets[view].file_known &&
         (!claim.targets[view].target.exists || !claim.targets[view].problem.empty());
}

// What is wrong with a claim that LacksFile, as a note.
std::string WhatIsWrong(const ViewTarget& target) {
  return target.problem.empty() ? "its store path is there, the file is not" : target.problem;
}

// One finding for each path of these kinds of claims that is in the store and not there, in
// whichever views.
template <typename IsMissing>
void JudgeMissing(const Subject& subject, const std::set<Claim::Kind>& kinds, const Rule& rule,
                  std::string_view what, const IsMissing& is_missing, std::string_view help,
                  Findings& findings) {
  if (!subject.toolchain) return;
  struct Missing {
    Fold fold;
    std::set<size_t> views;
  };
  std::map<std::string, Missing> missing;  // by path
  for (const ToolchainClaim& claim : subject.toolchain->claims) {
    if (!kinds.contains(claim.claim->kind())) continue;
    std::set<size_t> views;
    for (size_t view = 0; view < claim.targets.size(); ++view) {
      if (is_missing(claim, view)) views.insert(view);
    }
    if (views.empty()) continue;
    Missing& path = missing[claim.claim->text()];
    path.fold.Add(claim);
    path.views.merge(views);
  }
  for (const auto& [path, lacking] : missing) {
    std::vector<std::string> names;
    std::set<std::string> wrongs;
    bool is_promised = false, is_there = true;
    for (const size_t view : lacking.views) {
      const ViewTarget& target = lacking.fold.first->targets[view];
      names.push_back(ViewName(subject.toolchain->views[view]));
      wrongs.insert(WhatIsWrong(target));
      is_there &= target.target.exists;
      is_promised |= subject.toolchain->views[view].kind != ToolchainView::Kind::kDefaultLocal;
    }
    Finding finding = ToolchainFinding(
        rule, *lacking.fold.first, path,
        absl::StrCat(ToAbsl(what), is_there ? " is there and of no use in " : " is missing in ",
                     Names(names)),
        help);
    for (const std::string& wrong : wrongs) finding.add_notes(wrong);
    if (lacking.fold.count > 1) finding.add_notes(HowOften(lacking.fold));
    // Nobody promised that the local store is complete.
    if (!is_promised) finding.set_severity(std::min(rule.severity, Finding::WARNING));
    finding.set_cause(path);
    findings.push_back(std::move(finding));
  }
}

constexpr std::string_view kLackingHelp =
    "build toolchain, image and local closure from one evaluation, and generate the toolchain anew "
    "whenever the image changes";

// One finding for each view of this kind and store path that it lacks; and for each file that a
// flag names, where the store path is there.
void JudgeLacking(const Subject& subject, ToolchainView::Kind kind, const Rule& rule,
                  Findings& findings) {
  if (!subject.toolchain) return;
  const LinkedToolchain& toolchain = *subject.toolchain;
  for (size_t view = 0; view < toolchain.views.size(); ++view) {
    if (toolchain.views[view].kind != kind) continue;
    std::map<std::string, Fold> paths, files;
    for (const ToolchainClaim& claim : toolchain.claims) {
      if (LacksStorePath(claim, view)) {
        paths[claim.target.store_path].Add(claim);
      } else if (claim.claim->kind() == Claim::FLAG && LacksFile(claim, view)) {
        files[claim.claim->text()].Add(claim);
      }
    }
    const std::string name = ViewName(toolchain.views[view]);
    for (const auto& [path, fold] : paths) {
      Finding finding = ToolchainFinding(
          rule, *fold.first, path,
          absl::StrCat("the toolchain names a store path that ", name, " lacks"), kLackingHelp);
      finding.add_notes("the store path is " + path);
      if (fold.count > 1) finding.add_notes(HowOften(fold));
      finding.set_cause(path);
      findings.push_back(std::move(finding));
    }
    for (const auto& [path, fold] : files) {
      Finding finding = ToolchainFinding(
          rule, *fold.first, path,
          absl::StrCat("a flag of the toolchain names a file that ", name,
                       fold.first->targets[view].target.exists ? " cannot use" : " lacks"),
          kLackingHelp);
      finding.add_notes(WhatIsWrong(fold.first->targets[view]));
      if (fold.count > 1) finding.add_notes(HowOften(fold));
      finding.set_cause(path);
      findings.push_back(std::move(finding));
    }
  }
}

// A C library as a toolchain declares it ("glibc_2.38") or a closure holds it.
struct Libc {
  std::string name, version;
};

// "local", "unknown", "macosx" say nothing, and give no version.
Libc DeclaredLibc(const std::string& value) {
  const size_t end = value.find_first_of("_-");
  if (end == std::string::npos || end + 1 == value.size()) return {};
  const std::string version = value.substr(end + 1);
  if (version.find_first_not_of("0123456789.") != std::string::npos) return {};
  return {value.substr(0, end), version};
}

// "2.42" is 2.42.1, as far as it says.
bool SameVersion(const std::string& a, const std::string& b) {
  return a == b || absl::StartsWith(a, b + ".") || absl::StartsWith(b, a + ".");
}

}  // namespace

void ToolOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeOutside(
      subject, {Claim::TOOL}, rule, "tool is outside the store",
      "generate the toolchain where the tool comes from Nix: put its package into the PATH "
      "of the generator's Env",
      findings);
}

void ToolMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeMissing(subject, {Claim::TOOL, Claim::SHEBANG, Claim::WRAPPER}, rule, "tool", LacksFile,
               "generate the toolchain anew: its store paths are those of another build, or the "
               "copy lost files",
               findings);
}

void IncludeDirectoryOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeOutside(subject, {Claim::INCLUDE_DIRECTORY}, rule, "include directory is outside the store",
               "generate the toolchain with a compiler that has no such directory built in, and "
               "remove the entry",
               findings);
}

void IncludeDirectoryMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  // A module map names headers; lists of directories have to name directories.
  const auto is_missing = [](const ToolchainClaim& claim, size_t view) {
    if (LacksFile(claim, view)) return true;
    if (view >= claim.targets.size() || LacksStorePath(claim, view)) return false;
    const ViewTarget& target = claim.targets[view];
    return target.looked_up && target.file_known && !target.target.is_directory &&
           !IsModuleMap(*claim.file);
  };
  JudgeMissing(subject, {Claim::INCLUDE_DIRECTORY}, rule, "include directory", is_missing,
               "generate the toolchain anew with the compiler that the image holds", findings);
}

void FlagOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeOutside(subject, {Claim::FLAG}, rule, "flag names a path outside the store",
               "take the flag out, or let it name a store path that is in the closure", findings);
}

void ScriptOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeOutside(subject, {Claim::SHEBANG, Claim::WRAPPER}, rule,
               "script runs or names a path outside the store",
               "let patchShebangs run over the generated scripts, and name commands by their store "
               "paths",
               findings);
}

void LibcMismatch(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.toolchain || subject.toolchain->c_libraries.empty()) return;
  std::vector<std::string> there;
  for (const LinkedToolchain::CLibrary& library : subject.toolchain->c_libraries) {
    there.push_back(
        absl::StrCat(library.name, " ", library.version, " (", library.store_path, ")"));
  }
  std::set<std::pair<std::string, std::string>> told;  // file and key
  for (const LinkedSetting& setting : subject.toolchain->settings) {
    if (setting.setting->kind() != Setting::LIBC) continue;
    const Libc declared = DeclaredLibc(setting.setting->value());
    if (declared.version.empty()) continue;
    bool found = false;
    for (const LinkedToolchain::CLibrary& library : subject.toolchain->c_libraries) {
      found |= library.name == declared.name && SameVersion(library.version, declared.version);
    }
    if (found || !told.emplace(setting.file->path(), setting.setting->key()).second) continue;
    const LinkedToolchain::CLibrary& first = subject.toolchain->c_libraries.front();
    Finding finding = SettingFinding(
        rule, setting, setting.setting->value(),
        absl::StrCat(setting.setting->key(), " declares ", declared.name, " ", declared.version,
                     ", and the toolchain's C library is ", first.name, " ", first.version),
        "generate the toolchain with the C library that its compiler uses; rbe_configs_gen asks "
        "the machine it runs on");
    finding.add_notes(Names(there, 3));
    findings.push_back(std::move(finding));
  }
}

void ToolUnresolved(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.toolchain) return;
  std::set<std::string> files;
  for (const ToolchainClaim& claim : subject.toolchain->claims) files.insert(claim.file->path());
  for (const ToolchainClaim& claim : subject.toolchain->claims) {
    const std::string& text = claim.claim->text();
    if (claim.claim->kind() != Claim::TOOL || text.find('/') != std::string::npos ||
        claim.target.place != Target::Place::kRelative) {
      continue;
    }
    const std::string& path = claim.file->path();
    if (files.contains(absl::StrCat(path.substr(0, path.rfind('/') + 1), text))) continue;
    const bool none = text.empty() || text == "None";
    const std::string tool =
        claim.claim->context().empty() ? "a tool" : "tool " + claim.claim->context();
    findings.push_back(ToolchainFinding(
        rule, claim, claim.claim->context(),
        absl::StrCat(tool,
                     none ? " has no path" : " is a bare name, which PATH would have to find"),
        none ? "actions that need the tool fail; if there are some, put its package into the "
               "generator's Env"
             : "name the tool by its store path"));
  }
}

void ToolchainPathNotInImage(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeLacking(subject, ToolchainView::Kind::kImage, rule, findings);
}

void ToolchainPathNotLocal(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeLacking(subject, ToolchainView::Kind::kLocal, rule, findings);
}

void ToolchainPathNotInLocalStore(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeLacking(subject, ToolchainView::Kind::kDefaultLocal, rule, findings);
}

}  // namespace lre_audit::judge
