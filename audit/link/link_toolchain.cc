#include "audit/link/link_toolchain.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/link/c_library.h"
#include "audit/link/tree_index.h"
#include "base/paths.h"
#include "base/store_path.h"

namespace lre_audit {
namespace {

// Names under which Bazel asks for tools (tools/cpp/unix_cc_configure.bzl, _get_tool_paths).
constexpr std::array<std::string_view, 14> kTools = {
    "ar",   "ld", "llvm-cov", "llvm-profdata", "cpp",   "gcc",     "dwp",
    "gcov", "nm", "objcopy",  "objdump",       "strip", "c++filt", "as"};

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Whether what `claim` names is run. A tool can also be a directory (java_home, a repository's
// path), a script's path or a flag's a file of any kind: there the directory tells.
bool NamesProgram(const Claim& claim, const Target& target) {
  const std::string_view directory = FileName(DirectoryOf(target.path));
  const bool is_program_directory =
      directory == "bin" || directory == "sbin" || directory == "libexec";
  switch (claim.kind()) {
    case Claim::SHEBANG:
      return true;
    case Claim::TOOL:
      return is_program_directory ||
             std::find(kTools.begin(), kTools.end(), claim.context()) != kTools.end();
    case Claim::WRAPPER:
    case Claim::FLAG:
      return is_program_directory;
    default:
      return false;
  }
}

// Place, path and store path of `text`, of which no file is known.
Target Written(const TreeIndex& nothing, const std::string& text) {
  Target target = nothing.Lookup(text, {});
  const std::string& store = nothing.store_directory();
  // A name in the store directory that is no store path's is as little there as a missing one.
  if (target.store_path.empty() && IsBelow(target.path, store)) {
    target.store_path = target.path.substr(0, target.path.find('/', store.size() + 1));
  }
  return target;
}

bool IsOtherSystem(const Claim& claim, const ToolchainView& view) {
  return !claim.system().empty() && !view.system.empty() && claim.system() != view.system;
}

void AddProblem(const ConfigFacts& file, const ConfigDefect& defect, Subject& subject) {
  LinkedProblem& problem = subject.problems.emplace_back();
  problem.kind =
      defect.line() == 0 ? LinkedProblem::Kind::kUnreadable : LinkedProblem::Kind::kMalformed;
  problem.where = file.path();
  problem.line = defect.line();
  problem.column = defect.column();
  problem.message = defect.message();
}

void AddCLibraries(const std::set<std::string>& named, const std::vector<const View*>& views,
                   LinkedToolchain& toolchain) {
  std::vector<LinkedToolchain::CLibrary>& libraries = toolchain.c_libraries;
  const std::vector<std::string> paths(named.begin(), named.end());
  for (const std::string& path : paths) {
    if (auto library = CLibraryOf(path)) libraries.push_back(*std::move(library));
  }
  for (const View* view : views) {
    for (LinkedToolchain::CLibrary& library : view->CLibraries(paths)) {
      libraries.push_back(std::move(library));
    }
  }
  Deduplicate(libraries);
}

}  // namespace

Subject LinkToolchain(const ToolchainFacts& facts, const std::string& store_directory,
                      const std::vector<const View*>& views) {
  Subject subject;
  subject.kind = Subject::Kind::kToolchain;
  subject.reference = facts.directory;
  subject.store_directory = store_directory;
  LinkedToolchain& toolchain = subject.toolchain.emplace();

  // The claims as written.
  const std::vector<FileFacts> no_files;
  const TreeIndex nothing(no_files, store_directory);
  std::set<std::string> named;  // store paths
  for (const ConfigFacts& file : facts.files) {
    for (const Claim& claim : file.claims()) {
      toolchain.claims.push_back({&file, &claim, Written(nothing, claim.text()), {}});
      named.insert(toolchain.claims.back().target.store_path);
    }
    for (const Setting& setting : file.settings()) toolchain.settings.push_back({&file, &setting});
    for (const ConfigDefect& defect : file.defects()) AddProblem(file, defect, subject);
  }
  named.erase("");

  // What each view has of them.
  std::vector<const View*> asked;
  for (const View* view : views) {
    const ToolchainView& description = view->description();
    const auto has = [&](const std::string& store_path) {
      return view->Lookup(store_path, /*program=*/false).target.store_path_exists;
    };
    if (description.kind == ToolchainView::Kind::kDefaultLocal &&
        std::none_of(named.begin(), named.end(), has)) {
      continue;
    }
    asked.push_back(view);
    toolchain.views.push_back(description);
  }
  for (ToolchainClaim& claim : toolchain.claims) {
    for (const View* view : asked) {
      ViewTarget& target = claim.targets.emplace_back();
      if (claim.target.store_path.empty() || IsOtherSystem(*claim.claim, view->description())) {
        continue;
      }
      target = view->Lookup(claim.claim->text(), NamesProgram(*claim.claim, claim.target));
    }
  }
  AddCLibraries(named, asked, toolchain);
  return subject;
}

}  // namespace lre_audit
