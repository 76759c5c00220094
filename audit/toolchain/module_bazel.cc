// MODULE.bazel and WORKSPACE: the commits that a repository takes other projects at.
// Source: bazel.build/rules/lib/globals/module (overrides), bazel.build/rules/lib/repo/{git,http}.
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "audit/toolchain/pins.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/setting_list.h"
#include "audit/toolchain/starlark.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using Kind = StarlarkValue::Kind;

constexpr size_t kMaxText = 4096;  // of an evaluated string
constexpr int kMaxSteps = 1000;    // of an evaluation: constants may refer to constants
constexpr int kMaxDepth = 200;     // as deep as ParseStarlark reads

constexpr std::array<std::string_view, 3> kGitRules = {"git_override", "git_repository",
                                                       "new_git_repository"};
constexpr std::array<std::string_view, 3> kArchiveRules = {"archive_override", "http_archive",
                                                           "new_http_archive"};
constexpr std::array<std::string_view, 3> kLocalRules = {"local_path_override", "local_repository",
                                                         "new_local_repository"};

template <typename List>
bool IsOneOf(std::string_view word, const List& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// A string put together from several, of which each part knows where in the file it stands.
struct PlacedString {
  std::string text;
  std::vector<StarlarkValue::Piece> pieces;

  void Append(const StarlarkValue& literal, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const uint32_t offset = literal.OffsetOf(i);
      const bool goes_on =
          !pieces.empty() && pieces.back().offset + (text.size() - pieces.back().at) == offset;
      if (!goes_on) pieces.push_back({static_cast<uint32_t>(text.size()), offset});
      text += literal.text[i];
    }
  }
  size_t OffsetOf(size_t at) const {
    size_t offset = 0;
    for (const StarlarkValue::Piece& piece : pieces) {
      if (piece.at <= at) offset = piece.offset + (at - piece.at);
    }
    return offset;
  }
};

class Module {
 public:
  Module(const StarlarkFile& file, SettingList* settings) : settings_(*settings) {
    for (const StarlarkValue& statement : file.statements) {
      if (statement.kind == Kind::kOther && statement.items.size() == 1) {
        constants_[statement.text] = &statement.items[0];
      }
    }
  }

  void Read(const StarlarkValue& value, int depth) {
    if (depth > kMaxDepth) return;
    if (value.kind == Kind::kCall) ReadCall(value);
    for (const StarlarkValue& item : value.items) Read(item, depth + 1);
    for (const StarlarkValue::Named& named : value.named) Read(named.value[0], depth + 1);
  }

 private:
  void ReadCall(const StarlarkValue& call) {
    // "native.git_repository" and "git.git_repository" are the same.
    const std::string_view rule = std::string_view(call.text).substr(call.text.rfind('.') + 1);
    if (IsOneOf(rule, kGitRules)) {
      ReadGit(call);
    } else if (IsOneOf(rule, kArchiveRules)) {
      ReadArchive(call);
    } else if (IsOneOf(rule, kLocalRules)) {
      const std::optional<PlacedString> path = Argument(call, "path");
      settings_.Add(
          Setting::PIN, "", "",
          path ? path->OffsetOf(0) : settings_.OffsetOf(call.position.line, call.position.column),
          NameOf(call));
    }
  }

  std::string NameOf(const StarlarkValue& call) const {
    std::optional<PlacedString> name = Argument(call, "module_name");
    if (!name) name = Argument(call, "name");
    return name ? name->text : call.text;
  }

  // A tag or a branch pins no commit.
  void ReadGit(const StarlarkValue& call) {
    const std::optional<PlacedString> remote = Argument(call, "remote");
    const std::optional<PlacedString> commit = Argument(call, "commit");
    if (!remote || !commit || !IsCommit(commit->text)) return;
    settings_.Add(Setting::PIN, ProjectKey(remote->text), commit->text, commit->OffsetOf(0),
                  NameOf(call));
  }

  // The URLs are mirrors of each other; each project and commit that they name is said once.
  void ReadArchive(const StarlarkValue& call) {
    std::vector<PlacedString> urls;
    if (std::optional<PlacedString> url = Argument(call, "url")) urls.push_back(*std::move(url));
    if (const StarlarkValue* list = call.Argument("urls")) {
      if (std::optional<PlacedString> url = Evaluate(*list)) urls.push_back(*std::move(url));
      for (const StarlarkValue& item : Constant(*list).items) {
        if (std::optional<PlacedString> url = Evaluate(item)) urls.push_back(*std::move(url));
      }
    }
    const std::optional<PlacedString> prefix = Argument(call, "strip_prefix");
    const std::string_view prefix_commit =
        prefix ? FindFullCommit(prefix->text) : std::string_view();
    absl::flat_hash_set<std::pair<std::string, std::string>> said;
    for (const PlacedString& url : urls) {
      const std::optional<ArchivePin> archive = ParseArchiveUrl(url.text);
      const std::string project = archive ? archive->project : ProjectKey(url.text);
      const bool in_url = archive && !archive->commit.empty();
      const std::string_view commit = in_url ? archive->commit : prefix_commit;
      if (commit.empty() || !said.emplace(project, commit).second) continue;
      const PlacedString& place = in_url ? url : *prefix;
      settings_.Add(Setting::PIN, project, commit,
                    place.OffsetOf(commit.data() - place.text.data()), NameOf(call));
    }
  }

  // The string that an argument is, as far as constants, "+", "%" and format() say; nullopt for
  // anything else.
  std::optional<PlacedString> Argument(const StarlarkValue& call, std::string_view name) const {
    const StarlarkValue* value = call.Argument(name);
    return value == nullptr ? std::nullopt : Evaluate(*value);
  }

  // What a name stands for, or the value itself.
  const StarlarkValue& Constant(const StarlarkValue& value) const {
    const auto found =
        value.kind == Kind::kIdentifier ? constants_.find(value.text) : constants_.end();
    return found == constants_.end() ? value : *found->second;
  }

  std::optional<PlacedString> Evaluate(const StarlarkValue& value) const {
    PlacedString result;
    int steps = kMaxSteps;
    if (!Append(value, &result, &steps)) return std::nullopt;
    return result;
  }

  bool Append(const StarlarkValue& value, PlacedString* out, int* steps) const {
    if (--*steps < 0 || out->text.size() > kMaxText) return false;
    const auto append = [&](const StarlarkValue& one) { return Append(one, out, steps); };
    switch (value.kind) {
      case Kind::kString:
        if (value.text.size() > kMaxText) return false;
        out->Append(value, 0, value.text.size());
        return true;
      case Kind::kIdentifier: {
        const StarlarkValue& constant = Constant(value);
        return &constant != &value && append(constant);
      }
      case Kind::kConcatenation:
        return std::all_of(value.items.begin(), value.items.end(), append);
      case Kind::kCall:
        return value.text == ".format" && AppendFormatted(value, out, steps);
      case Kind::kOther:
        return value.text == "%" && value.items.size() == 2 &&
               AppendPercent(value.items[0], value.items[1], out, steps);
      default:
        return false;
    }
  }

  // "{}/{0}/{name}".format(a, name = b), without conversions.
  bool AppendFormatted(const StarlarkValue& call, PlacedString* out, int* steps) const {
    if (call.items.empty() || call.items[0].kind != Kind::kString) return false;
    const StarlarkValue& format = call.items[0];
    size_t next = 1;
    size_t begin = 0;
    while (begin < format.text.size()) {
      const size_t open = std::min(format.text.find('{', begin), format.text.size());
      out->Append(format, begin, open);
      if (open == format.text.size()) break;
      const size_t close = format.text.find('}', open);
      if (close == std::string::npos) return false;
      const std::string_view field =
          std::string_view(format.text).substr(open + 1, close - open - 1);
      const StarlarkValue* operand = call.Argument(field);
      if (field.empty() && next < call.items.size()) operand = &call.items[next++];
      if (field == "0" && call.items.size() > 1) operand = &call.items[1];
      if (operand == nullptr || !Append(*operand, out, steps)) return false;
      begin = close + 1;
    }
    return true;
  }

  // "%s/%s" % (a, b), "%s" % a.
  bool AppendPercent(const StarlarkValue& format, const StarlarkValue& operands, PlacedString* out,
                     int* steps) const {
    if (format.kind != Kind::kString) return false;
    size_t next = 0;
    size_t begin = 0;
    while (begin < format.text.size()) {
      const size_t percent = std::min(format.text.find('%', begin), format.text.size());
      out->Append(format, begin, percent);
      if (percent == format.text.size()) break;
      const bool is_tuple = operands.kind == Kind::kList;
      if (format.text.compare(percent, 2, "%s") != 0) return false;
      if (next >= (is_tuple ? operands.items.size() : 1)) return false;
      if (!Append(is_tuple ? operands.items[next] : operands, out, steps)) return false;
      ++next;
      begin = percent + 2;
    }
    return true;
  }

  SettingList& settings_;
  absl::flat_hash_map<std::string, const StarlarkValue*> constants_;
};

}  // namespace

ConfigFacts ReadModuleBazel(const std::string& path, std::string_view text) {
  ConfigFacts facts;
  facts.set_path(path);
  SettingList settings(text, &facts);
  const StarlarkFile file = ParseStarlark(text);
  for (const StarlarkError& error : file.errors) {
    settings.AddDefect(settings.OffsetOf(error.position.line, error.position.column),
                       error.message);
  }
  Module module(file, &settings);
  for (const StarlarkValue& statement : file.statements) module.Read(statement, 0);
  return facts;
}

}  // namespace lre_audit
