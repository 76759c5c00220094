#include "audit/cache/action_key.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/cache/merkle_tree.h"
#include "audit/cache/wire.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

void WritePairs(uint32_t number, Pairs pairs, std::string* out) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [name, value] : pairs) {
    std::string pair;
    WriteBytes(1, name, &pair);
    WriteBytes(2, value, &pair);
    WriteBytesAlways(number, pair, out);
  }
}

// Left out where there are no properties, as PlatformUtils.getPlatformProto() has it.
void WritePlatform(uint32_t number, const Pairs& properties, std::string* out) {
  std::string platform;
  WritePairs(1, properties, &platform);
  WriteBytes(number, platform, out);
}

bool IsTree(const Output& output, const Recipe& recipe) {
  return output.kind == Output::kDirectory ||
         (output.kind == Output::kMissing && recipe.missing_are_directories);
}

// tools.protos.CacheSalt
std::string Salt(const SpawnParts& parts, const Recipe& recipe) {
  std::string salt;
  WriteVarint(1, parts.remotable ? 1 : 0, &salt);
  WriteBytes(2, recipe.workspace, &salt);
  if (!recipe.scrub_salt.empty()) {
    std::string scrub;
    WriteBytes(1, recipe.scrub_salt, &scrub);
    WriteBytesAlways(3, scrub, &salt);
  }
  return salt;
}

MerkleOptions MerkleOptionsOf(const Recipe& recipe) {
  return {recipe.function, recipe.mark_tools, recipe.working_directory};
}

std::vector<std::string> InputDirectories(const SpawnParts& parts, const Recipe& recipe) {
  std::vector<std::string> directories;
  if (!recipe.output_directories_as_inputs) return directories;
  for (const Output& output : parts.outputs) {
    if (IsTree(output, recipe)) directories.push_back(output.path);
  }
  return directories;
}

std::string Plural(size_t count, std::string_view noun) {
  return absl::StrCat(count, " ", ToAbsl(noun), count == 1 ? "" : "s");
}

// What of a log makes its spawn's key one that cannot be had.
std::string KnownLoss(const SpawnParts& parts) {
  if (parts.damaged) return "part of the spawn, or of its inputs, could not be read";
  if (!parts.has_duplicate_inputs) return "";
  const std::string tell =
      "Bazel 4 logs the runfiles of tools under wrong paths, so the inputs are not known";
  if (parts.duplicate_inputs.empty()) {
    return absl::StrCat("the log has a path of the inputs twice: ", tell);
  }
  return absl::StrCat("the log has ", Plural(parts.duplicate_inputs.size(), "path"),
                      " of the inputs twice (", Escaped(parts.duplicate_inputs.front()),
                      "): ", tell);
}

// Why no cache has an entry of the action, empty if it should.
std::string_view WhyNoCacheKnows(const SpawnParts& parts) {
  if (!parts.cacheable) return "the action is not cached, so no cache knows its digest";
  if (!parts.remote_cacheable) {
    return "the action is not cached remotely, so no cache need know its digest";
  }
  if (parts.exit_code != 0) return "the action failed, so no cache knows its digest";
  return "";
}

}  // namespace

std::string Recipe::ToString() const {
  std::vector<std::string> words;
  switch (output_fields) {
    case OutputFields::kFilesAndDirectories:
      words.push_back("output_files and output_directories");
      break;
    case OutputFields::kPaths:
      words.push_back("output_paths");
      break;
    case OutputFields::kBoth:
      words.push_back("output_files, output_directories and output_paths");
      break;
  }
  words.push_back(salt ? "salt" : "no salt");
  if (!platform_in_action) words.push_back("platform in Command alone");
  if (output_directories_as_inputs) words.push_back("output directories among the inputs");
  if (missing_are_directories) words.push_back("missing outputs are directories");
  if (mark_tools) words.push_back("tools marked");
  if (!working_directory.empty()) {
    words.push_back(absl::StrCat("working directory ", Escaped(working_directory)));
  }
  if (outputs_relative_to_root) words.push_back("outputs relative to the input root");
  if (!workspace.empty()) words.push_back(absl::StrCat("workspace salt ", Escaped(workspace)));
  if (!scrub_salt.empty()) words.push_back(absl::StrCat("scrubbing salt ", Escaped(scrub_salt)));
  return absl::StrJoin(words, ", ");
}

std::string CommandMessage(const SpawnParts& parts, const Recipe& recipe) {
  std::vector<std::string> files, directories, paths;
  for (const Output& output : parts.outputs) {
    const std::string path = recipe.outputs_relative_to_root && !recipe.working_directory.empty()
                                 ? absl::StrCat(recipe.working_directory, "/", output.path)
                                 : output.path;
    (IsTree(output, recipe) ? directories : files).push_back(path);
    paths.push_back(path);
  }
  std::string command;
  for (const std::string& argument : parts.arguments) WriteBytesAlways(1, argument, &command);
  WritePairs(2, parts.environment, &command);
  const auto write_paths = [&](uint32_t number, std::vector<std::string>& list) {
    std::sort(list.begin(), list.end());
    for (const std::string& path : list) WriteBytesAlways(number, path, &command);
  };
  if (recipe.output_fields != Recipe::OutputFields::kPaths) {
    write_paths(3, files);
    write_paths(4, directories);
  }
  WritePlatform(5, parts.platform, &command);
  WriteBytes(6, recipe.working_directory, &command);
  if (recipe.output_fields != Recipe::OutputFields::kFilesAndDirectories) write_paths(7, paths);
  return command;
}

std::string ActionMessage(const SpawnParts& parts, const Recipe& recipe, const BlobDigest& command,
                          const BlobDigest& input_root) {
  std::string action;
  WriteDigest(1, command, &action);
  WriteDigest(2, input_root, &action);
  // Whole seconds. Bazel writes the message also where less than a second becomes none.
  if (parts.timeout_millis != 0) {
    std::string timeout;
    WriteVarint(1, parts.timeout_millis / 1000, &timeout);
    WriteBytesAlways(6, timeout, &action);
  }
  WriteVarint(7, parts.remote_cacheable ? 0 : 1, &action);
  if (recipe.salt) WriteBytes(9, Salt(parts, recipe), &action);
  if (recipe.platform_in_action) WritePlatform(10, parts.platform, &action);
  return action;
}

namespace {

// What of a key is above its input root.
void SetMessages(const SpawnParts& parts, const Recipe& recipe, Key* key) {
  key->command = DigestOf(recipe.function, CommandMessage(parts, recipe));
  key->action =
      DigestOf(recipe.function, ActionMessage(parts, recipe, key->command, key->input_root));
}

}  // namespace

absl::StatusOr<Key> ComputeKey(const SpawnParts& parts, const Recipe& recipe) {
  Key key;
  LRE_ASSIGN_OR_RETURN(key.input_root, MerkleRoot(parts.inputs, InputDirectories(parts, recipe),
                                                  MerkleOptionsOf(recipe)));
  SetMessages(parts, recipe, &key);
  return key;
}

namespace {

std::vector<Recipe> Recipes(const ExecutionLog& log, const SpawnParts& parts, bool has_tools) {
  using Fields = Recipe::OutputFields;
  Recipe plain;
  plain.function = log.digest_function;

  bool has_tree = false, has_missing = false;
  for (const Output& output : parts.outputs) {
    has_tree = has_tree || output.kind == Output::kDirectory;
    has_missing = has_missing || output.kind == Output::kMissing;
  }

  // Logs with digests are of Bazel 7 and later, which salt; those without labels of 4.
  std::vector<Recipe> recipes;
  const bool newer = log.has_digests || log.format == ExecutionLog::Format::kCompact;
  for (const bool salt : {newer, !newer}) {
    for (const Fields fields :
         newer ? std::vector<Fields>{Fields::kPaths, Fields::kBoth, Fields::kFilesAndDirectories}
               : std::vector<Fields>{Fields::kFilesAndDirectories, Fields::kBoth, Fields::kPaths}) {
      Recipe recipe = plain;
      recipe.salt = salt;
      recipe.output_fields = fields;
      recipe.output_directories_as_inputs = has_tree && newer;
      recipes.push_back(recipe);
    }
  }
  // Each further one of these may be combined with all that is there.
  const auto also = [&](auto change) {
    const size_t count = recipes.size();
    for (size_t i = 0; i < count; ++i) {
      Recipe changed = recipes[i];
      change(&changed);
      recipes.push_back(std::move(changed));
    }
  };
  if (has_tree) {
    also([](Recipe* r) { r->output_directories_as_inputs = !r->output_directories_as_inputs; });
  }
  if (has_missing) {
    also([](Recipe* r) { r->missing_are_directories = true; });
    if (!has_tree && newer) {
      also([](Recipe* r) { r->output_directories_as_inputs = r->missing_are_directories; });
    }
  }
  if (!parts.platform.empty()) also([](Recipe* r) { r->platform_in_action = false; });
  if (has_tools) also([](Recipe* r) { r->mark_tools = true; });
  if (log.sibling_repository_layout && !log.workspace_runfiles_directory.empty()) {
    std::vector<Recipe> sibling;
    for (const bool relative_to_root : {false, true}) {
      for (Recipe recipe : recipes) {
        recipe.working_directory = log.workspace_runfiles_directory;
        recipe.outputs_relative_to_root = relative_to_root;
        sibling.push_back(std::move(recipe));
      }
    }
    recipes.insert(recipes.begin(), sibling.begin(), sibling.end());
  }
  std::vector<Recipe> distinct;
  for (Recipe& recipe : recipes) {
    if (std::find(distinct.begin(), distinct.end(), recipe) == distinct.end()) {
      distinct.push_back(std::move(recipe));
    }
  }
  return distinct;
}

}  // namespace

std::vector<Recipe> RecipesFor(const ExecutionLog& log, const SpawnParts& parts) {
  return Recipes(log, parts,
                 std::any_of(parts.inputs.begin(), parts.inputs.end(),
                             [](const auto& input) { return input.second.is_tool; }));
}

absl::StatusOr<Verification> Verifier::Verify(const Spawn& spawn) {
  const SpawnParts parts = ExpandWithoutInputs(log_, spawn);
  return Verify(parts, Recipes(log_, parts, spawn.tools != 0),
                [&](const std::vector<std::string>& directories, const MerkleOptions& options) {
                  return roots_.Root(spawn, directories, options);
                });
}

absl::StatusOr<Key> Verifier::LikelyKey(const Spawn& spawn) {
  const SpawnParts parts = ExpandWithoutInputs(log_, spawn);
  const std::vector<Recipe> recipes = Recipes(log_, parts, spawn.tools != 0);
  const bool is_last = last_ && std::find(recipes.begin(), recipes.end(), *last_) != recipes.end();
  const Recipe& recipe = is_last ? *last_ : recipes.front();
  Key key;
  LRE_ASSIGN_OR_RETURN(
      key.input_root, roots_.Root(spawn, InputDirectories(parts, recipe), MerkleOptionsOf(recipe)));
  SetMessages(parts, recipe, &key);
  return key;
}

absl::StatusOr<Verification> Verifier::Verify(const SpawnParts& parts) {
  return Verify(parts, RecipesFor(log_, parts),
                [&](const std::vector<std::string>& directories, const MerkleOptions& options) {
                  return MerkleRoot(parts.inputs, directories, options);
                });
}

absl::StatusOr<Verification> Verifier::Verify(const SpawnParts& parts, std::vector<Recipe> recipes,
                                              const RootFunction& root_of) {
  Verification result;
  if (last_) {
    const auto found = std::find(recipes.begin(), recipes.end(), *last_);
    if (found != recipes.end()) std::rotate(recipes.begin(), found, found + 1);
  }
  const std::string loss = KnownLoss(parts);
  if (parts.damaged) {
    result.reason = loss;
    return result;
  }
  if (!parts.logged_digest.known() && cache_ == nullptr) {
    result.state = Verification::State::kNoOracle;
    recipes.resize(1);
  }
  // A question for each recipe, of every spawn, is a long time with a remote cache that does not
  // have the build.
  const bool is_asked = !parts.logged_digest.known() && cache_ != nullptr;
  if (is_asked && !last_ && fruitless_ >= kMostFruitless) recipes.resize(1);
  // Input roots by what they depend on: most recipes have the same.
  std::vector<std::pair<Recipe, BlobDigest>> roots;
  for (const Recipe& recipe : recipes) {
    Key key;
    const MerkleOptions options = MerkleOptionsOf(recipe);
    const std::vector<std::string> directories = InputDirectories(parts, recipe);
    const auto known = std::find_if(roots.begin(), roots.end(), [&](const auto& root) {
      return root.first.mark_tools == recipe.mark_tools &&
             root.first.working_directory == recipe.working_directory &&
             InputDirectories(parts, root.first) == directories;
    });
    if (known != roots.end()) {
      key.input_root = known->second;
    } else {
      absl::StatusOr<BlobDigest> root = root_of(directories, options);
      if (!root.ok()) {
        result.reason = std::string(root.status().message());
        return result;
      }
      key.input_root = *root;
      roots.emplace_back(recipe, *root);
    }
    SetMessages(parts, recipe, &key);
    bool right = false;
    if (parts.logged_digest.known()) {
      right = key.action.hash == parts.logged_digest.hash;
    } else if (cache_ != nullptr) {
      const absl::StatusOr<bool> is_there = cache_->Contains(key.action);
      right = is_there.ok() && *is_there;
      if (!is_there.ok()) {
        // Another recipe's key may be in a cache that answers.
        result.state = Verification::State::kNoOracle;
        result.reason = "a cache could not say whether it has an entry of it";
      }
    }
    if (right || result.tried.empty()) {
      result.recipe = recipe;
      result.key = key;
    }
    if (right) {
      result.state = Verification::State::kVerified;
      result.reason.clear();
      result.tried.clear();
      last_ = recipe;
      return result;
    }
    result.tried.push_back(recipe.ToString());
  }
  if (result.state == Verification::State::kNoOracle) {
    result.tried.clear();
    return result;
  }
  const std::string_view oracle =
      parts.logged_digest.known() ? "the logged digest" : "a digest that the cache or gRPC log has";
  if (!loss.empty()) {
    result.reason = loss;
  } else if (const std::string_view reason = WhyNoCacheKnows(parts);
             !parts.logged_digest.known() && !reason.empty()) {
    result.state = Verification::State::kNoOracle;
    result.reason = reason;
    result.tried.clear();
  } else {
    if (is_asked) ++fruitless_;
    result.reason = absl::StrCat(
        "none of ", Plural(recipes.size(), "recipe"), " makes ", ToAbsl(oracle),
        "; what a log does not say may be why: a working directory, path mapping, a salt of "
        "differentiate-workspace-cache or of scrubbing, a persistent worker's key");
  }
  return result;
}

}  // namespace lre_audit::cache
