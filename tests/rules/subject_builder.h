// Builds what rules judge in a few lines, and says what they found in a form that tests compare.
#ifndef LRE_AUDIT_TESTS_RULES_SUBJECT_BUILDER_H_
#define LRE_AUDIT_TESTS_RULES_SUBJECT_BUILDER_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include "rules/linked.h"
#include "rules/policy.h"
#include "rules/rule.h"
#include "tests/support/store_paths.h"

namespace lre_audit {

// Targets of claims. The store paths are those above.
inline Target InStore(const std::string& path) {
  Target target;
  target.place = Target::Place::kStore;
  target.path = path;
  target.store_path = path.substr(0, path.find('/', kStore.size() + 1));
  target.exists = target.store_path_exists = true;
  return target;
}
inline Target DirectoryInStore(const std::string& path) {
  Target target = InStore(path);
  target.is_directory = true;
  return target;
}
// A file or directory that its store path, which is there, does not have.
inline Target FileMissing(const std::string& path) {
  Target target = InStore(path);
  target.exists = false;
  return target;
}
inline Target StorePathMissing(const std::string& path) {
  Target target = FileMissing(path);
  target.store_path_exists = false;
  return target;
}
inline Target Outside(const std::string& path, bool exists = false) {
  Target target;
  target.path = path;
  target.exists = exists;
  return target;
}
inline Target Relative(const std::string& text) {
  Target target;
  target.place = Target::Place::kRelative;
  target.path = text;
  return target;
}
inline Target InBuildDirectory(const std::string& path) {
  Target target;
  target.place = Target::Place::kBuildDirectory;
  target.path = path;
  return target;
}
inline Target Escaping(const std::string& path) {
  Target target = Outside(path);
  target.escapes = true;
  return target;
}

inline LinkedClaim MakeClaim(Claim::Kind kind, const std::string& text, const Target& target,
                             const std::string& context = "") {
  LinkedClaim claim;
  claim.kind = kind;
  claim.text = text;
  claim.target = target;
  claim.context = context;
  return claim;
}

inline LinkedLibrary FoundLibrary(const std::string& name, const Target& target) {
  LinkedLibrary library;
  library.name = name;
  library.offset = 0x4a1;
  library.found = true;
  library.found_by = "RUNPATH";
  library.target = target;
  return library;
}
inline LinkedLibrary MissingLibrary(const std::string& name) {
  LinkedLibrary library;
  library.name = name;
  library.offset = 0x4a1;
  library.found_by = "NOT_FOUND";
  library.target = Relative(name);
  return library;
}

// One file of the subject. Claims of ELF objects lie at 0x318, those of other files at 0x40 or on a
// line.
class FileBuilder {
 public:
  FileBuilder(FileFacts& facts, LinkedFile& file) : facts_(facts), file_(file) {}

  FileBuilder& Mode(uint32_t mode) { return facts_.set_mode(mode), *this; }
  FileBuilder& Owner(uint64_t uid, uint64_t gid) {
    return facts_.set_uid(uid), facts_.set_gid(gid), *this;
  }
  FileBuilder& Mtime(int64_t mtime) { return facts_.set_mtime(mtime), *this; }
  FileBuilder& Xattr(const std::string& name) { return facts_.add_xattrs(name), *this; }
  FileBuilder& Type(FileFacts::Type type) { return facts_.set_type(type), *this; }
  FileBuilder& Directory() { return Type(FileFacts::DIRECTORY); }

  FileBuilder& Symlink(const std::string& text, const Target& target) {
    Type(FileFacts::SYMLINK).Mode(0777);
    facts_.set_target(text);
    file_.claims.push_back(MakeClaim(Claim::SYMLINK_TARGET, text, target));
    return *this;
  }
  FileBuilder& OnLine(uint32_t line, Claim::Kind kind, const std::string& text,
                      const Target& target) {
    file_.claims.push_back(MakeClaim(kind, text, target));
    file_.claims.back().line = line;
    return *this;
  }
  FileBuilder& Embeds(const std::string& text, const Target& target, uint64_t offset = 0x40) {
    file_.claims.push_back(MakeClaim(Claim::EMBEDDED, text, target));
    file_.claims.back().offset = offset;
    return *this;
  }
  FileBuilder& HalfRead() {
    facts_.set_half_read(true);
    return *this;
  }
  FileBuilder& Has(Defect::Kind kind, uint64_t offset, const std::string& message) {
    Defect& defect = *facts_.add_defects();
    defect.set_kind(kind);
    defect.set_offset(offset);
    defect.set_message(message);
    return *this;
  }
  FileBuilder& RefersTo(const std::string& store_path, bool in_tree) {
    if (!in_tree) file_.dangling.push_back(facts_.references_size());
    StoreReference& reference = *facts_.add_references();
    reference.set_base_name(store_path.substr(kStore.size() + 1));
    reference.set_offset(0x40);
    return *this;
  }
  // A hidden reference, which leads outside the closure or does not.
  FileBuilder& Hides(const HiddenReference& reference, bool outside, bool in_tree = false) {
    if (outside) file_.hidden.push_back({facts_.hidden_references_size(), in_tree});
    *facts_.add_hidden_references() = reference;
    return *this;
  }

  LinkedObject& Object() {
    if (!file_.object) {
      file_.object = std::make_shared<LinkedObject>();
      file_.object->facts = facts_.mutable_elf();
      file_.object->machine = "x86-64";
      facts_.mutable_elf()->set_type(3);  // ET_DYN
    }
    return *file_.object;
  }
  ElfFacts& Elf() { return Object(), *facts_.mutable_elf(); }
  FileBuilder& Interpreter(const std::string& text, const Target& target) {
    Object().is_executable = true;
    Object().interpreter = MakeClaim(Claim::INTERPRETER, text, target);
    Object().interpreter->offset = 0x318;
    return *this;
  }
  // A program as it should be.
  FileBuilder& Program() { return Interpreter(kLoader, InStore(kLoader)); }
  FileBuilder& RunPath(const std::string& text, const Target& target) {
    Object().search_path.push_back(MakeClaim(Claim::RUNPATH, text, target));
    Object().search_path.back().offset = 0x318;
    return *this;
  }
  FileBuilder& Needs(const LinkedLibrary& library) {
    return Object().libraries.push_back(library), *this;
  }

 private:
  FileFacts& facts_;
  LinkedFile& file_;
};

class SubjectBuilder {
 public:
  SubjectBuilder() {
    subject_.reference = "oci:worker:t";
    subject_.image.emplace();
  }

  // A regular file of mode 0555, as Nix writes it, in "layer 3".
  FileBuilder File(const std::string& path) {
    FileFacts& facts = facts_.emplace_back();
    facts.set_path(path);
    facts.set_type(FileFacts::REGULAR);
    facts.set_mode(0555);
    facts.set_mtime(1);
    LinkedFile& file = files_.emplace_back();
    file.facts = &facts;
    file.layer = "layer 3";
    if (path.starts_with(kStore + "/")) {
      file.store_path = std::string_view(facts.path()).substr(0, path.find('/', kStore.size() + 1));
    }
    return FileBuilder(facts, file);
  }
  LinkedStorePath& StorePath(const std::string& path, bool in_tree, bool in_closure) {
    LinkedStorePath& store_path = subject_.store_paths.emplace_back();
    store_path.path = path;
    store_path.in_tree = in_tree;
    store_path.in_closure = in_closure;
    store_path.layer = in_tree ? "layer 3" : "";
    return store_path;
  }
  void Environment(const std::string& variable, const std::string& text, const Target& target) {
    subject_.image->environment.push_back(MakeClaim(Claim::ENVIRONMENT, text, target, variable));
  }
  void Entrypoint(const std::string& text, const Target& target) {
    subject_.image->entrypoint.push_back(MakeClaim(Claim::ENTRYPOINT, text, target, "Entrypoint"));
  }
  void Problem(LinkedProblem::Kind kind, const std::string& where, const std::string& message,
               const std::string& expected = "", const std::string& actual = "") {
    LinkedProblem& problem = subject_.problems.emplace_back();
    problem.kind = kind;
    problem.where = where;
    problem.message = message;
    problem.expected = expected;
    problem.actual = actual;
    problem.offset = 0x200;
  }
  Subject& Edit() { return subject_; }

  Subject Build() const {
    Subject subject = subject_;
    subject.files.assign(files_.begin(), files_.end());
    std::sort(
        subject.files.begin(), subject.files.end(),
        [](const LinkedFile& a, const LinkedFile& b) { return a.facts->path() < b.facts->path(); });
    return subject;
  }
  std::vector<Finding> Judged() const { return Judge(Build()); }
  // After the default policy too.
  std::vector<Finding> Reported() const {
    std::vector<Finding> findings = Judged();
    CompiledPolicy::Default().Apply(findings);
    return findings;
  }

 private:
  Subject subject_;
  std::deque<FileFacts> facts_;  // files_ point into it
  std::deque<LinkedFile> files_;
};

// What tests compare of a finding.
struct Leak {
  std::string rule, path, referenced;
  Finding::Severity severity = Finding::ERROR;
  double offset = 0;
  uint32_t line = 0;
  std::string layer = "layer 3";

  bool operator==(const Leak&) const = default;
};

inline void PrintTo(const Leak& leak, std::ostream* out) {
  *out << leak.rule << " " << Finding::Severity_Name(leak.severity) << " " << leak.path
       << " referenced '" << leak.referenced << "' at " << leak.offset << " line " << leak.line
       << " in '" << leak.layer << "'";
}

inline std::vector<Leak> Leaks(const std::vector<Finding>& findings) {
  std::vector<Leak> leaks;
  for (const Finding& finding : findings) {
    leaks.push_back({finding.rule(), finding.path(), finding.referenced(), finding.severity(),
                     finding.location().offset(), finding.location().line(),
                     finding.location().layer()});
  }
  return leaks;
}

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_RULES_SUBJECT_BUILDER_H_
