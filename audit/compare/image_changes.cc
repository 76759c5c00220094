#include "audit/compare/image_changes.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "audit/link/tree_index.h"
#include "base/paths.h"

namespace lre_audit {
namespace {

constexpr std::string_view kPathVariable = "PATH";

// Variables of Env by name. A name that is set twice has its last value, as in a process.
std::map<std::string, std::string> Variables(const ImageConfig& config) {
  std::map<std::string, std::string> variables;
  for (const std::string& variable : config.env) {
    const size_t equals = std::min(variable.find('='), variable.size());
    variables[variable.substr(0, equals)] = variable.substr(std::min(equals + 1, variable.size()));
  }
  return variables;
}

// Arguments as a shell would have them, for people: quoted where a blank would split them.
std::string Arguments(const std::vector<std::string>& arguments) {
  return absl::StrJoin(arguments, " ", [](std::string* out, const std::string& argument) {
    const bool plain = !argument.empty() && argument.find_first_of(" \t\n\"'") == std::string::npos;
    absl::StrAppend(out, plain ? "" : "'", argument, plain ? "" : "'");
  });
}

// Programs by name, with the path that PATH leads to first.
std::map<std::string, std::string> Programs(const StoreSide& side) {
  std::map<std::string, std::string> programs;
  const auto variables = Variables(side.tree->config());
  const auto path = variables.find(std::string(kPathVariable));
  if (path == variables.end()) return programs;
  const TreeIndex index(side.merged.files, side.store_directory);
  const std::vector<FileFacts>& files = side.merged.files;
  for (const std::string& element : std::vector<std::string>(absl::StrSplit(path->second, ':'))) {
    if (!element.starts_with('/')) continue;
    const TreeIndex::Resolved directory = index.Resolve(element);
    if (!directory.is_directory) continue;
    const std::string prefix = directory.path + "/";
    auto file = std::lower_bound(
        files.begin(), files.end(), prefix,
        [](const FileFacts& facts, const std::string& at) { return facts.path() < at; });
    for (; file != files.end() && file->path().starts_with(prefix); ++file) {
      const std::string name = file->path().substr(prefix.size());
      if (name.find('/') != std::string::npos || programs.contains(name)) continue;
      const FileFacts* program = index.Resolve(file->path()).file;
      if (program != nullptr && program->type() == FileFacts::REGULAR &&
          (program->mode() & 0111) != 0) {
        programs[name] = file->path();
      }
    }
  }
  return programs;
}

}  // namespace

std::vector<SettingDifference> CompareConfigs(const ImageConfig& a, const ImageConfig& b) {
  std::vector<SettingDifference> differences;
  const auto compare = [&](const std::string& name, const std::string& in_a,
                           const std::string& in_b) {
    if (in_a == in_b) return;
    SettingDifference& difference = differences.emplace_back();
    difference.set_name(name);
    difference.set_a(in_a);
    difference.set_b(in_b);
  };
  compare("configuration", a.present ? "present" : "", b.present ? "present" : "");
  compare("os", a.os, b.os);
  compare("architecture", a.architecture, b.architecture);
  compare("variant", a.variant, b.variant);
  compare("User", a.user, b.user);
  compare("WorkingDir", a.working_dir, b.working_dir);
  compare("Entrypoint", Arguments(a.entrypoint), Arguments(b.entrypoint));
  compare("Cmd", Arguments(a.cmd), Arguments(b.cmd));
  auto in_a = Variables(a), in_b = Variables(b);
  std::map<std::string, std::string> names(in_a);
  names.insert(in_b.begin(), in_b.end());
  for (const auto& [name, value] : names) compare("Env " + name, in_a[name], in_b[name]);
  return differences;
}

std::vector<ToolDifference> CompareImageTools(const StoreSide& a, const StoreSide& b) {
  const auto in_a = Programs(a), in_b = Programs(b);
  std::map<std::string, ToolDifference> differences;
  for (const auto& [name, path] : in_a) {
    if (!in_b.contains(name)) differences[name].set_a(path);
  }
  for (const auto& [name, path] : in_b) {
    if (!in_a.contains(name)) differences[name].set_b(path);
  }
  std::vector<ToolDifference> sorted;
  for (auto& [name, difference] : differences) {
    difference.set_name(name);
    sorted.push_back(std::move(difference));
  }
  return sorted;
}

}  // namespace lre_audit
