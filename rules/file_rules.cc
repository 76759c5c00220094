// LRE2xx: files of the store that are no ELF objects, and every file's metadata.
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

constexpr uint32_t kAnyExecute = 0111, kAnyWrite = 0222, kSetIds = 06000;
constexpr std::string_view kCapability = "security.capability";  // capabilities(7)
constexpr std::string_view kSelinux = "security.selinux";        // a label of the host's

bool IsExecutable(const FileFacts& facts) {
  return facts.type() == FileFacts::REGULAR && (facts.mode() & kAnyExecute) != 0;
}

// Calls function(file, claim) for the claims of this kind that the files of the store make.
template <typename Function>
void ForEachStoreClaim(const Subject& subject, Claim::Kind kind, Function function) {
  for (const LinkedFile& file : subject.files) {
    if (file.store_path.empty()) continue;
    for (const LinkedClaim& claim : file.claims) {
      if (claim.kind == kind) function(file, claim);
    }
  }
}

// Files of one store path with the same fault: written by one tool, so one finding.
struct Fold {
  const LinkedFile* first = nullptr;  // by path
  size_t count = 0;

  void Add(const LinkedFile& file) {
    ++count;
    if (first == nullptr || file.facts->path() < first->facts->path()) first = &file;
  }
};

}  // namespace

void ShebangOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreClaim(subject, Claim::SHEBANG, [&](const LinkedFile& file, const LinkedClaim& claim) {
    if (!LeadsOutside(claim.target)) return;
    const bool executable = IsExecutable(*file.facts);
    Finding finding =
        ClaimFinding(rule, file, claim,
                     executable ? "the script's interpreter is outside the store"
                                : "the interpreter of a script that is not executable is outside "
                                  "the store",
                     "let patchShebangs run on the file, with the interpreter in buildInputs");
    finding.add_notes(absl::StrCat(
        "in this ", ToAbsl(TreeName(subject)),
        claim.target.exists ? " there is a file at that path" : " nothing is at that path"));
    if (!executable) finding.set_severity(Finding::NOTE);
    findings.push_back(std::move(finding));
  });
}

void ShebangMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreClaim(subject, Claim::SHEBANG, [&](const LinkedFile& file, const LinkedClaim& claim) {
    if (!LeadsToNoFile(claim.target)) return;
    const bool executable = IsExecutable(*file.facts);
    // Data that names a store path that is missing is LRE303.
    if (!executable && !claim.target.store_path_exists) return;
    Finding finding = ClaimFinding(
        rule, file, claim,
        absl::StrCat("the script's interpreter is not in the ", ToAbsl(TreeName(subject))),
        "add the interpreter's store path, or run patchShebangs with one that is there");
    finding.add_notes(WhatIsMissing(claim.target));
    if (!executable) finding.set_severity(Finding::NOTE);
    findings.push_back(std::move(finding));
  });
}

void SymlinkOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreClaim(
      subject, Claim::SYMLINK_TARGET, [&](const LinkedFile& file, const LinkedClaim& claim) {
        if (!LeadsOutside(claim.target)) return;
        Finding finding = ClaimFinding(rule, file, claim, "a symlink of the store leads outside it",
                                       "link to the file's store path, or copy the file");
        if (claim.target.path != claim.text) {
          finding.add_notes("it leads to " + claim.target.path);
        }
        findings.push_back(std::move(finding));
      });
}

// Symlinks outside the store too: an image's /bin/sh that dangles into the store is as broken.
void SymlinkDangling(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedFile& file : subject.files) {
    for (const LinkedClaim& claim : file.claims) {
      if (claim.kind != Claim::SYMLINK_TARGET || !LeadsToMissing(claim.target)) continue;
      const bool inside = !file.store_path.empty() && file.store_path == claim.target.store_path;
      Finding finding =
          ClaimFinding(rule, file, claim,
                       inside ? "a symlink dangles inside its own store path"
                              : "a symlink leads to a store path that is not there",
                       "add the store path that it leads to, or remove the link in fixupPhase");
      if (claim.target.path != claim.text) finding.add_notes("it leads to " + claim.target.path);
      if (!inside && claim.target.store_path_exists) {
        finding.set_message("a symlink leads to a file that its store path does not have");
      }
      // Packages leave such links in documentation; another package's absence breaks users.
      if (inside) finding.set_severity(Finding::WARNING);
      findings.push_back(std::move(finding));
    }
  }
}

void WrapperOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const Claim::Kind kind : {Claim::WRAPPER, Claim::NIX_SUPPORT}) {
    ForEachStoreClaim(subject, kind, [&](const LinkedFile& file, const LinkedClaim& claim) {
      if (!LeadsElsewhere(claim.target)) return;
      findings.push_back(ClaimFinding(
          rule, file, claim,
          kind == Claim::WRAPPER ? "a wrapper script runs or passes a path outside the store"
                                 : "a nix-support file passes a path outside the store",
          "name the store path in makeWrapper's arguments or the package's setup; the path comes "
          "from the environment that the wrapper was generated in"));
    });
  }
}

void BuildMetadataOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  ForEachStoreClaim(
      subject, Claim::BUILD_METADATA, [&](const LinkedFile& file, const LinkedClaim& claim) {
        if (!LeadsElsewhere(claim.target)) return;
        findings.push_back(
            ClaimFinding(rule, file, claim, "build metadata names a path outside the store",
                         "set the package's prefix, libdir or sysroot at configure time, or "
                         "substitute the path in postInstall"));
      });
}

void EmbeddedPath(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedFile& file : subject.files) {
    if (file.store_path.empty()) continue;
    const LinkedClaim* first = nullptr;
    std::set<std::string> paths;
    for (const LinkedClaim& claim : file.claims) {
      if (claim.kind != Claim::EMBEDDED || !LeadsElsewhere(claim.target)) continue;
      if (first == nullptr || claim.offset < first->offset) first = &claim;
      paths.insert(claim.text);
    }
    if (first == nullptr) continue;
    Finding finding =
        ClaimFinding(rule, file, *first,
                     absl::StrCat("the file embeds ", Counted(paths.size(), "path", "paths"),
                                  " outside the store"),
                     "worth a look only where the program opens the path at run time");
    if (paths.size() > 1) {
      finding.add_notes("embedded: " + Names(std::vector<std::string>(paths.begin(), paths.end())));
    }
    findings.push_back(std::move(finding));
  }
}

void PrivilegedFile(const Subject& subject, const Rule& rule, Findings& findings) {
  constexpr std::string_view kHelp =
      "drop the bits with chmod or setcap -r in the layer that sets them; Nix never writes them";
  for (const LinkedFile& file : subject.files) {
    const FileFacts& facts = *file.facts;
    if (file.store_path.empty() || facts.type() != FileFacts::REGULAR) continue;
    if ((facts.mode() & kSetIds) != 0) {
      const std::string mode = absl::StrFormat("%04o", facts.mode());
      Finding finding =
          FileFinding(rule, file, mode, "a file of the store is setuid or setgid", kHelp);
      finding.set_evidence(absl::StrFormat("mode %s, owner %d:%d", mode, facts.uid(), facts.gid()));
      findings.push_back(std::move(finding));
    }
    for (const std::string& xattr : facts.xattrs()) {
      if (xattr != kCapability) continue;
      Finding finding =
          FileFinding(rule, file, xattr, "a file of the store has capabilities", kHelp);
      finding.set_evidence("extended attribute " + xattr);
      findings.push_back(std::move(finding));
    }
  }
}

void WritableStoreFile(const Subject& subject, const Rule& rule, Findings& findings) {
  std::map<std::string_view, Fold> folds;  // by store path
  for (const LinkedFile& file : subject.files) {
    const FileFacts& facts = *file.facts;
    const bool has_mode =
        facts.type() == FileFacts::REGULAR || facts.type() == FileFacts::DIRECTORY;
    if (!file.store_path.empty() && has_mode && (facts.mode() & kAnyWrite) != 0) {
      folds[file.store_path].Add(file);
    }
  }
  for (const auto& [store_path, fold] : folds) {
    Finding finding = FileFinding(
        rule, *fold.first, "",
        fold.count == 1
            ? "a file or directory of the store is writable"
            : absl::StrCat(fold.count, " files and directories of a store path are writable"),
        "chmod -R a-w the store path when the image is built; COPY and image builders that unpack "
        "and repack add the owner's write bit");
    finding.set_evidence(absl::StrFormat("mode %04o", fold.first->facts->mode()));
    if (fold.count > 1) {
      finding.add_notes(absl::StrCat("all are in ", ToAbsl(store_path), "; the first is shown"));
    }
    finding.set_cause("writable");  // one image builder writes all of them
    findings.push_back(std::move(finding));
  }
}

void SpecialFile(const Subject& subject, const Rule& rule, Findings& findings) {
  for (const LinkedFile& file : subject.files) {
    if (file.store_path.empty()) continue;
    std::string_view what;
    switch (file.facts->type()) {
      case FileFacts::CHARACTER_DEVICE:
        what = "character device";
        break;
      case FileFacts::BLOCK_DEVICE:
        what = "block device";
        break;
      case FileFacts::FIFO:
        what = "fifo";
        break;
      case FileFacts::SOCKET:
        what = "socket";
        break;
      default:
        continue;
    }
    Finding finding = FileFinding(rule, file, "", "a special file is in the store",
                                  "remove it: a store path holds files, directories and symlinks");
    finding.set_evidence(std::string(what));
    findings.push_back(std::move(finding));
  }
}

void MetadataNotCanonical(const Subject& subject, const Rule& rule, Findings& findings) {
  struct Faults {
    Fold any, mtime, owner, mode, xattrs;
  };
  std::map<std::string_view, Faults> by_path;  // by store path
  for (const LinkedFile& file : subject.files) {
    if (file.store_path.empty()) continue;
    const FileFacts& facts = *file.facts;
    // Nix writes 1; image builders that follow SOURCE_DATE_EPOCH=0 write 0.
    const bool mtime = facts.mtime() != 0 && facts.mtime() != 1;
    const bool owner = facts.uid() != 0 || facts.gid() != 0;
    const bool has_mode =
        facts.type() == FileFacts::REGULAR || facts.type() == FileFacts::DIRECTORY;
    // What is writable is LRE209, a file that is setuid LRE208; on a directory setgid grants
    // nothing.
    const bool privileged = facts.type() == FileFacts::REGULAR && (facts.mode() & kSetIds) != 0;
    const bool mode = has_mode && (facts.mode() & kAnyWrite) == 0 && !privileged &&
                      facts.mode() != 0444 && facts.mode() != 0555;
    bool xattrs = false;
    for (const std::string& xattr : facts.xattrs()) {
      xattrs = xattrs || (xattr != kCapability && xattr != kSelinux);
    }
    if (!mtime && !owner && !mode && !xattrs) continue;
    Faults& faults = by_path[file.store_path];
    faults.any.Add(file);
    if (mtime) faults.mtime.Add(file);
    if (owner) faults.owner.Add(file);
    if (mode) faults.mode.Add(file);
    if (xattrs) faults.xattrs.Add(file);
  }
  for (const auto& [store_path, faults] : by_path) {
    const LinkedFile& first = *faults.any.first;
    Finding finding = FileFinding(
        rule, first, "",
        absl::StrCat("metadata of ", Counted(faults.any.count, "file", "files"),
                     " of a store path is not what Nix writes"),
        "build the image with dockerTools or nix2container, or copy the store with its metadata");
    finding.set_evidence(absl::StrFormat("mtime %d, owner %d:%d, mode %04o", first.facts->mtime(),
                                         first.facts->uid(), first.facts->gid(),
                                         first.facts->mode()));
    finding.add_notes(absl::StrCat(ToAbsl(store_path), ": mtime not 1 in ", faults.mtime.count,
                                   ", owner not 0:0 in ", faults.owner.count,
                                   ", mode not 0444 or 0555 in ", faults.mode.count,
                                   ", extended attributes in ", faults.xattrs.count));
    finding.set_cause("metadata");  // one image builder writes all of them
    findings.push_back(std::move(finding));
  }
}

}  // namespace lre_audit::judge
