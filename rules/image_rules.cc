// LRE4xx: what is in an image beside its store paths.
#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "rules/absences.h"
#include "rules/finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

constexpr uint32_t kElfExecutable = 2, kElfSharedObject = 3;  // ET_EXEC, ET_DYN

// One finding for each problem of this kind.
void JudgeProblems(const Subject& subject, LinkedProblem::Kind kind, const Rule& rule,
                   std::string_view message, std::string_view help, Findings& findings) {
  for (const LinkedProblem& problem : subject.problems) {
    if (problem.kind != kind) continue;
    Finding finding =
        MakeFinding(rule, problem.where, problem.expected, std::string(message), help);
    finding.set_evidence(
        problem.expected.empty() && problem.actual.empty()
            ? problem.message
            : absl::StrCat("expected ", problem.expected, ", found ", problem.actual));
    if (!problem.message.empty() && problem.message != finding.evidence()) {
      finding.add_notes(problem.message);
    }
    finding.mutable_location()->set_offset(static_cast<double>(problem.offset));
    finding.set_cause(problem.where);
    findings.push_back(std::move(finding));
  }
}

// A finding about a claim of the image's configuration: `who` is the variable or field.
Finding ConfigurationFinding(const Rule& rule, const LinkedClaim& claim, std::string message,
                             std::string_view help) {
  Finding finding = MakeFinding(rule, claim.context, claim.text, std::move(message), help);
  finding.set_evidence(absl::StrCat(claim.kind == Claim::ENVIRONMENT ? "Env " : "", claim.context,
                                    ": ", claim.text.empty() ? "(empty)" : claim.text));
  finding.set_cause(claim.text);
  return finding;
}

// The files by which a host tells its loader what to load: ld.so(8), ldconfig(8), musl's
// ldso/dynlink.c. glibc as nixpkgs builds it reads ld-nix.so.preload instead of ld.so.preload.
bool IsLoaderConfiguration(std::string_view path) {
  constexpr std::array<std::string_view, 4> kFiles = {
      "/etc/ld.so.preload", "/etc/ld-nix.so.preload", "/etc/ld.so.conf", "/etc/ld.so.cache"};
  return std::find(kFiles.begin(), kFiles.end(), path) != kFiles.end() ||
         IsBelow(path, "/etc/ld.so.conf.d") ||
         (absl::StartsWith(ToAbsl(path), "/etc/ld-musl-") && absl::EndsWith(ToAbsl(path), ".path"));
}

// Variables by which code gets into every process: ld.so(8); GCONV_PATH makes iconv(3) load
// modules; DYLD_* is dyld(1)'s. Others of ld.so's (LD_BIND_NOW, LD_DEBUG...) load nothing.
bool IsLoaderVariable(std::string_view name) {
  constexpr std::array<std::string_view, 8> kVariables = {"LD_LIBRARY_PATH",
                                                          "LD_PRELOAD",
                                                          "LD_AUDIT",
                                                          "LD_ORIGIN_PATH",
                                                          "GCONV_PATH",
                                                          "DYLD_LIBRARY_PATH",
                                                          "DYLD_INSERT_LIBRARIES",
                                                          "DYLD_FALLBACK_LIBRARY_PATH"};
  return std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end();
}

bool IsProgramOrLibrary(const LinkedFile& file) {
  return file.object && (file.object->facts->type() == kElfExecutable ||
                         file.object->facts->type() == kElfSharedObject);
}

}  // namespace

void BlobDigestMismatch(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeProblems(subject, LinkedProblem::Kind::kDigestMismatch, rule,
                "a blob is not what its descriptor says",
                "fetch or build the image again; a registry or copy altered the blob", findings);
}

void DiffIdMismatch(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeProblems(subject, LinkedProblem::Kind::kDiffIdMismatch, rule,
                "a layer's contents are not what the image's configuration says",
                "build the image again; layer and configuration come from different builds, or a "
                "tool packed the layer anew and changed it: skopeo 1.9 with zstd:chunked does",
                findings);
}

void ImageViewsDisagree(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeProblems(subject, LinkedProblem::Kind::kViewsDisagree, rule,
                "two descriptions of the image differ",
                "build or save the image again, and load it with one tool only until it is: which "
                "description counts depends on the reader",
                findings);
}

void TrailingData(const Subject& subject, const Rule& rule, Findings& findings) {
  JudgeProblems(subject, LinkedProblem::Kind::kTrailingData, rule,
                "bytes follow the end of a layer's archive",
                "build the layer with one tar only; readers disagree about what follows its end",
                findings);
}

void FileOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  if (subject.kind != Subject::Kind::kImage) return;
  constexpr std::string_view kHelp =
      "remove the file from the image, or put it into a store path; the policy can allow what the "
      "runtime needs";
  for (const LinkedFile& file : subject.files) {
    const FileFacts& facts = *file.facts;
    // Invalid entries of the store directory are LRE307.
    if (!file.store_path.empty() || IsBelow(facts.path(), subject.store_directory)) continue;
    if (facts.type() == FileFacts::DIRECTORY) continue;
    if (facts.type() == FileFacts::SYMLINK) {
      for (const LinkedClaim& claim : file.claims) {
        if (claim.kind != Claim::SYMLINK_TARGET || !LeadsOutside(claim.target)) continue;
        // What lies in a directory of the image is judged file by file.
        if (claim.target.exists && claim.target.is_directory) continue;
        Finding finding = ClaimFinding(rule, file, claim,
                                       "a symlink outside the store does not lead into it", kHelp);
        finding.set_severity(Finding::WARNING);
        findings.push_back(std::move(finding));
      }
      continue;
    }
    const bool elf = IsProgramOrLibrary(file);
    const bool executable = facts.type() == FileFacts::REGULAR && (facts.mode() & 0111) != 0;
    Finding finding =
        FileFinding(rule, file, "",
                    elf          ? "the image holds a program or library outside the store"
                    : executable ? "the image holds an executable file outside the store"
                                 : "the image holds a file outside the store",
                    kHelp);
    if (!elf && !executable) finding.set_severity(Finding::WARNING);
    if (elf) finding.set_evidence("ELF object for " + file.object->machine);
    findings.push_back(std::move(finding));
  }
}

void StorePathAltered(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.image) return;
  for (const Alteration& alteration : subject.image->alterations) {
    const std::string_view store_path = StorePathOf(alteration.path, subject.store_directory);
    Finding finding = MakeFinding(
        rule, alteration.path, store_path,
        alteration.lower.empty()
            ? absl::StrCat(alteration.upper, " ", alteration.how,
                           " a file of a store path that a lower layer holds")
            : absl::StrCat(alteration.upper, " ", alteration.how, " a file of a store path that ",
                           alteration.lower, " holds"),
        "leave store paths alone after they are copied in: change the derivation, not the image");
    finding.mutable_location()->set_layer(alteration.upper);
    finding.set_evidence(absl::StrCat(alteration.upper, " ", alteration.how, " ", alteration.path));
    finding.set_cause(std::string(store_path));
    findings.push_back(std::move(finding));
  }
}

void EnvironmentOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.image) return;
  for (const LinkedClaim& claim : subject.image->environment) {
    if (!LeadsOutside(claim.target)) continue;
    const bool relative = claim.target.place == Target::Place::kRelative;
    findings.push_back(ConfigurationFinding(
        rule, claim,
        absl::StrCat(claim.context,
                     relative && claim.text.empty()
                         ? " has an empty element, which stands for the current directory"
                     : relative ? " has a relative element"
                                : " names a path outside the store"),
        "set the variable to store paths in the image's configuration"));
  }
}

void EnvironmentPathMissing(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.image) return;
  for (const LinkedClaim& claim : subject.image->environment) {
    if (!LeadsToMissing(claim.target)) continue;
    findings.push_back(ConfigurationFinding(
        rule, claim, claim.context + " names a store path that is not in the image",
        "add the store path to the image's contents, or rebuild the configuration with them"));
  }
}

void LoaderEnvironment(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.image) return;
  for (const LinkedImage::Variable& variable : subject.image->loader_variables) {
    if (variable.value.empty() || !IsLoaderVariable(variable.name)) continue;
    Finding finding = MakeFinding(
        rule, variable.name, variable.value,
        "Env sets " + variable.name + ", which every program of the image obeys",
        "unset it; let RUNPATH name what a program needs, and wrap the one program that "
        "needs more");
    finding.set_evidence(absl::StrCat("Env ", variable.name, "=", variable.value));
    finding.set_cause(variable.name);
    findings.push_back(std::move(finding));
  }
}

void EntrypointOutsideStore(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.image) return;
  const bool may_lack_files = MayLackFiles(subject);
  for (size_t i = 0; i < subject.image->entrypoint.size(); ++i) {
    const LinkedClaim& claim = subject.image->entrypoint[i];
    const bool program = i == 0;
    std::string message;
    if (program ? LeadsToNoFile(claim.target) : LeadsToMissing(claim.target)) {
      if (may_lack_files && !claim.target.is_directory) continue;
      message =
          claim.context + (claim.target.is_directory ? " is a directory" : " is not in the image");
    } else if (claim.target.place == Target::Place::kRelative) {
      if (may_lack_files) continue;
      message = claim.context + " is found neither in the image's PATH nor by itself";
    } else if (LeadsOutside(claim.target)) {
      message =
          claim.context + (claim.target.exists ? " is outside the store"
                                               : " is outside the store, and not in the image");
    } else {
      continue;
    }
    if (!program) message.insert(0, "an argument of ");
    Finding finding = ConfigurationFinding(rule, claim, std::move(message),
                                           "name the program by its path in the store");
    // An argument may name what is mounted when the container starts.
    if (!program && LeadsOutside(claim.target)) finding.set_severity(Finding::WARNING);
    findings.push_back(std::move(finding));
  }
}

void LoaderConfiguration(const Subject& subject, const Rule& rule, Findings& findings) {
  if (subject.kind != Subject::Kind::kImage) return;
  for (const LinkedFile& file : subject.files) {
    if (file.facts->type() == FileFacts::DIRECTORY || !IsLoaderConfiguration(file.facts->path())) {
      continue;
    }
    findings.push_back(
        FileFinding(rule, file, file.facts->target(), "the image configures the dynamic loader",
                    "remove the file: it makes programs load libraries that no RUNPATH names"));
  }
}

}  // namespace lre_audit::judge
