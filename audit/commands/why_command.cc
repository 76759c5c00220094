#include "audit/commands/why_command.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/audit.h"
#include "audit/commands/audit_command.h"
#include "audit/commands/open_cache.h"
#include "audit/commands/progress.h"
#include "audit/commands/terminal.h"
#include "audit/commands/write_report.h"
#include "audit/link/tree_index.h"
#include "audit/nix/path_store.h"
#include "audit/store_subject.h"
#include "audit/toolchain/read_toolchain.h"
#include "audit/why/chains.h"
#include "audit/why/graph.h"
#include "audit/why/roots.h"
#include "audit/why/show.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/judges.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;

// As many chains as anybody reads; in a large image there can be millions.
constexpr size_t kMostChains = 1000;

struct Opened {
  Subject::Kind kind = Subject::Kind::kImage;
  std::unique_ptr<Tree> tree;            // null: of a toolchain, the local store has nothing
  nix::Closure closure;                  // without hashes: contents are not verified here
  std::vector<std::string> store_paths;  // that were asked for, or that the toolchain names
  std::vector<ToolchainFacts> toolchains;
};

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool IsFile(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// The store path that the user's word names: itself, a path inside, or a link such as ./result.
std::optional<std::string> StorePathOf(const std::string& word) {
  std::error_code error;
  const std::string real = fs::canonical(word, error).string();
  const auto path = nix::StorePathOf(error ? word : real, nix::kDefaultStoreDirectory);
  if (!path) return std::nullopt;
  return std::string(*path);
}

absl::StatusOr<Opened> OpenStorePaths(std::vector<std::string> paths) {
  Opened opened;
  opened.kind = Subject::Kind::kStore;
  opened.store_paths = std::move(paths);
  LRE_ASSIGN_OR_RETURN(OpenedStore store, OpenStoreSubject(opened.store_paths, ""));
  opened.tree = std::move(store.tree);
  opened.closure = std::move(store.closure);
  for (auto& [path, info] : opened.closure.paths) info.nar_hash.clear();
  return opened;
}

// A toolchain leads to the local store, as far as that knows the store paths that it names.
absl::StatusOr<Opened> OpenToolchain(ToolchainFacts toolchain) {
  Opened opened;
  opened.kind = Subject::Kind::kToolchain;
  std::set<std::string> paths;
  for (const ConfigFacts& file : toolchain.files) {
    for (const Claim& claim : file.claims()) {
      const auto path = nix::StorePathOf(claim.text(), nix::kDefaultStoreDirectory);
      if (path) paths.emplace(*path);
    }
  }
  opened.toolchains.push_back(std::move(toolchain));
  opened.store_paths.assign(paths.begin(), paths.end());
  const absl::StatusOr<nix::StoreDatabase> store = nix::StoreDatabase::Open("");
  if (!store.ok()) return opened;
  LRE_ASSIGN_OR_RETURN(opened.closure, store->ClosureOfKnown(opened.store_paths));
  if (opened.closure.paths.empty()) return opened;
  std::vector<std::string> known;
  for (auto& [path, info] : opened.closure.paths) {
    known.push_back(path);
    info.nar_hash.clear();
  }
  LRE_ASSIGN_OR_RETURN(opened.tree, OpenStore("", opened.closure.store_directory, known));
  return opened;
}

absl::StatusOr<Opened> OpenSubject(const WhyOptions& options) {
  const std::string& word = options.subject;
  OpenOptions open;
  open.platform = options.platform;
  open.registry = options.registry;
  if (const auto store_path = StorePathOf(word)) {
    // A store path can be an image, too: dockerTools builds archives, nix2container descriptions.
    const bool may_be_image = IsFile(*store_path) || Exists(word + "/oci-layout");
    if (!may_be_image || !OpenImage(word, open).ok()) {
      return OpenStorePaths({*store_path});
    }
  } else if (IsDirectory(word) && !Exists(word + "/oci-layout") && !Exists(word + "/nix/store")) {
    absl::StatusOr<ToolchainFacts> toolchain = ReadToolchain(word);
    if (!toolchain.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          word, " is no image, which has an oci-layout file or nix/store; and as a toolchain: ",
          toolchain.status().message()));
    }
    return OpenToolchain(*std::move(toolchain));
  }
  Opened opened;
  LRE_ASSIGN_OR_RETURN(opened.tree, OpenImage(word, open));
  return opened;
}

absl::StatusOr<Opened> Open(const WhyOptions& options) {
  LRE_ASSIGN_OR_RETURN(Opened opened, OpenSubject(options));
  for (const std::string& directory : options.toolchains) {
    LRE_ASSIGN_OR_RETURN(ToolchainFacts toolchain, ReadToolchain(directory));
    opened.toolchains.push_back(std::move(toolchain));
  }
  return opened;
}

absl::StatusOr<ExaminedTree> ExamineOpened(const Opened& opened, const WhyOptions& options,
                                           std::ostream& err) {
  if (opened.tree == nullptr) {
    ExaminedTree nothing;
    nothing.merged = std::make_unique<const MergedTree>();
    return nothing;
  }
  Progress progress(ProgressWanted(/*quiet=*/false));
  uint64_t total = 0;
  for (const Tree::Part& part : opened.tree->parts()) total += part.size_hint;
  progress.SetTotal(total);
  AuditRequest request;
  const bool is_image = opened.kind == Subject::Kind::kImage;
  request.kind = is_image ? Subject::Kind::kImage : Subject::Kind::kStore;
  request.tree = opened.tree.get();
  request.known_closure = &opened.closure;
  request.jobs = options.jobs;
  const std::unique_ptr<FactsCache> cache = OpenCache(options.cache, /*verbose=*/false, err);
  request.cache = cache.get();
  request.on_bytes = [&](uint64_t bytes) { progress.Add(bytes); };
  request.on_phase = [&](const char* phase) { progress.SetPhase(phase); };
  return Examine(request);
}

std::vector<why::Root> RootsOf(const Opened& opened, const Subject& subject,
                               const TreeIndex& index) {
  std::vector<why::Root> roots;
  if (subject.image) roots = why::RootsOfImage(*subject.image, index);
  if (opened.kind == Subject::Kind::kStore) roots = why::RootsOfStore(opened.store_paths, index);
  for (const ToolchainFacts& toolchain : opened.toolchains) {
    for (const ConfigFacts& file : toolchain.files) why::AddRootsOfToolchain(file, index, roots);
  }
  if (roots.empty()) roots = why::UnreferencedRoots(subject, index);
  return roots;
}

// Where chains begin, in words: "Entrypoint, Cmd, Env or generated-cc".
std::string Begins(const WhyOptions& options, const Opened& opened,
                   const std::vector<why::Root>& roots) {
  if (opened.kind != Subject::Kind::kImage) {
    std::vector<std::string> words = {options.subject};
    words.insert(words.end(), options.toolchains.begin(), options.toolchains.end());
    return absl::StrJoin(words, " or ");
  }
  if (!roots.empty() && roots.front().kind == why::Root::Kind::kUnreferenced) return "any file";
  if (options.toolchains.empty()) return "Entrypoint, Cmd or Env";
  return absl::StrCat("Entrypoint, Cmd, Env or ", absl::StrJoin(options.toolchains, " or "));
}

// What the rules say of parts that could not be read.
void AddProblems(const Subject& subject, std::vector<std::string>& problems) {
  std::vector<Finding> findings;
  judge::Incomplete(subject, *FindRule("LRE901"), findings);
  judge::LimitReached(subject, *FindRule("LRE902"), findings);
  for (const Finding& finding : findings) {
    problems.push_back(absl::StrCat(finding.path(), ": ", finding.message()));
  }
}

void AddProblems(const ToolchainFacts& toolchain, std::vector<std::string>& problems) {
  for (const ConfigFacts& file : toolchain.files) {
    for (const ConfigDefect& defect : file.defects()) {
      std::string place = file.path();
      if (defect.line() > 0) absl::StrAppend(&place, ":", defect.line(), ":", defect.column());
      problems.push_back(absl::StrCat(place, ": ", defect.message()));
    }
  }
}

// Where a toolchain leads is known only as far as the local store holds what it names.
void AddUnknown(const Opened& opened, std::vector<std::string>& problems) {
  std::vector<std::string> unknown;
  for (const std::string& path : opened.store_paths) {
    if (!opened.closure.paths.contains(path)) unknown.push_back(path);
  }
  if (unknown.empty()) return;
  problems.push_back(
      absl::StrCat("not in the local store, so nobody knows where it leads: ", Names(unknown, 3)));
}

}  // namespace

int RunWhy(const WhyOptions& options, std::ostream& out, std::ostream& err) {
  const auto goal = why::ParseGoal(options.path, nix::kDefaultStoreDirectory);
  if (!goal.ok()) return Refuse(goal.status(), err);
  const absl::StatusOr<Opened> opened = Open(options);
  if (!opened.ok()) return Refuse(opened.status(), err);
  const absl::StatusOr<ExaminedTree> examined = ExamineOpened(*opened, options, err);
  if (!examined.ok()) return Refuse(examined.status(), err);

  const Subject& subject = examined->subject;
  const TreeIndex index(examined->merged->files, subject.store_directory);
  const std::vector<why::Root> roots = RootsOf(*opened, subject, index);
  const why::Graph graph(subject, index, roots);
  why::Answer answer;
  answer.subject = options.subject;
  answer.path = options.path;
  answer.begins = Begins(options, *opened, roots);
  answer.tree = opened->kind == Subject::Kind::kImage   ? options.subject
                : opened->kind == Subject::Kind::kStore ? "its closure"
                                                        : "the local store";
  answer.is_image = opened->kind == Subject::Kind::kImage;
  answer.goal = *goal;
  answer.all = options.all;
  answer.roots = &roots;
  answer.graph = &graph;
  answer.found = why::FindChains(graph, roots, *goal, options.all, kMostChains);
  AddProblems(subject, answer.problems);
  for (const ToolchainFacts& toolchain : opened->toolchains) {
    AddProblems(toolchain, answer.problems);
  }
  if (answer.found.chains.empty() && opened->kind == Subject::Kind::kToolchain) {
    AddUnknown(*opened, answer.problems);
  }

  if (options.format == "json") {
    why::WriteJson(answer, out);
  } else {
    why::WriteText(answer, UseColor(options.color, out), out);
  }
  for (const std::string& problem : answer.problems) err << "error: " << Escaped(problem) << "\n";
  if (!answer.problems.empty()) return kExitIncomplete;
  return answer.found.chains.empty() ? kExitFindings : kExitClean;
}

}  // namespace lre_audit
