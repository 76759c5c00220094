// LRE3xx and LRE604: the tree against the closure.
#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

void JudgeNotInClosure(const Subject& subject, Subject::ClosureKind kind, const Rule& rule,
                       std::string_view help, Findings& findings) {
  if (subject.closure_kind != kind) return;
  for (const LinkedStorePath& path : subject.store_paths) {
    if (!path.in_tree || path.in_closure) continue;
    Finding finding = MakeFinding(rule, path.path, "",
                                  absl::StrCat("the ", ToAbsl(TreeName(subject)),
                                               " holds a store path that the closure does not"),
                                  help);
    finding.mutable_location()->set_layer(path.layer);
    if (!subject.closure_source.empty()) {
      finding.add_notes("the closure is from " + subject.closure_source);
    }
    if (!path.referrers.empty()) {
      finding.add_notes("referred to by " + Names(path.referrers, 3));
    }
    finding.set_cause(path.path);
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void PathNotInClosure(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeNotInClosure(subject, Subject::ClosureKind::kNamed, rule,
                    "build tree and closure from one evaluation, or remove what was added to the "
                    "tree by hand",
                    findings);
}

void OnlyInOneSide(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeNotInClosure(subject, Subject::ClosureKind::kDefault, rule,
                    "realise the path locally (nix-store --realise), or name the closure that the "
                    "tree should have with --closure",
                    findings);
  ToolchainPathNotInLocalStore(subject, rule, findings);
}

void ClosurePathMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  // A closure that was derived from the tree can say nothing about what is missing.
  if (subject.closure_kind == Subject::ClosureKind::kDerived) return;
  // Nor can a tree of which nothing could be read, such as an image whose registry does not answer.
  if (subject.files.empty() && !subject.problems.empty()) return;
  for (const LinkedStorePath& path : subject.store_paths) {
    if (!path.in_closure || path.in_tree) continue;
    Finding finding = MakeFinding(
        rule, path.path, path.recorded_hash,
        absl::StrCat(
            "the closure holds a store path that the ", ToAbsl(TreeName(subject)), " does not",
            path.referrers.empty()
                ? ""
                : absl::StrCat(", and ", Names(path.referrers, 1),
                               path.referrers.size() == 1 ? " refers to it" : " refer to it")),
        "copy the whole closure: nix-store --query --requisites lists it, dockerTools and "
        "nix2container include it by themselves");
    if (path.referrers.size() > 1) {
      finding.add_notes("referred to by " + Names(path.referrers));
    }
    if (!subject.closure_source.empty()) {
      finding.add_notes("the closure is from " + subject.closure_source);
    }
    finding.set_cause(path.path);
    findings.push_back(std::move(finding));
  }
}

void ReferenceDangling(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedFile& file : subject.files) {
    for (const int index : file.dangling) {
      if (index < 0 || index >= file.facts->references_size()) continue;
      const StoreReference& reference = file.facts->references(index);
      const std::string path = absl::StrCat(subject.store_directory, "/", reference.base_name());
      Finding finding = FileFinding(
          rule, file, path,
          absl::StrCat("the file refers to a store path that is not in the ",
                       ToAbsl(TreeName(subject))),
          "add the path to the tree; if the file only mentions it, remove the reference with "
          "nuke-refs or remove-references-to");
      finding.mutable_location()->set_offset(static_cast<double>(reference.offset()));
      finding.set_evidence(absl::StrCat("at ", Hex(reference.offset()), ": ", path));
      finding.set_cause(path);
      findings.push_back(std::move(finding));
    }
  }
}

void ReferenceHidden(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedFile& file : subject.files) {
    for (const LinkedFile::Hidden& hidden : file.hidden) {
      if (hidden.index < 0 || hidden.index >= file.facts->hidden_references_size()) continue;
      const HiddenReference& reference = file.facts->hidden_references(hidden.index);
      const std::string path = absl::StrCat(subject.store_directory, "/", reference.base_name());
      Finding finding = FileFinding(
          rule, file, path, "a reference that Nix's scan cannot see leads outside the closure",
          "write the path where Nix sees it, as in a file of nix-support, so that it becomes a "
          "reference; or remove it before the file is packed, with remove-references-to");
      const std::string& container = reference.container();
      finding.set_evidence(absl::StrCat(
          container.empty() ? "" : "in ", container, container.empty() ? "" : ", ",
          reference.utf16() ? "UTF-16 text " : "", "at ", Hex(reference.offset()), ": ", path));
      // Of packed contents the offset is not one in the file.
      if (container.empty()) {
        finding.mutable_location()->set_offset(static_cast<double>(reference.offset()));
      }
      if (hidden.in_tree) {
        finding.add_notes(absl::StrCat("the ", ToAbsl(TreeName(subject)),
                                       " holds the path, its closure does not"));
      }
      finding.set_cause(path);
      findings.push_back(std::move(finding));
    }
  }
}

void ReferenceUndeclared(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedStorePath& path : subject.store_paths) {
    for (size_t i = 0; i < path.undeclared.size(); ++i) {
      const bool known = i < path.undeclared_by.size() && !path.undeclared_by[i].empty();
      Finding finding = MakeFinding(
          rule, known ? path.undeclared_by[i] : path.path, path.undeclared[i],
          "the contents refer to a store path that the recorded references omit",
          "build the path again: contents and record do not come from one build, or the reference "
          "was added afterwards");
      finding.mutable_location()->set_layer(path.layer);
      finding.add_notes(absl::StrCat("the references recorded of ", path.path,
                                     " do not list it, so that copying the closure leaves it out"));
      finding.set_cause(path.undeclared[i]);
      findings.push_back(std::move(finding));
    }
  }
}

void NarHashMismatch(const Subject& subject, const Rule& rule, Findings& findings) {
  // The local store is the other side, and what differs there is LRE603.
  if (subject.closure_kind == Subject::ClosureKind::kDefault) return;
  for (const LinkedStorePath& path : subject.store_paths) {
    if (path.nar_hash.empty() || path.recorded_hash.empty() ||
        path.nar_hash == path.recorded_hash) {
      continue;
    }
    Finding finding = MakeFinding(
        rule, path.path, path.recorded_hash,
        "the contents of a store path are not those that the closure records",
        "restore the path: nix-store --repair-path on a store, a fresh build of an image; nothing "
        "may change store paths once Nix has written them");
    finding.set_evidence(
        absl::StrCat("NAR hash ", path.nar_hash, ", recorded ", path.recorded_hash));
    finding.mutable_location()->set_layer(path.layer);
    if (!subject.closure_source.empty()) {
      finding.add_notes("the closure is from " + subject.closure_source);
    }
    finding.set_cause(path.path);
    findings.push_back(std::move(finding));
  }
}

void StoreEntryInvalid(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const InvalidStoreEntry& entry : subject.invalid_entries) {
    Finding finding =
        MakeFinding(rule, entry.path, "", "an entry of the store directory is no store path",
                    "copy store paths, not the store directory: locks and temporary files belong "
                    "to the machine that made them");
    finding.set_evidence(entry.reason);
    finding.mutable_location()->set_layer(entry.layer);
    finding.set_cause(entry.reason);
    findings.push_back(std::move(finding));
  }
}

void SignatureInvalid(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedStorePath& path : subject.store_paths) {
    for (const std::string& fault : path.record_faults) {
      Finding finding = MakeFinding(
          rule, path.path, path.recorded_hash,
          "the closure's record of a store path is not to be believed",
          "find out who changed the record: fetch the path again from the cache that signs it, or "
          "build it; sign what is your own with nix store sign");
      finding.set_evidence(fault);
      finding.mutable_location()->set_layer(path.layer);
      if (!subject.closure_source.empty()) {
        finding.add_notes("the closure is from " + subject.closure_source);
      }
      finding.set_cause(path.path);
      findings.push_back(std::move(finding));
    }
  }
}

}  // namespace lre_audit::judge
