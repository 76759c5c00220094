// Bazel's cache keys, computed again: digests of Command, input root and Action, by the recipes of
// its releases. Sources: Bazel's RemoteExecutionService.java, RemoteSpawnRunner.java (4),
// RemotePathResolver.java; remote_execution.proto, "canonical" forms.
#ifndef LRE_AUDIT_AUDIT_CACHE_ACTION_KEY_H_
#define LRE_AUDIT_AUDIT_CACHE_ACTION_KEY_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/execution_log.h"
#include "audit/cache/input_roots.h"
#include "audit/cache/merkle_tree.h"
#include "audit/cache/spawn_parts.h"

namespace lre_audit::cache {

// What of the key the log does not say: it differs between releases and options of Bazel.
struct Recipe {
  enum class OutputFields {
    kFilesAndDirectories,  // output_files, output_directories: to 6, and for old servers
    kPaths,                // output_paths: servers of REAPI 2.1 and later, since 7
    kBoth,
  };
  OutputFields output_fields = OutputFields::kFilesAndDirectories;
  DigestFunction function = DigestFunction::kSha256;
  bool platform_in_action = true;  // beside the Command's
  bool salt = false;               // Action.salt says whether it may run remotely: since 6.4
  std::string workspace;           // of the execution requirement differentiate-workspace-cache
  std::string scrub_salt;          // of --experimental_remote_scrubbing_config
  bool mark_tools = false;         // --experimental_remote_mark_tool_inputs
  bool output_directories_as_inputs = false;  // tree outputs are empty directories of the inputs
  bool missing_are_directories = false;       // declared outputs that were not made are trees
  // --experimental_sibling_repository_layout: the directory, below the input root, that the command
  // runs in. Empty: the root.
  std::string working_directory;
  // With a working directory: whether output paths are relative to the input root, not to it.
  bool outputs_relative_to_root = false;

  bool operator==(const Recipe&) const = default;
  // "output_paths, salt", for people.
  std::string ToString() const;
};

struct Key {
  BlobDigest command, input_root, action;
  bool operator==(const Key&) const = default;
};

// The messages themselves, in canonical form.
std::string CommandMessage(const SpawnParts& parts, const Recipe& recipe);
std::string ActionMessage(const SpawnParts& parts, const Recipe& recipe, const BlobDigest& command,
                          const BlobDigest& input_root);

// FailedPrecondition where the parts do not make a key: see MerkleRoot.
absl::StatusOr<Key> ComputeKey(const SpawnParts& parts, const Recipe& recipe);

// The recipes that could have made the spawn's key, likeliest first: by what the log shows of its
// Bazel, and by what the spawn has (tree outputs, tools, ...).
std::vector<Recipe> RecipesFor(const ExecutionLog& log, const SpawnParts& parts);

// Who knows whether an action digest is one that Bazel computed: a cache.
class KnownActions {
 public:
  virtual ~KnownActions() = default;
  // An error is that of the cache: it could not say. NotFound is a plain false.
  virtual absl::StatusOr<bool> Contains(const BlobDigest& action) = 0;
};

struct Verification {
  enum class State {
    kVerified,    // the digest that was logged, or that a cache has, was computed
    kUnverified,  // none of the recipes makes it
    // Computed, and nobody says whether it is right: no digest was logged, and no cache was asked,
    // none has entries of such actions, or one could not say.
    kNoOracle,
  };
  State state = State::kUnverified;
  // The one that was right; else the likeliest.
  Recipe recipe;
  Key key;  // by that recipe; digests unknown where none could be computed
  // Why it is not verified, for people: "the log has 2 paths of inputs twice (Bazel 4 logs runfiles
  // under wrong paths)", ...
  std::string reason;
  std::vector<std::string> tried;  // hypotheses, as Recipe::ToString()
};

// Verifies spawns of one log. Remembers which recipe was right, and tries that one first.
class Verifier {
 public:
  // `cache` may be null: then logged digests alone count. What is pointed to must outlive this.
  Verifier(const ExecutionLog& log, KnownActions* cache) : log_(log), cache_(cache), roots_(log) {}
  absl::StatusOr<Verification> Verify(const Spawn& spawn);
  absl::StatusOr<Verification> Verify(const SpawnParts& parts);

  // The key by the recipe that was right last, else by the likeliest: nobody is asked.
  // FailedPrecondition as of ComputeKey.
  absl::StatusOr<Key> LikelyKey(const Spawn& spawn);
  bool knows_recipe() const { return last_.has_value(); }

 private:
  using RootFunction = std::function<absl::StatusOr<BlobDigest>(
      const std::vector<std::string>& directories, const MerkleOptions& options)>;
  absl::StatusOr<Verification> Verify(const SpawnParts& parts, std::vector<Recipe> recipes,
                                      const RootFunction& root_of);

  const ExecutionLog& log_;
  KnownActions* cache_;
  InputRoots roots_;
  std::optional<Recipe> last_;
  // Spawns of which no recipe's key was in a cache. After so many without one that was, only the
  // likeliest recipe is asked for.
  static constexpr int kMostFruitless = 20;
  int fruitless_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_ACTION_KEY_H_
