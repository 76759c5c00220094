#include "audit/explain/blob_causes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/explain/content_difference.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

using Kind = ContentDifference::Kind;

constexpr size_t kMostOutputs = 3;

// "@PATH" or "--flagfile=PATH": the command reads its arguments there.
bool IsParamFile(std::string_view path, const cache::SpawnParts& spawn) {
  if (path.ends_with(".params")) return true;
  return std::any_of(spawn.arguments.begin(), spawn.arguments.end(),
                     [&](std::string_view argument) {
                       return argument.size() > path.size() && argument.ends_with(path) &&
                              (argument.substr(0, argument.size() - path.size()) == "@" ||
                               argument.starts_with("--flagfile="));
                     });
}

// What was made at `path`, a file in a tree included.
cache::BlobDigest DigestAt(const cache::SpawnParts& spawn, std::string_view path) {
  for (const cache::Output& output : spawn.outputs) {
    if (output.path == path) return output.digest;
    if (path.size() > output.path.size() && path.starts_with(output.path) &&
        path[output.path.size()] == '/') {
      const auto file = output.files.find(std::string(path.substr(output.path.size() + 1)));
      if (file != output.files.end()) return file->second;
    }
  }
  return {};
}

const char* SubclassOf(Kind kind) {
  switch (kind) {
    case Kind::kTimestamp:
      return "timestamp";
    case Kind::kBuildPath:
      return "build path";
    case Kind::kOrder:
      return "ordering";
    case Kind::kMetadata:
      return "archive metadata";
    default:
      return "contents";
  }
}

}  // namespace

std::vector<std::string> ReadParamFile(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty()) {
    const size_t newline = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() >= 2 && (line.front() == '\'' || line.front() == '"') &&
        line.back() == line.front() &&
        line.substr(1, line.size() - 2).find(line.front()) == line.npos) {
      line = line.substr(1, line.size() - 2);
    }
    arguments.emplace_back(line);
  }
  return arguments;
}

std::vector<NamedCause> BlobCauses::NameParamFile(const Difference& difference,
                                                  const cache::SpawnParts& local) {
  if (!MayCompare() || !difference.local_node || !difference.remote_node ||
      !IsParamFile(difference.name, local)) {
    return {};
  }
  const std::optional<std::string> here = blobs_.Read(difference.local_node->digest);
  if (!here) return {};
  const std::optional<std::string> there = blobs_.Read(difference.remote_node->digest);
  if (!there) return {};
  ++compared_;
  // As if they stood on the command line.
  const auto with_arguments = [&](const std::string& text) {
    cache::SpawnParts parts;
    parts.mnemonic = local.mnemonic;
    if (!local.arguments.empty()) parts.arguments = {local.arguments[0]};
    for (std::string& argument : ReadParamFile(text)) {
      parts.arguments.push_back(std::move(argument));
    }
    return parts;
  };
  const cache::SpawnParts a = with_arguments(*here), b = with_arguments(*there);
  std::vector<NamedCause> causes;
  for (const Difference& inner : FindDifferences(a, b)) {
    for (NamedCause& cause : NameDifference(inner, a, naming_)) {
      cause.notes.push_back(absl::StrCat("it is in the parameter file ", difference.name));
      causes.push_back(std::move(cause));
    }
  }
  return causes;
}

void BlobCauses::TellInput(const Difference& difference, NamedCause* cause) {
  if (!MayCompare() || !difference.local_node || !difference.remote_node) return;
  const std::optional<std::string> here = blobs_.Read(difference.local_node->digest);
  if (!here) return;
  const std::optional<std::string> there = blobs_.Read(difference.remote_node->digest);
  if (!there) return;
  ++compared_;
  const ContentDifference contents = CompareBlobs(*here, *there);
  if (contents.kind == Kind::kNone) return;
  cause->notes.push_back(absl::StrCat("in it, ", contents.text));
  const bool is_generated =
      IsGenerated(difference.name) || difference.name.starts_with("external/");
  if (contents.kind != Kind::kBuildPath || !is_generated ||
      (cause->rule != "LRE722" && cause->rule != "LRE719")) {
    return;
  }
  cause->rule = "LRE712";
  cause->message = absl::StrCat("the input ", Escaped(difference.name),
                                " names a path of one machine: ", Escaped(contents.local), " and ",
                                Escaped(contents.remote));
  cause->help =
      "let what writes the file name paths relative to the execution root or to the file itself, "
      "or in the store";
}

void BlobCauses::TellOutputs(const std::vector<std::string>& outputs,
                             const cache::SpawnParts& local, const cache::SpawnParts& remote,
                             NamedCause* cause) {
  size_t told = 0;
  for (const std::string& path : outputs) {
    if (told == kMostOutputs || !blobs_.has_cache()) return;
    if (!MayCompare()) {
      cause->notes.push_back(absl::StrCat("what differs in them was not looked at: ",
                                          Grouped(kMostCompared), " other differences were"));
      return;
    }
    const std::optional<std::string> here = blobs_.Read(DigestAt(local, path));
    if (!here) continue;
    const std::optional<std::string> there = blobs_.Read(DigestAt(remote, path));
    if (!there) continue;
    ++compared_;
    const ContentDifference contents = CompareBlobs(*here, *there);
    if (contents.kind == Kind::kNone) continue;
    ++told;
    cause->notes.push_back(absl::StrCat(SubclassOf(contents.kind), ": ",
                                        outputs.size() > 1 ? absl::StrCat("in ", path, ", ") : "",
                                        contents.text));
  }
  if (told == 0 && blobs_.has_cache()) {
    cause->notes.push_back(
        "the caches that were named do not have both sides' outputs, or they are larger than 64 "
        "MiB, so that what differs in them is not known");
  }
}

}  // namespace lre_audit::explain
