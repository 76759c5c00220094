// How rules write findings: the fields that every finding has, filled in one place.
#ifndef LRE_AUDIT_RULES_FINDING_H_
#define LRE_AUDIT_RULES_FINDING_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/paths.h"
#include "base/store_path.h"
#include "rules/linked.h"
#include "rules/rule.h"

namespace lre_audit {

// A finding with rule, name and the rule's severity set. `path` is who names, `referenced` what is
// named, exactly as written; `message` is one sentence without its full stop; `help` says what to
// do.
Finding MakeFinding(const Rule& rule, std::string_view path, std::string_view referenced,
                    std::string message, std::string_view help);

// The same about a file of the tree: sets its layer too.
Finding FileFinding(const Rule& rule, const LinkedFile& file, std::string_view referenced,
                    std::string message, std::string_view help);

// The same about one claim of a file: sets location, evidence and cause too.
Finding ClaimFinding(const Rule& rule, const LinkedFile& file, const LinkedClaim& claim,
                     std::string message, std::string_view help);

// What was read there: "PT_INTERP at 0x318: /lib64/ld-linux-x86-64.so.2", "line 1: #!/bin/sh".
std::string ClaimEvidence(const LinkedClaim& claim);

// "a", "a and b", "a, b and 7 more": at most `most` names.
std::string Names(const std::vector<std::string>& names, size_t most = 5);

// "1 file", "3 files".
std::string Counted(size_t count, std::string_view singular, std::string_view plural);

// "image", "store", "toolchain", or "agreement" for what several of them agree about.
std::string_view TreeName(const Subject& subject);

// Anywhere that is not the store: outside, relative, or a build directory.
inline bool LeadsOutside(const Target& target) { return target.place != Target::Place::kStore; }
// At an absolute path outside the store.
inline bool LeadsElsewhere(const Target& target) {
  return target.place == Target::Place::kOutside || target.place == Target::Place::kBuildDirectory;
}
inline bool LeadsToMissing(const Target& target) {
  return target.place == Target::Place::kStore && !target.exists;
}

// As LeadsToMissing, for what must be a program or another file: a directory is none.
inline bool LeadsToNoFile(const Target& target) {
  return target.place == Target::Place::kStore && (!target.exists || target.is_directory);
}
// What is wrong with a target that LeadsToNoFile, as a note.
std::string WhatIsMissing(const Target& target);

// The store path that `path` is or lies in; empty if none.
inline std::string_view StorePathOf(std::string_view path, std::string_view store_directory) {
  return nix::StorePathOf(path, store_directory).value_or(std::string_view());
}

// Calls function(file, object) for the ELF objects inside store paths. Those outside are LRE403 as
// a whole: what they load is of no interest.
template <typename Function>
void ForEachStoreObject(const Subject& subject, Function function) {
  for (const LinkedFile& file : subject.files) {
    if (file.object && !file.store_path.empty()) function(file, *file.object);
  }
}

// Equal for the same finding in two audits: a hash of rule, subject kind, path and referenced, in
// which store hashes do not count. 32 hex digits.
std::string Fingerprint(const Finding& finding, const Subject& subject);
// The same where there is no Subject; `kind` says of what.
std::string Fingerprint(const Finding& finding, std::string_view kind,
                        std::string_view store_directory);

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_FINDING_H_
