#include "audit/cache/spawn_parts.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs ExpandPairs(const ExecutionLog& log, ListId list) {
  Pairs pairs;
  const std::span<const uint32_t> ids = log.tables->lists.Get(list);
  for (size_t i = 0; i + 1 < ids.size(); i += 2) {
    pairs.emplace_back(log.tables->strings.Get(ids[i]), log.tables->strings.Get(ids[i + 1]));
  }
  return pairs;
}

// One spawn's inputs as they are collected.
class InputCollector {
 public:
  InputCollector(const ExecutionLog& log, SetWalker& walker, SpawnParts& parts)
      : log_(log), walker_(walker), parts_(parts) {}

  void Add(SetId set, bool is_tool) {
    // The walker's list is the next walk's, and runfiles trees need one of their own.
    const std::vector<ArtifactId> artifacts = walker_.Flatten(set, &parts_.damaged);
    for (const ArtifactId id : artifacts) AddArtifact(log_.tables->artifacts[id], is_tool);
  }

 private:
  void AddArtifact(const Artifact& artifact, bool is_tool) {
    if (artifact.damaged) parts_.damaged = true;
    const std::string path = log_.tables->strings.Get(artifact.path);
    switch (artifact.kind) {
      case Artifact::kFile:
        AddFile(path, artifact, is_tool);
        break;
      case Artifact::kSymlink:
        Insert(path, {InputNode::kSymlink, {}, log_.tables->strings.Get(artifact.detail), is_tool});
        break;
      case Artifact::kDirectory:
        AddDirectory(path, artifact, is_tool);
        break;
      case Artifact::kRunfilesTree:
        for (const auto& [below, id] : ExpandRunfiles(
                 log_, log_.tables->runfiles_trees[artifact.detail], walker_, &parts_.damaged)) {
          const std::string full = absl::StrCat(path, "/", below);
          const Artifact& target = log_.tables->artifacts[id];
          if (id == 0) {
            Insert(full, {InputNode::kFile, DigestOf(log_.digest_function, ""), "", is_tool});
          } else if (target.kind == Artifact::kDirectory) {
            AddDirectory(full, target, is_tool);
          } else if (target.kind == Artifact::kSymlink) {
            Insert(full,
                   {InputNode::kSymlink, {}, log_.tables->strings.Get(target.detail), is_tool});
          } else {
            AddFile(full, target, is_tool);
          }
        }
        break;
      default:
        break;
    }
  }

  void AddFile(const std::string& path, const Artifact& artifact, bool is_tool) {
    if (artifact.damaged) parts_.damaged = true;
    Insert(path, {InputNode::kFile, log_.DigestOfFile(artifact), "", is_tool});
  }

  void AddDirectory(const std::string& path, const Artifact& artifact, bool is_tool) {
    const std::span<const uint32_t> files = log_.tables->lists.Get(artifact.detail);
    if (files.empty()) Insert(path, {InputNode::kEmptyDirectory, {}, "", is_tool});
    for (const ArtifactId id : files) {
      const Artifact& file = log_.tables->artifacts[id];
      AddFile(absl::StrCat(path, "/", log_.tables->strings.Get(file.path)), file, is_tool);
    }
  }

  // Bazel stages the first of equal paths.
  void Insert(const std::string& path, InputNode&& node) {
    parts_.inputs.try_emplace(path, std::move(node));
  }

  const ExecutionLog& log_;
  SetWalker& walker_;
  SpawnParts& parts_;
};

// Where a runfiles tree has the file of this execution path: "REPO/P" of "external/REPO/P", and of
// "bazel-out/CONFIG/bin/external/REPO/P"; WORKSPACE/P where there is no repository.
// Source: Bazel's SpawnLogReconstructor.java; Artifact.getRunfilesPath().
std::string RunfilesPath(std::string_view path, std::string_view workspace, bool* is_external) {
  if (path.starts_with("bazel-out/")) {
    size_t end = 0;
    for (int i = 0; i < 3 && end != std::string_view::npos; ++i) {
      end = path.find('/', end == 0 ? 0 : end + 1);
    }
    if (end != std::string_view::npos) path.remove_prefix(end + 1);
  }
  // With --experimental_sibling_repository_layout, external files lie beside the workspace.
  for (const std::string_view external : {"external/", "../"}) {
    if (path.starts_with(external)) {
      *is_external = true;
      return std::string(path.substr(external.size()));
    }
  }
  *is_external = false;
  return absl::StrCat(ToAbsl(workspace), "/", ToAbsl(path));
}

// The keys of symlinks and empty files are relative to the workspace's directory.
std::string BesideWorkspace(const std::string& key, std::string_view workspace) {
  if (key.starts_with("../")) return key.substr(3);
  return absl::StrCat(ToAbsl(workspace), "/", key);
}

// Calls visit(path, artifact) for the pairs of a set, transitive sets first.
template <typename Visit>
void VisitSymlinks(const ExecutionLog& log, uint32_t set, bool* damaged, Visit visit) {
  std::vector<std::pair<uint32_t, size_t>> stack;
  std::vector<bool> seen(log.tables->symlink_sets.size());
  if (set != 0) stack.emplace_back(set, 0);
  while (!stack.empty()) {
    auto& [current, next] = stack.back();
    const SymlinkSet& symlinks = log.tables->symlink_sets[current];
    const std::span<const uint32_t> children = log.tables->lists.Get(symlinks.sets);
    if (next < children.size()) {
      const uint32_t child = children[next++];
      if (!seen[child]) stack.emplace_back(child, 0);
      seen[child] = true;
      continue;
    }
    if (symlinks.damaged) *damaged = true;
    const std::span<const uint32_t> pairs = log.tables->lists.Get(symlinks.pairs);
    for (size_t i = 0; i + 1 < pairs.size(); i += 2)
      visit(log.tables->strings.Get(pairs[i]), pairs[i + 1]);
    stack.pop_back();
  }
}

}  // namespace

std::map<std::string, ArtifactId> ExpandRunfiles(const ExecutionLog& log, const RunfilesTree& tree,
                                                 SetWalker& walker, bool* damaged) {
  std::map<std::string, ArtifactId> files;
  const std::string_view workspace = log.workspace_runfiles_directory;
  // Later ones overlay earlier ones.
  VisitSymlinks(log, tree.symlinks, damaged, [&](const std::string& key, ArtifactId id) {
    files[BesideWorkspace(key, workspace)] = id;
  });
  for (const ArtifactId id : walker.Flatten(tree.inputs, damaged)) {
    const std::string path = log.tables->strings.Get(log.tables->artifacts[id].path);
    // A tree within a tree is no file; Bazel leaves it out.
    if (log.tables->artifacts[id].kind == Artifact::kRunfilesTree) continue;
    bool is_external = false;
    const std::string below = RunfilesPath(path, workspace, &is_external);
    files[below] = id;
    if (is_external && tree.legacy_external_runfiles) {
      files[absl::StrCat(ToAbsl(workspace), "/external/", below)] = id;
    }
  }
  for (const StringId key : log.tables->lists.Get(tree.empty_files)) {
    files[BesideWorkspace(log.tables->strings.Get(key), workspace)] = 0;
  }
  VisitSymlinks(log, tree.root_symlinks, damaged,
                [&](const std::string& key, ArtifactId id) { files[key] = id; });
  if (tree.repo_mapping != 0) files["_repo_mapping"] = tree.repo_mapping;
  // The workspace's directory is there even if nothing is in it.
  const std::string in_workspace = absl::StrCat(ToAbsl(workspace), "/");
  const auto first = files.lower_bound(in_workspace);
  if (first == files.end() || !first->first.starts_with(in_workspace)) {
    files[in_workspace + ".runfile"] = 0;
  }
  return files;
}

SpawnParts ExpandWithoutInputs(const ExecutionLog& log, const Spawn& spawn) {
  SpawnParts parts;
  for (const StringId argument : log.tables->lists.GetRuns(spawn.arguments)) {
    parts.arguments.push_back(log.tables->strings.Get(argument));
  }
  parts.environment = ExpandPairs(log, spawn.environment);
  parts.platform = ExpandPairs(log, spawn.platform);
  parts.damaged = spawn.damaged;

  parts.has_duplicate_inputs = spawn.duplicate_inputs;

  for (const OutputView& view : Outputs(log, spawn)) {
    Output output;
    output.path = log.tables->strings.Get(view.path);
    const Artifact& artifact = log.tables->artifacts[view.artifact];
    if (view.artifact == 0) {
      output.kind = Output::kMissing;
    } else if (artifact.kind == Artifact::kDirectory) {
      output.kind = Output::kDirectory;
      for (const ArtifactId id : log.tables->lists.Get(artifact.detail)) {
        const Artifact& file = log.tables->artifacts[id];
        output.files[log.tables->strings.Get(file.path)] = log.DigestOfFile(file);
      }
    } else if (artifact.kind == Artifact::kSymlink) {
      output.kind = Output::kSymlink;
      output.target = log.tables->strings.Get(artifact.detail);
    } else {
      output.digest = log.DigestOfFile(artifact);
    }
    parts.outputs.push_back(std::move(output));
  }

  parts.timeout_millis = spawn.timeout_millis;
  parts.remotable = spawn.remotable;
  parts.cacheable = spawn.cacheable;
  parts.remote_cacheable = spawn.remote_cacheable;
  parts.label = log.tables->strings.Get(spawn.label);
  parts.mnemonic = log.tables->strings.Get(spawn.mnemonic);
  parts.runner = log.tables->strings.Get(spawn.runner);
  parts.status = log.tables->strings.Get(spawn.status);
  parts.exit_code = spawn.exit_code;
  parts.logged_digest = spawn.LoggedDigest();
  return parts;
}

SpawnParts ExpandSpawn(const ExecutionLog& log, const Spawn& spawn, SetWalker& walker) {
  SpawnParts parts = ExpandWithoutInputs(log, spawn);
  InputCollector collector(log, walker, parts);
  collector.Add(spawn.inputs, /*is_tool=*/false);
  if (spawn.tools != 0) {
    // Tools are among the inputs; what only the set of tools has would be none.
    SpawnParts tools;
    InputCollector(log, walker, tools).Add(spawn.tools, /*is_tool=*/true);
    for (const auto& [path, node] : tools.inputs) {
      if (const auto found = parts.inputs.find(path); found != parts.inputs.end()) {
        found->second.is_tool = true;
      }
    }
    if (tools.damaged) parts.damaged = true;
  }
  if (spawn.duplicate_inputs) {
    // Equal paths of different contents are different artifacts; of the same, one artifact twice.
    std::map<std::string, int> count;
    for (const ArtifactId id : walker.Flatten(spawn.inputs)) {
      const std::string path = log.tables->strings.Get(log.tables->artifacts[id].path);
      if (++count[path] == 2) parts.duplicate_inputs.push_back(path);
    }
  }
  return parts;
}

SpawnParts ExpandSpawn(const ExecutionLog& log, const Spawn& spawn) {
  SetWalker walker(log);
  return ExpandSpawn(log, spawn, walker);
}

}  // namespace lre_audit::cache
