#include "audit/audit.h"

#include <elf.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/link/link.h"
#include "audit/link/merge.h"
#include "audit/nix/path_store.h"
#include "audit/scan/scan.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"
#include "elf/object.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

const std::string& StoreDirectoryOf(const AuditRequest& request) {
  static const std::string& store = *new std::string(nix::kDefaultStoreDirectory);
  const bool known =
      request.known_closure != nullptr && !request.known_closure->store_directory.empty();
  return known ? request.known_closure->store_directory : store;
}

std::vector<std::string> StorePathsOf(const MergedTree& tree, const std::string& store_directory) {
  std::set<std::string> paths;
  for (const FileFacts& file : tree.files) {
    if (const auto path = nix::StorePathOf(file.path(), store_directory)) {
      if (paths.empty() || *paths.rbegin() != *path) paths.emplace(*path);
    }
  }
  return {paths.begin(), paths.end()};
}

// Whether there will be recorded NAR hashes to compare with.
bool HasHashes(Subject::ClosureKind kind, const nix::Closure& closure, bool will_ask) {
  if (will_ask) return true;
  if (kind == Subject::ClosureKind::kDerived) return nix::StoreDatabase::Open("").ok();
  return std::any_of(closure.paths.begin(), closure.paths.end(),
                     [](const auto& entry) { return !entry.second.nar_hash.empty(); });
}

// A closure of another store than the tree's would make every file of the tree a leak.
absl::Status CheckStoreDirectory(const MergedTree& tree, const std::string& store_directory) {
  if (store_directory == nix::kDefaultStoreDirectory) return absl::OkStatus();
  const auto is_in = [&](std::string_view store) {
    return std::any_of(tree.files.begin(), tree.files.end(), [&](const FileFacts& file) {
      return nix::StorePathOf(file.path(), store).has_value();
    });
  };
  if (is_in(store_directory) || !is_in(nix::kDefaultStoreDirectory)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the closure is of the store ", store_directory, ", and the tree holds only ",
                   ToAbsl(nix::kDefaultStoreDirectory), "; give the closure of the tree's store"));
}

// Signatures and content addresses of what the closure records.
void CheckRecords(const AuditRequest& request, Subject::ClosureKind kind,
                  const nix::Closure& closure, Subject* subject) {
  const nix::TrustedKeys keys =
      request.trusted_keys != nullptr ? *request.trusted_keys : nix::ConfiguredKeys();
  if (keys.required && !closure.records_signatures) {
    LinkedProblem& problem = subject->problems.emplace_back();
    problem.where =
        kind == Subject::ClosureKind::kDerived ? subject->reference : subject->closure_source;
    problem.message =
        kind == Subject::ClosureKind::kDerived
            ? "signatures cannot be verified: there is no closure that records them; name one with "
              "--closure"
            : "signatures cannot be verified: this closure records none; give nix path-info "
              "--json, "
              "a binary cache, or a store with its database";
  }
  nix::TrustedKeys known = keys;
  known.required = keys.required && closure.records_signatures;
  // About 70 microseconds for a signature, which a whole store has tens of thousands of.
  RunParallel(std::vector<uint64_t>(subject->store_paths.size()), request.jobs, [&](size_t i) {
    LinkedStorePath& path = subject->store_paths[i];
    const auto info = closure.paths.find(path.path);
    if (info == closure.paths.end()) return;
    path.record_faults = nix::RecordFaults(info->second, closure.store_directory, known);
  });
}

// The machine that an image's configuration promises; empty: that of most of its programs.
std::string MachineOf(const ImageConfig& config) {
  constexpr std::pair<std::string_view, uint16_t> kMachines[] = {
      // GOARCH names
      {"amd64", EM_X86_64},  {"arm64", EM_AARCH64}, {"386", EM_386},   {"arm", EM_ARM},
      {"riscv64", EM_RISCV}, {"ppc64le", EM_PPC64}, {"s390x", EM_S390}};
  for (const auto& [architecture, machine] : kMachines) {
    if (config.architecture == architecture) return elf::MachineName(machine);
  }
  return {};
}

}  // namespace

absl::StatusOr<ClosureChoice> ChooseClosure(const std::string& source,
                                            const std::vector<std::string>& store_paths) {
  ClosureChoice choice;
  if (!source.empty()) {
    choice.kind = Subject::ClosureKind::kNamed;
    if (!nix::IsPathStore(source)) {
      LRE_ASSIGN_OR_RETURN(choice.closure, nix::ReadClosure(source));
      if (choice.closure.holds_more) {
        choice.closure = nix::ReachableFrom(choice.closure, store_paths);
      }
      return choice;
    }
    LRE_ASSIGN_OR_RETURN(const std::unique_ptr<nix::PathStore> store, nix::OpenPathStore(source));
    LRE_ASSIGN_OR_RETURN(choice.closure, store->ClosureOfKnown(store_paths));
    return choice;
  }
  // Nobody asked for the local store: without one, or where it knows none of the tree's paths,
  // there is nothing to compare with, and that is no error.
  const absl::StatusOr<nix::StoreDatabase> store = nix::StoreDatabase::Open("");
  if (!store.ok()) return choice;
  absl::StatusOr<nix::Closure> known = store->ClosureOfKnown(store_paths);
  if (!known.ok() || known->paths.empty()) return choice;
  choice.closure = *std::move(known);
  choice.kind = Subject::ClosureKind::kDefault;
  return choice;
}

absl::StatusOr<ExaminedTree> Examine(const AuditRequest& request) {
  const Tree& tree = *request.tree;
  ScanOptions options;
  options.store_directory = StoreDirectoryOf(request);
  options.jobs = request.jobs;
  options.cache = request.cache;
  options.on_bytes = request.on_bytes;

  // A closure that cannot be read is told before minutes are spent on the tree.
  ExaminedTree examined;
  ClosureChoice choice;
  // One that the request brought is not copied: it can be of a whole store.
  const nix::Closure* closure = &choice.closure;
  std::unique_ptr<nix::PathStore> store;
  if (request.known_closure != nullptr) {
    choice.kind = Subject::ClosureKind::kNamed;
    closure = request.known_closure;
  } else if (!request.closure.empty()) {
    choice.kind = Subject::ClosureKind::kNamed;
    std::string directory;
    if (nix::IsPathStore(request.closure)) {
      LRE_ASSIGN_OR_RETURN(store, nix::OpenPathStore(request.closure));
      directory = store->store_directory();
    } else {
      LRE_ASSIGN_OR_RETURN(choice.closure, nix::ReadClosure(request.closure));
      directory = choice.closure.store_directory;
    }
    if (!directory.empty()) options.store_directory = directory;
  }

  options.nar_hashes = request.contents && HasHashes(choice.kind, *closure, store != nullptr);

  // One pass over every byte: digests, NAR hashes, references, ELF, claims.
  request.on_phase("reading");
  std::vector<ScannedPart> parts = ScanTree(tree, options);

  // Layers laid over each other; from here on, only what a process would see counts.
  request.on_phase("merging");
  examined.merged = std::make_unique<const MergedTree>(MergeParts(tree, std::move(parts), options));
  const MergedTree& merged = *examined.merged;

  LRE_RETURN_IF_ERROR(CheckStoreDirectory(merged, options.store_directory));

  // A store is asked for the closure of these paths, the local one where none was named.
  if (store != nullptr) {
    LRE_ASSIGN_OR_RETURN(choice.closure,
                         store->ClosureOfKnown(StorePathsOf(merged, options.store_directory)));
  } else if (choice.kind == Subject::ClosureKind::kDerived) {
    LRE_ASSIGN_OR_RETURN(choice, ChooseClosure("", StorePathsOf(merged, options.store_directory)));
  } else if (closure->holds_more) {
    choice.closure = nix::ReachableFrom(*closure, StorePathsOf(merged, options.store_directory));
    closure = &choice.closure;
  }

  if (request.closure_is_local && choice.kind == Subject::ClosureKind::kNamed) {
    choice.closure = nix::ReachableFrom(*closure, StorePathsOf(merged, options.store_directory));
    closure = &choice.closure;
    choice.kind = Subject::ClosureKind::kDefault;
  }

  // Every claim looked up; after this no path is parsed any more.
  request.on_phase("linking");
  LinkInput input;
  input.kind = request.kind;
  input.reference = tree.reference();
  input.store_directory = options.store_directory;
  input.contents = request.contents;
  input.tree = &merged;
  input.config = &tree.config();
  input.closure_kind = choice.kind;
  input.closure = choice.kind == Subject::ClosureKind::kDerived ? nullptr : closure;
  input.machine = MachineOf(tree.config());
  examined.subject = Link(input);
  CheckRecords(request, choice.kind, *closure, &examined.subject);
  examined.closure_kind = choice.kind;
  examined.closure_paths = closure->paths.size();
  return examined;
}

void Describe(const AuditRequest& request, const ExaminedTree& examined, Report* report) {
  const MergedTree& tree = *examined.merged;
  const Subject& subject = examined.subject;
  ReportSubject* out = report->add_subjects();
  out->set_kind(request.kind == Subject::Kind::kImage ? ReportSubject::IMAGE
                                                      : ReportSubject::STORE);
  out->set_reference(request.tree->reference());
  out->set_digest(request.tree->digest());
  const bool derived = examined.closure_kind == Subject::ClosureKind::kDerived;
  out->set_closure(derived ? "a closure derived from the tree itself by scanning"
                           : absl::StrCat(subject.closure_source,
                                          request.contents ? "" : ", contents not read"));
  const ImageConfig& config = request.tree->config();
  if (config.present) out->set_platform(absl::StrCat(config.os, "/", config.architecture));

  Statistics* statistics = report->mutable_statistics();
  statistics->set_bytes(statistics->bytes() + static_cast<double>(tree.bytes));
  statistics->set_files(statistics->files() + static_cast<double>(tree.files.size()));
  statistics->set_layers(
      statistics->layers() +
      static_cast<double>(std::count_if(tree.layer_names.begin(), tree.layer_names.end(),
                                        [](const std::string& name) { return !name.empty(); })));
  double objects = 0, paths = 0;
  for (const FileFacts& file : tree.files) objects += file.has_elf();
  for (const LinkedStorePath& path : subject.store_paths) paths += path.in_tree;
  statistics->set_elf_objects(statistics->elf_objects() + objects);
  statistics->set_store_paths(statistics->store_paths() + paths);
  const double closure_paths = derived ? paths : static_cast<double>(examined.closure_paths);
  statistics->set_closure_paths(statistics->closure_paths() + closure_paths);
}

absl::Status AddAudit(const AuditRequest& request, Report* report) {
  LRE_ASSIGN_OR_RETURN(const ExaminedTree examined, Examine(request));

  // The rules judge, the policy says what of it counts.
  request.on_phase("judging");
  std::vector<Finding> findings = Judge(examined.subject);
  for (Finding& finding : request.policy->Apply(findings)) {
    // What a suppression matches may lie in another subject of the policy.
    if (finding.rule() != "LRE903") findings.push_back(std::move(finding));
  }
  SortFindings(findings);
  for (Finding& finding : findings) *report->add_findings() = std::move(finding);
  Describe(request, examined, report);
  return absl::OkStatus();
}

absl::StatusOr<Report> Audit(const AuditRequest& request) {
  Report report;
  LRE_RETURN_IF_ERROR(AddAudit(request, &report));
  return report;
}

}  // namespace lre_audit
