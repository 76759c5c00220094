#include "audit/link/link.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/link/link_closure.h"
#include "audit/link/link_image.h"
#include "audit/link/link_objects.h"
#include "audit/link/tree_index.h"
#include "base/store_path.h"

namespace lre_audit {
namespace {

LinkedProblem::Kind KindOf(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::kUnreadable:
      return LinkedProblem::Kind::kUnreadable;
    case Problem::Kind::kLimit:
      return LinkedProblem::Kind::kLimit;
    case Problem::Kind::kDigestMismatch:
      return LinkedProblem::Kind::kDigestMismatch;
    case Problem::Kind::kDiffIdMismatch:
      return LinkedProblem::Kind::kDiffIdMismatch;
    case Problem::Kind::kViewsDisagree:
      return LinkedProblem::Kind::kViewsDisagree;
    case Problem::Kind::kTrailingData:
      return LinkedProblem::Kind::kTrailingData;
    case Problem::Kind::kMalformed:
      return LinkedProblem::Kind::kMalformed;
  }
  return LinkedProblem::Kind::kUnreadable;
}

// What a file names by itself: the claims of the scan, and a symlink's target.
void LinkClaims(const TreeIndex& index, LinkedFile& file) {
  const std::string_view directory = DirectoryOf(file.facts->path());
  if (file.facts->type() == FileFacts::SYMLINK) {
    LinkedClaim& claim = file.claims.emplace_back();
    claim.kind = Claim::SYMLINK_TARGET;
    claim.text = file.facts->target();
    claim.target = index.Lookup(claim.text, directory);
  }
  for (const Claim& fact : file.facts->claims()) {
    LinkedClaim& claim = file.claims.emplace_back();
    claim.kind = fact.kind();
    claim.text = fact.text();
    claim.offset = fact.offset();
    claim.line = fact.line();
    claim.context = fact.context();
    claim.excerpt = fact.excerpt();
    claim.count = fact.count() == 0 ? 1 : fact.count();
    claim.target = index.Lookup(claim.text, {});
  }
}

}  // namespace

Subject Link(const LinkInput& input) {
  const MergedTree& tree = *input.tree;
  Subject subject;
  subject.kind = input.kind;
  subject.reference = input.reference;
  subject.store_directory = input.store_directory;
  subject.closure_kind = input.closure_kind;
  if (input.closure != nullptr) {
    subject.closure_source = absl::StrCat(input.closure->source, " (", input.closure->format, ")");
    for (const std::string& problem : input.closure->problems) {
      subject.problems.push_back(
          {LinkedProblem::Kind::kMalformed, input.closure->source, problem, {}, {}, 0});
      // What a store holds is what its closure says.
      subject.problems.back().hides_files = input.kind == Subject::Kind::kStore;
      subject.closure_is_partial = true;
    }
  }
  for (const Problem& problem : tree.problems) {
    subject.problems.push_back({KindOf(problem.kind), problem.where, problem.message,
                                problem.expected, problem.actual, problem.offset});
    subject.problems.back().hides_files = problem.hides_files;
  }

  // Nothing is no proof of anything: a wrong directory or an empty image must not pass a gate.
  if (tree.files.empty() && tree.problems.empty()) {
    subject.problems.push_back({LinkedProblem::Kind::kUnreadable,
                                input.reference,
                                "there is nothing to audit: the tree holds no files",
                                {},
                                {},
                                0});
  }

  const TreeIndex index(tree.files, input.store_directory);
  const ClosureLinker closure(tree, index, input.closure);
  subject.files.reserve(tree.files.size());
  for (const FileFacts& facts : tree.files) {
    LinkedFile& file = subject.files.emplace_back();
    file.facts = &facts;
    if (!tree.layer_names.empty()) file.layer = tree.layer_names[facts.layer()];
    if (const auto store_path = nix::StorePathOf(facts.path(), input.store_directory)) {
      file.store_path = *store_path;
    }
    LinkClaims(index, file);
    // Where the names below store paths are not known, neither is what lies behind a link into one
    // that is there.
    if (!input.contents) {
      std::erase_if(file.claims, [](const LinkedClaim& claim) {
        return claim.target.place == Target::Place::kStore && claim.target.store_path_exists;
      });
    }
  }
  closure.Link(subject);
  LinkObjects(
      index,
      [&](std::string_view store_path, std::string_view other) {
        return closure.References(store_path, other);
      },
      input.machine, subject.files);
  if (input.config != nullptr && input.config->present) {
    subject.image = LinkImage(*input.config, index);
    subject.image->alterations = tree.alterations;
  }
  return subject;
}

}  // namespace lre_audit
