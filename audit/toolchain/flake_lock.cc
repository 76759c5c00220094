// flake.lock: the graph of a flake's inputs with the commits that they are locked to.
// Source: Nix src/libflake/flake/lockfile.cc, "Lock files" in nix3-flake(1).
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "audit/toolchain/json5.h"
#include "audit/toolchain/pins.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/setting_list.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr int kOldestVersion = 5, kNewestVersion = 7;
constexpr int kMaxHops = 100;   // inputs that one "follows" may lead through
constexpr int kMaxDepth = 100;  // inputs of inputs of inputs
constexpr size_t kMaxPath = 1000;

std::string_view StringMember(const Json5Value& object, std::string_view name) {
  const Json5Value* member = object.Member(name);
  return member != nullptr && member->IsString() ? std::string_view(member->text) : "";
}

// "nativelink/nixpkgs"; no longer than a message can bear.
std::string InputPath(const std::string& path, const std::string& name) {
  if (path.empty()) return name;
  return path.size() > kMaxPath ? path : absl::StrCat(path, "/", name);
}

class FlakeLock {
 public:
  // `complete` unless the text ended early: then what is missing has been told.
  FlakeLock(const Json5Value& file, bool complete, SettingList* settings)
      : file_(file), complete_(complete), settings_(*settings) {}

  void Read() {
    if (complete_) CheckVersion();
    const Json5Value* nodes = file_.Member("nodes");
    if (nodes == nullptr || !nodes->IsObject()) {
      if (complete_) {
        settings_.AddDefect(file_.offset, "no object \"nodes\": this is no flake.lock");
      }
      return;
    }
    for (size_t i = 0; i < nodes->items.size(); ++i) AddNode(nodes->names[i].text, nodes->items[i]);
    const std::string_view root = StringMember(file_, "root");
    root_ = NodeOf(root.empty() && !complete_ ? "root" : root);
    if (root_ == nullptr) {
      if (!complete_) return;
      settings_.AddDefect(file_.offset,
                          absl::StrCat("the root \"", Escaped(root), "\" is none of the nodes"));
      return;
    }
    FollowInputs();
  }

 private:
  void CheckVersion() {
    const Json5Value* version = file_.Member("version");
    for (int known = kOldestVersion; known <= kNewestVersion; ++known) {
      if (version != nullptr && version->text == std::to_string(known)) return;
    }
    settings_.AddDefect(
        version == nullptr ? file_.offset : version->offset,
        absl::StrCat("the lock file's version is ",
                     version == nullptr ? "missing" : Escaped(version->text.substr(0, 20)),
                     ", expected ", kOldestVersion, " to ", kNewestVersion));
  }

  void AddNode(const std::string& name, const Json5Value& node) {
    nodes_[name] = &node;
    const Json5Value* inputs = node.Member("inputs");
    if (inputs == nullptr || !inputs->IsObject()) return;
    for (size_t i = 0; i < inputs->items.size(); ++i) {
      inputs_[{&node, inputs->names[i].text}] = &inputs->items[i];
    }
  }

  const Json5Value* NodeOf(std::string_view name) const {
    const auto found = nodes_.find(ToAbsl(name));
    return found == nodes_.end() ? nullptr : found->second;
  }

  // The node that `input` of a node leads to: named, or found by a path of inputs from the root.
  // Null, and a reason in `why`, if it leads nowhere.
  const Json5Value* Resolve(const Json5Value& input, int* hops, std::string* why) const {
    if (input.IsString()) {
      const Json5Value* node = NodeOf(input.text);
      if (node == nullptr) *why = absl::StrCat("there is no node \"", Escaped(input.text), "\"");
      return node;
    }
    if (!input.IsArray()) {
      *why = absl::StrCat("it is ", ToAbsl(input.KindName()),
                          ", expected a node's name or a path of inputs");
      return nullptr;
    }
    const Json5Value* node = root_;
    for (const Json5Value& name : input.items) {
      if (++*hops > kMaxHops) {
        *why = absl::StrCat("it leads through more than ", kMaxHops, " inputs");
        return nullptr;
      }
      const auto next = inputs_.find({node, name.text});
      if (next == inputs_.end()) {
        *why = absl::StrCat("it follows \"", Escaped(name.text), "\", which is no input there");
        return nullptr;
      }
      node = Resolve(*next->second, hops, why);
      if (node == nullptr) return nullptr;
    }
    return node;
  }

  // Breadth first, so that each node is told by the shortest path of inputs that leads to it.
  void FollowInputs() {
    struct Step {
      const Json5Value* node;
      std::string path;
      int depth;
    };
    std::deque<Step> open = {{root_, "", 0}};
    absl::flat_hash_set<const Json5Value*> seen = {root_};
    while (!open.empty()) {
      const Step step = std::move(open.front());
      open.pop_front();
      if (step.node != root_) AddPin(*step.node, step.path);
      const Json5Value* inputs = step.node->Member("inputs");
      if (inputs == nullptr || !inputs->IsObject()) continue;
      if (step.depth == kMaxDepth) {
        settings_.AddDefect(inputs->offset, absl::StrCat("inputs nest more than ", kMaxDepth,
                                                         " deep; the rest is not audited"));
        return;
      }
      for (size_t i = 0; i < inputs->items.size(); ++i) {
        const std::string path = InputPath(step.path, inputs->names[i].text);
        int hops = 0;
        std::string why;
        const Json5Value* next = Resolve(inputs->items[i], &hops, &why);
        if (next == nullptr) {
          settings_.AddDefect(inputs->items[i].offset,
                              absl::StrCat("the input ", Escaped(path), ": ", why));
        } else if (seen.insert(next).second) {
          open.push_back({next, path, step.depth + 1});
        }
      }
    }
  }

  void AddPin(const Json5Value& node, const std::string& path) {
    const Json5Value* locked = node.Member("locked");
    if (locked == nullptr || !locked->IsObject()) {
      settings_.AddDefect(node.offset, absl::StrCat("the input ", Escaped(path), " is not locked"));
      return;
    }
    const std::string_view type = StringMember(*locked, "type");
    if (type == "path") {
      settings_.Add(Setting::PIN, "", "", locked->offset, path);
      return;
    }
    const bool is_hosted = type == "github" || type == "gitlab" || type == "sourcehut";
    if (!is_hosted && type != "git" && type != "hg" && type != "tarball" && type != "file") {
      settings_.AddDefect(
          locked->offset,
          absl::StrCat("the input ", Escaped(path), " is locked by type \"", Escaped(type),
                       "\", expected github, gitlab, sourcehut, git, hg, tarball, "
                       "file or path"));
      return;
    }
    const Json5Value* revision = locked->Member("rev");
    const bool has_revision = revision != nullptr && revision->IsString();
    if (has_revision && !IsFullCommit(revision->text)) {
      settings_.AddDefect(revision->offset,
                          absl::StrCat("the input ", Escaped(path), " is locked to \"",
                                       Escaped(revision->text.substr(0, 80)),
                                       "\", expected a commit of 40 or 64 hexadecimal digits"));
      return;
    }
    if (is_hosted) {
      if (!has_revision) {
        settings_.AddDefect(locked->offset,
                            absl::StrCat("the input ", Escaped(path), " has no \"rev\""));
        return;
      }
      settings_.Add(Setting::PIN, HostedProject(type, *locked), revision->text, revision->offset,
                    path);
      return;
    }
    AddPinOfUrl(*locked, has_revision ? revision : nullptr, path);
  }

  // Nix's defaults for the hosts; each input may name another.
  static std::string HostedProject(std::string_view type, const Json5Value& locked) {
    std::string_view host = StringMember(locked, "host");
    if (host.empty()) {
      host = type == "github" ? "github.com" : type == "gitlab" ? "gitlab.com" : "git.sr.ht";
    }
    return ProjectKey(absl::StrCat("https://", ToAbsl(host), "/",
                                   ToAbsl(StringMember(locked, "owner")), "/",
                                   ToAbsl(StringMember(locked, "repo"))));
  }

  // Of a tarball the URL may say what "rev" does not. Without a commit nothing is pinned that
  // another file could pin too: the contents are, by narHash.
  void AddPinOfUrl(const Json5Value& locked, const Json5Value* revision, const std::string& path) {
    const Json5Value* url = locked.Member("url");
    if (url == nullptr || !url->IsString()) {
      settings_.AddDefect(locked.offset,
                          absl::StrCat("the input ", Escaped(path), " has no \"url\""));
      return;
    }
    const std::optional<ArchivePin> archive = ParseArchiveUrl(url->text);
    const std::string project = archive ? archive->project : ProjectKey(url->text);
    if (revision != nullptr) {
      settings_.Add(Setting::PIN, project, revision->text, revision->offset, path);
    } else if (archive && !archive->commit.empty()) {
      settings_.Add(Setting::PIN, project, archive->commit,
                    url->offset + (archive->commit.data() - url->text.data()), path);
    }
  }

  const Json5Value& file_;
  const bool complete_;
  SettingList& settings_;
  absl::flat_hash_map<absl::string_view, const Json5Value*> nodes_;
  // By node and name.
  absl::flat_hash_map<std::pair<const Json5Value*, absl::string_view>, const Json5Value*> inputs_;
  const Json5Value* root_ = nullptr;
};

}  // namespace

ConfigFacts ReadFlakeLock(const std::string& path, std::string_view text) {
  ConfigFacts facts;
  facts.set_path(path);
  SettingList settings(text, &facts);
  const Json5Document document = ParseJson5(text);
  for (const Json5Error& error : document.errors) settings.AddDefect(error.offset, error.message);
  FlakeLock(document.root, document.errors.empty(), &settings).Read();
  return facts;
}

}  // namespace lre_audit
