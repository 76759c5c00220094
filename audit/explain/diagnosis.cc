#include "audit/explain/diagnosis.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

using State = cache::Verification::State;

SideKey MakeSideKey(const cache::Spawn& spawn, const cache::Verification& verification) {
  SideKey key;
  key.state = verification.state;
  key.recipe = verification.recipe;
  key.reason = verification.reason;
  const cache::BlobDigest logged = spawn.LoggedDigest();
  key.action = logged.known() ? logged : verification.key.action;
  return key;
}

// What keeps a result out of a cache.
std::string WhyNotCached(const cache::Spawn& spawn) {
  if (!spawn.cacheable) return "is not to be cached (no-cache, or Bazel's own rules)";
  if (!spawn.remote_cacheable) return "is not to be cached remotely (no-remote-cache, local)";
  if (spawn.exit_code != 0) {
    return absl::StrCat("failed with exit code ", spawn.exit_code, ", and failures are not cached");
  }
  return "";
}

// Paths whose contents differ, of outputs that both have.
std::vector<std::string> DifferingOutputs(const cache::SpawnParts& local,
                                          const cache::SpawnParts& remote) {
  std::vector<std::string> differing;
  std::map<std::string, const cache::Output*> of_remote;
  for (const cache::Output& output : remote.outputs) of_remote[output.path] = &output;
  const auto differs = [](const cache::BlobDigest& a, const cache::BlobDigest& b) {
    return a.known() && b.known() && a != b;
  };
  for (const cache::Output& output : local.outputs) {
    const auto found = of_remote.find(output.path);
    if (found == of_remote.end()) continue;
    const cache::Output& other = *found->second;
    // What one side has not made was not asked of it: it failed, or was not downloaded.
    if (output.kind == cache::Output::kMissing || other.kind == cache::Output::kMissing) continue;
    if (output.kind != other.kind || output.target != other.target ||
        differs(output.digest, other.digest)) {
      differing.push_back(output.path);
      continue;
    }
    if (output.files == other.files) continue;
    for (const auto& [path, digest] : output.files) {
      const auto in_other = other.files.find(path);
      if (in_other == other.files.end() || differs(digest, in_other->second)) {
        differing.push_back(absl::StrCat(output.path, "/", path));
      }
    }
    for (const auto& [path, digest] : other.files) {
      if (!output.files.contains(path)) differing.push_back(absl::StrCat(output.path, "/", path));
    }
  }
  return differing;
}

// Whether the outputs are those of the other log, one by one: of most pairs with the same key.
bool SameOutputs(const cache::ExecutionLog& a_log, const cache::Spawn& a,
                 const cache::ExecutionLog& b_log, const cache::Spawn& b) {
  const std::vector<cache::OutputView> in_a = Outputs(a_log, a), in_b = Outputs(b_log, b);
  if (in_a.size() != in_b.size()) return false;
  for (size_t i = 0; i < in_a.size(); ++i) {
    const cache::Artifact& x = a_log.tables->artifacts[in_a[i].artifact];
    const cache::Artifact& y = b_log.tables->artifacts[in_b[i].artifact];
    // Trees and symlinks are for the slow way.
    if (in_a[i].artifact == 0 || in_b[i].artifact == 0 || x.kind != cache::Artifact::kFile ||
        y.kind != cache::Artifact::kFile || x.length == 0 || x.length != y.length ||
        !std::equal(x.hash, x.hash + x.length, y.hash)) {
      return false;
    }
  }
  return true;
}

// What differs, as text: the same for pairs of one cause.
std::string Signature(const std::vector<Difference>& differences) {
  std::string signature;
  for (const Difference& difference : differences) {
    absl::StrAppend(&signature, static_cast<int>(difference.kind), "\n", difference.name, "\n",
                    difference.local.value_or(""), "\n", difference.remote.value_or(""), "\n");
  }
  return signature;
}

bool HasUnknownInputs(const cache::SpawnParts& parts) {
  return std::any_of(parts.inputs.begin(), parts.inputs.end(), [](const auto& input) {
    return input.second.kind == cache::InputNode::kFile && !input.second.digest.known();
  });
}

std::string Unverified(std::string_view side, const SideKey& key) {
  if (key.state == State::kNoOracle && key.reason.empty()) {
    return absl::StrCat(
        "the ", ToAbsl(side),
        " log has no digests of keys to compare the computed ones with (Bazel 7 "
        "and later log them); --cache DIR, the build's disk cache, and its gRPC log "
        "have them");
  }
  return absl::StrCat("the ", ToAbsl(side), " key is not verified: ", key.reason);
}

std::string WhyUnverified(const Diagnosis& diagnosis) {
  if (diagnosis.local.state != State::kVerified) return Unverified("local", diagnosis.local);
  if (diagnosis.remote.state != State::kVerified) return Unverified("remote", diagnosis.remote);
  return "";
}

// A key of which the input root is known.
cache::BlobDigest ActionDigest(const cache::SpawnParts& parts, const cache::Recipe& recipe,
                               const cache::BlobDigest& root) {
  const cache::BlobDigest command = cache::DigestOf(recipe.function, CommandMessage(parts, recipe));
  return cache::DigestOf(recipe.function, ActionMessage(parts, recipe, command, root));
}

// The parts of `all` without which the local spawn, the rest exchanged, does not have the key
// `target`. Inputs and arguments matter always: each of their bytes is hashed.
std::set<Part> NeededParts(const cache::SpawnParts& local, const cache::SpawnParts& remote,
                           const cache::Recipe& recipe, const cache::BlobDigest& root,
                           std::set<Part> all) {
  if (!recipe.mark_tools) {
    std::erase_if(all, [](const Part& part) { return part.kind == Part::kToolMarks; });
  }
  // Inputs are in the root alone, which stays as it is here.
  cache::SpawnParts bare_local = local, bare_remote = remote;
  bare_local.inputs.clear();
  bare_remote.inputs.clear();
  const cache::BlobDigest target = ActionDigest(bare_remote, recipe, root);
  const std::set<Part> candidates = all;
  for (const Part& part : candidates) {
    switch (part.kind) {
      case Part::kVariable:
      case Part::kProperty:
      case Part::kTimeout:
      case Part::kRemotable:
      case Part::kRemoteCacheable:
        break;
      case Part::kOutputs:
        if (!recipe.output_directories_as_inputs) break;
        continue;
      default:
        continue;
    }
    std::set<Part> without = all;
    without.erase(part);
    if (ActionDigest(Exchange(bare_local, bare_remote, without), recipe, root) == target) {
      all = std::move(without);
    }
  }
  return all;
}

}  // namespace

bool Diagnoser::SameInputs(const cache::Spawn& local, const cache::Spawn& remote) const {
  const uint64_t inputs = local_sets_->Of(local.inputs), tools = local_sets_->Of(local.tools);
  return inputs != 0 && tools != 0 && inputs == remote_sets_->Of(remote.inputs) &&
         tools == remote_sets_->Of(remote.tools) && !local.duplicate_inputs &&
         !remote.duplicate_inputs;
}

absl::Status Diagnoser::Compare(const cache::Spawn& local, const cache::Spawn& remote,
                                Diagnosis* result) {
  const bool same_inputs = SameInputs(local, remote);
  const cache::SpawnParts here =
      same_inputs ? ExpandWithoutInputs(local_, local) : ExpandSpawn(local_, local, local_walker_);
  const cache::SpawnParts there = same_inputs ? ExpandWithoutInputs(remote_, remote)
                                              : ExpandSpawn(remote_, remote, remote_walker_);
  result->differences = FindDifferences(here, there);

  const bool both_logged = local.LoggedDigest().known() && remote.LoggedDigest().known();
  uint32_t& proofs = proofs_[Signature(result->differences)];
  const bool is_computed = !both_logged || proofs < kMostProofs;
  cache::Verification local_key, remote_key;
  if (is_computed) {
    LRE_ASSIGN_OR_RETURN(local_key, local_verifier_.Verify(local));
    LRE_ASSIGN_OR_RETURN(remote_key, remote_verifier_.Verify(remote));
    last_recipe_ = remote_key.recipe;
    ++proofs;
  } else {
    local_key.recipe = remote_key.recipe = last_recipe_;
    local_key.reason = remote_key.reason = absl::StrCat("it was not computed, since ", kMostProofs,
                                                        " actions with the same differences were");
  }
  result->local = MakeSideKey(local, local_key);
  result->remote = MakeSideKey(remote, remote_key);
  const bool both_verified =
      local_key.state == State::kVerified && remote_key.state == State::kVerified;
  if (!both_logged && both_verified && local_key.key.action == remote_key.key.action) {
    result->same_key = true;
    result->differences.clear();
    return absl::OkStatus();
  }
  if (both_verified && local_key.recipe != remote_key.recipe) {
    result->differences.push_back({.kind = Difference::Kind::kRecipe,
                                   .local = local_key.recipe.ToString(),
                                   .remote = remote_key.recipe.ToString(),
                                   .parts = {{Part::kRecipe}}});
  }

  std::set<Part> parts;
  for (const Difference& difference : result->differences) {
    parts.insert(difference.parts.begin(), difference.parts.end());
  }
  // Everything by the remote's recipe: what the local key is to become.
  const cache::Recipe& recipe =
      both_verified || local_key.state != State::kVerified ? remote_key.recipe : local_key.recipe;
  const cache::BlobDigest& root = remote_key.key.input_root;
  const std::set<Part> needed = NeededParts(here, there, recipe, root, parts);
  std::erase_if(result->differences, [&](const Difference& difference) {
    return std::none_of(difference.parts.begin(), difference.parts.end(),
                        [&](const Part& part) { return needed.contains(part); });
  });

  result->unproven_because = WhyUnverified(*result);
  if (result->differences.empty()) {
    // Of spawns that could be read in part nothing more can be said: the log's damage is told.
    if (here.damaged || there.damaged) {
      result->unknown_key = true;
    } else if (!both_logged) {
      result->unknown_key = local.duplicate_inputs || remote.duplicate_inputs ||
                            HasUnknownInputs(here) || HasUnknownInputs(there);
      result->same_key = !result->unknown_key;
    } else {
      // All that was logged is the same.
      result->differences.push_back({.kind = Difference::Kind::kUnlogged,
                                     .local = local.LoggedDigest().ToString(),
                                     .remote = remote.LoggedDigest().ToString()});
    }
    return absl::OkStatus();
  }
  if (!result->unproven_because.empty()) return absl::OkStatus();
  // Inputs are exchanged all or none, so the altered spawn's root is the remote's, which was
  // computed; where none are, it is the local one too.
  const bool root_changes = std::any_of(needed.begin(), needed.end(), [](const Part& part) {
    return part.kind == Part::kInputs || part.kind == Part::kToolMarks ||
           part.kind == Part::kRecipe || part.kind == Part::kOutputs;
  });
  cache::SpawnParts bare_local = here, bare_remote = there;
  bare_local.inputs.clear();
  bare_remote.inputs.clear();
  result->proven = (root_changes || local_key.key.input_root == root) &&
                   ActionDigest(Exchange(bare_local, bare_remote, needed), recipe, root) ==
                       remote_key.key.action;
  if (!result->proven) {
    result->unproven_because =
        "with all that differs in the logs exchanged, the local key is another one than the "
        "remote's";
  }
  return absl::OkStatus();
}

// Whether what the cache has under the key is of use.
void Diagnoser::LookAtResult(const cache::Spawn& local, Diagnosis* result) {
  const absl::StatusOr<cache::BuildCaches::Usability> found =
      cache_->LookAtResult(result->local.action);
  if (!found.ok()) return;
  result->missing_blob = found->missing;
  // Paths are relative to the working directory, which may be none of the log's.
  if (!result->local.recipe.working_directory.empty()) return;
  bool has_made_any = false, names_any = false;
  for (const cache::OutputView& view : Outputs(local_, local)) {
    has_made_any = has_made_any || view.artifact != 0;
    const uint64_t hash = cache::BuildCaches::HashOfPath(local_.tables->strings.Get(view.path));
    names_any = names_any || std::find(found->outputs.begin(), found->outputs.end(), hash) !=
                                 found->outputs.end();
  }
  result->foreign_result = has_made_any && !names_any;
}

absl::StatusOr<Diagnosis> Diagnoser::Diagnose(const SpawnPair& pair) {
  const cache::Spawn& local = local_.spawns[pair.local];
  const cache::Spawn& remote = remote_.spawns[pair.remote];
  Diagnosis result;
  if (const cache::BlobDigest logged = local.LoggedDigest();
      logged.known() && logged == remote.LoggedDigest()) {
    // Bazel says so itself on both sides, and there is nothing to prove.
    result.same_key = true;
    result.local.state = result.remote.state = State::kVerified;
    result.local.action = result.remote.action = logged;
  } else {
    LRE_RETURN_IF_ERROR(Compare(local, remote, &result));
    if (!result.same_key) return result;
  }

  if (!SameOutputs(local_, local, remote_, remote)) {
    result.differing_outputs =
        DifferingOutputs(ExpandWithoutInputs(local_, local), ExpandWithoutInputs(remote_, remote));
  }
  if (local.damaged || remote.damaged) return result;  // what it says of caching may be lost
  const std::string why_local = WhyNotCached(local), why_remote = WhyNotCached(remote);
  result.cacheable_differs = why_local.empty() != why_remote.empty();
  result.not_cached = !why_local.empty() ? why_local : why_remote;
  if (cache_ == nullptr || !result.not_cached.empty()) return result;
  if (local.LoggedDigest().known() || result.local.state == State::kVerified) {
    const absl::StatusOr<bool> is_there = cache_->Contains(result.local.action);
    result.absent = is_there.ok() && !*is_there;
    if (is_there.ok() && *is_there) LookAtResult(local, &result);
  } else {
    // No computed key is in the cache. Compact logs without digests are none of Bazel's, and Bazel
    // 4 logs runfiles wrongly, which the others show.
    result.absent = result.local.state == State::kUnverified && result.local.action.known() &&
                    local_.format != cache::ExecutionLog::Format::kCompact &&
                    !local.duplicate_inputs;
  }
  return result;
}

}  // namespace lre_audit::explain
