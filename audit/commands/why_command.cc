#include "audit/commands/why_command.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/audit.h"
#include "audit/commands/audit_command.h"
#include "audit/commands/progress.h"
#include "audit/commands/terminal.h"
#include "audit/commands/write_report.h"
#include "audit/link/tree_index.h"
#include "audit/store_subject.h"
#include "audit/why/chains.h"
#include "audit/why/graph.h"
#include "audit/why/roots.h"
#include "audit/why/show.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"
#include "rules/judges.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;

// As many chains as anybody reads; in a large image there can be millions.
constexpr size_t kMostChains = 1000;

struct Opened {
  Subject::Kind kind = Subject::Kind::kImage;
  std::unique_ptr<Tree> tree;
  nix::Closure closure;                  // without hashes: contents are not verified here
  std::vector<std::string> store_paths;  // that were asked for
};

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

absl::StatusOr<Opened> Open(const WhyOptions& options) {
  if (const auto store_path = StorePathOf(options.subject)) {
    // A store path can be an image, too: dockerTools builds archives, nix2container layouts.
    const bool may_be_image = IsFile(*store_path) || IsFile(options.subject + "/oci-layout");
    if (!may_be_image || !OpenImage(options.subject, options.platform, TreeLimits()).ok()) {
      return OpenStorePaths({*store_path});
    }
  }
  Opened opened;
  LRE_ASSIGN_OR_RETURN(opened.tree, OpenImage(options.subject, options.platform, TreeLimits()));
  return opened;
}

absl::StatusOr<ExaminedTree> ExamineOpened(const Opened& opened, int jobs) {
  Progress progress(ProgressWanted(/*quiet=*/false));
  uint64_t total = 0;
  for (const Tree::Part& part : opened.tree->parts()) total += part.size_hint;
  progress.SetTotal(total);
  AuditRequest request;
  request.kind = opened.kind;
  request.tree = opened.tree.get();
  request.known_closure = &opened.closure;
  request.jobs = jobs;
  request.on_bytes = [&](uint64_t bytes) { progress.Add(bytes); };
  request.on_phase = [&](const char* phase) { progress.SetPhase(phase); };
  return Examine(request);
}

std::vector<why::Root> RootsOf(const Opened& opened, const Subject& subject,
                               const TreeIndex& index) {
  if (opened.kind == Subject::Kind::kStore) return why::RootsOfStore(opened.store_paths, index);
  std::vector<why::Root> roots;
  if (subject.image) roots = why::RootsOfImage(*subject.image, index);
  if (roots.empty()) roots = why::UnreferencedRoots(subject, index);
  return roots;
}

// What roots of these kinds are called.
std::string Begins(const std::vector<why::Root>& roots) {
  bool toolchain = false, image = false, asked_for = false;
  for (const why::Root& root : roots) {
    toolchain |= root.kind == why::Root::Kind::kToolchain;
    asked_for |= root.kind == why::Root::Kind::kStorePath;
    image |=
        root.kind == why::Root::Kind::kEntrypoint || root.kind == why::Root::Kind::kEnvironment;
  }
  if (asked_for) return "the store path";
  if (image) return toolchain ? "Entrypoint, Cmd, Env or toolchain" : "Entrypoint, Cmd or Env";
  return toolchain ? "the toolchain" : "any file";
}

// What the rules say of parts that could not be read.
std::vector<std::string> ProblemsOf(const Subject& subject) {
  std::vector<Finding> findings;
  judge::Incomplete(subject, *FindRule("LRE901"), findings);
  judge::LimitReached(subject, *FindRule("LRE902"), findings);
  std::vector<std::string> problems;
  for (const Finding& finding : findings) {
    problems.push_back(absl::StrCat(finding.path(), ": ", finding.message()));
  }
  return problems;
}

}  // namespace

int RunWhy(const WhyOptions& options, std::ostream& out, std::ostream& err) {
  const auto goal = why::ParseGoal(options.path, nix::kDefaultStoreDirectory);
  if (!goal.ok()) return Refuse(goal.status(), err);
  const absl::StatusOr<Opened> opened = Open(options);
  if (!opened.ok()) return Refuse(opened.status(), err);
  const absl::StatusOr<ExaminedTree> examined = ExamineOpened(*opened, options.jobs);
  if (!examined.ok()) return Refuse(examined.status(), err);

  const Subject& subject = examined->subject;
  const TreeIndex index(examined->merged->files, subject.store_directory);
  const std::vector<why::Root> roots = RootsOf(*opened, subject, index);
  const why::Graph graph(subject, index, roots);
  why::Answer answer;
  answer.subject = options.subject;
  answer.path = options.path;
  answer.begins = Begins(roots);
  answer.goal = *goal;
  answer.all = options.all;
  answer.roots = &roots;
  answer.graph = &graph;
  answer.found = why::FindChains(graph, roots, *goal, options.all, kMostChains);
  answer.problems = ProblemsOf(subject);

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
