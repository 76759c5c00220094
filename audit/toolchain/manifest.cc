// What is deployed: Kubernetes objects, kustomizations (kustomize's and Flux's) and compose files.
// Source: the Kubernetes API's PodSpec, kubectl.docs.kubernetes.io (kustomization file),
// compose-spec.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/setting_list.h"
#include "audit/toolchain/shell_values.h"
#include "audit/toolchain/worker_config.h"
#include "audit/toolchain/yaml.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr int kMaxDepth = 4;          // lists in lists, patches in patches
constexpr int kMaxObjects = 100'000;  // and containers: aliases may repeat them without end
constexpr size_t kMaxName = 200;      // of an object, in a context

constexpr std::array<std::string_view, 3> kContainerLists = {"initContainers", "containers",
                                                             "ephemeralContainers"};

// Where kinds of objects have their PodSpec: Pod; Deployment, StatefulSet, DaemonSet, ReplicaSet,
// Job and others' custom kinds; CronJob.
const std::vector<std::vector<std::string_view>> kPodSpecs = {
    {"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"}};

const YamlNode* Descend(const YamlNode* node, const std::vector<std::string_view>& path) {
  for (const std::string_view name : path) {
    if (node != nullptr) node = node->Member(name);
  }
  return node;
}

using Variables = std::map<std::string, std::string>;

// Kubernetes' own "$(NAME)", of variables that stand before it; "$$(NAME)" and what is not set stay
// as they are.
std::string ExpandReferences(std::string_view text, const Variables& variables) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text.substr(i).starts_with("$(") ? text.find(')', i) : text.npos;
    if (text.substr(i).starts_with("$$")) {
      result += "$$";
      ++i;
    } else if (end == text.npos) {
      result += text[i];
    } else {
      const auto found = variables.find(std::string(text.substr(i + 2, end - i - 2)));
      result +=
          found == variables.end() ? text.substr(i, end + 1 - i) : std::string_view(found->second);
      i = end;
    }
  }
  return result;
}

class Manifest {
 public:
  Manifest(const std::string& path, int depth, SettingList* settings)
      : path_(path), depth_(depth), settings_(*settings) {}

  void Read() {
    const YamlFile file = ParseYaml(settings_.text());
    const bool is_template = settings_.text().find("{{") != std::string_view::npos;
    for (const YamlError& error : file.errors) {
      settings_.AddDefect(
          error.offset,
          absl::StrCat(error.message,
                       is_template ? "; a Helm template has to be rendered first" : ""));
    }
    for (const YamlNode* root : file.roots) {
      if (root->IsSequence() && depth_ > 0) {
        ReadOperations(*root);
      } else {
        ReadObject(*root, 0);
      }
    }
    if (!is_known_ && file.errors.empty() && depth_ == 0) {
      settings_.AddFileDefect("no Kubernetes object, kustomization or compose file");
    }
  }

 private:
  void ReadObject(const YamlNode& object, int depth) {
    if (!object.IsMapping() || depth > kMaxDepth || !HasRoom(object)) return;
    const std::string_view kind = object.Text("kind").substr(0, kMaxName);
    const YamlNode* metadata = object.Member("metadata");
    const std::string_view name =
        metadata == nullptr ? "" : metadata->Text("name").substr(0, kMaxName);
    const std::string owner = absl::StrCat(ToAbsl(kind), name.empty() ? "" : " ", ToAbsl(name));
    if (kind.empty()) {
      // kustomize and compose need no kind.
      ReadCompose(object);
      ReadKustomization(object, "kustomization");
      return;
    }
    is_known_ = true;
    if (const YamlNode* items = object.Member("items"); items != nullptr && items->IsSequence()) {
      for (const YamlNode* item : items->items) {
        if (objects_ > kMaxObjects) return;
        ReadObject(*item, depth + 1);
      }
    }
    if (kind == "Kustomization" || kind == "Component") {
      ReadKustomization(object, owner);
      if (const YamlNode* spec = object.Member("spec")) ReadKustomization(*spec, owner);
    } else if (kind == "ConfigMap") {
      ReadConfigMap(object, owner);
    } else {
      for (const auto& path : kPodSpecs) {
        if (const YamlNode* spec = Descend(&object, path)) ReadPodSpec(*spec, owner);
      }
    }
  }

  // False, and once a defect, after so many objects that only aliases can have made them.
  bool HasRoom(const YamlNode& node) {
    if (++objects_ == kMaxObjects + 1) {
      settings_.AddDefect(node.offset,
                          absl::StrCat("more than ", kMaxObjects,
                                       " objects and containers; the rest is not audited"));
    }
    return objects_ <= kMaxObjects;
  }

  void ReadPodSpec(const YamlNode& spec, const std::string& owner) {
    for (const std::string_view list : kContainerLists) {
      const YamlNode* containers = spec.Member(list);
      if (containers == nullptr) continue;
      for (const YamlNode* container : containers->items) {
        if (objects_ <= kMaxObjects) ReadContainer(*container, owner);
      }
    }
  }

  void ReadContainer(const YamlNode& container, const std::string& owner) {
    if (!HasRoom(container)) return;
    const std::string context =
        absl::StrCat(owner, ", container ", ToAbsl(container.Text("name").substr(0, kMaxName)));
    AddImage(container.Member("image"), context);
    ReadEnv(container.Member("env"), context);
    ReadCommands(container.Member("command"), context);
    ReadCommands(container.Member("args"), context);
  }

  void AddImage(const YamlNode* image, const std::string& context) {
    if (image != nullptr && image->IsScalar() && !image->text.empty()) {
      settings_.Add(Setting::DEPLOYED_IMAGE, "image", image->text, image->offset, context);
    }
  }

  // [{name: N, value: V}]; what "valueFrom" leads to is not known here.
  void ReadEnv(const YamlNode* env, const std::string& context) {
    if (env == nullptr) return;
    Variables before;
    for (const YamlNode* variable : env->items) {
      const std::string_view name = variable->Text("name");
      const YamlNode* value = variable->Member("value");
      if (name.empty() || value == nullptr || !value->IsScalar()) continue;
      std::string expanded = ExpandReferences(value->text, before);
      AddVariable(name, expanded, value->offset, context);
      before[std::string(name)] = std::move(expanded);
    }
  }

  void AddVariable(std::string_view name, std::string_view value, size_t offset,
                   const std::string& context) {
    const bool is_platform = name == kPlatformVariable;
    settings_.Add(is_platform ? Setting::ADVERTISED_IMAGE : Setting::ENVIRONMENT, name, value,
                  offset, context);
  }

  // "NAME=value".
  void AddAssignment(const YamlNode& assignment, const std::string& context) {
    const std::string_view text = assignment.text;
    const size_t equals = text.find('=');
    if (!assignment.IsScalar() || equals == text.npos) return;
    AddVariable(text.substr(0, equals), text.substr(equals + 1), assignment.offset + equals + 1,
                context);
  }

  // Shell code in a command may set the platform when the container starts.
  void ReadCommands(const YamlNode* commands, const std::string& context) {
    if (commands == nullptr) return;
    ReadShell(*commands, context);
    for (const YamlNode* command : commands->items) ReadShell(*command, context);
  }

  void ReadShell(const YamlNode& shell, const std::string& context) {
    if (!shell.IsScalar()) return;
    const std::string assignment = absl::StrCat(ToAbsl(kPlatformVariable), "=");
    size_t in_file = shell.offset;
    for (const ShellValue& value : ShellValuesOf(shell.text, kPlatformVariable)) {
      // In a literal block the file has the same text, indented.
      in_file = settings_.text().find(assignment, in_file);
      if (in_file == std::string_view::npos) in_file = shell.offset;
      if (value.is_known) {
        settings_.Add(Setting::ADVERTISED_IMAGE, kPlatformVariable, value.text,
                      in_file + assignment.size(), absl::StrCat(context, ", shell command"));
      }
      in_file = std::min(in_file + assignment.size(), settings_.text().size());
    }
  }

  void ReadConfigMap(const YamlNode& object, const std::string& owner) {
    const YamlNode* data = object.Member("data");
    if (data == nullptr || !data->IsMapping()) return;
    for (size_t i = 0; i < data->items.size(); ++i) {
      const YamlNode& value = *data->items[i];
      const std::string& name = data->names[i]->text;
      if (!value.IsScalar()) continue;
      if (name == kPlatformVariable) {
        AddVariable(name, value.text, value.offset, owner);
      } else if (MentionsPlatformProperties(value.text)) {
        AddInner(value, ReadWorkerConfig(path_, value.text, {}));
      }
    }
  }

  void ReadKustomization(const YamlNode& kustomization, const std::string& owner) {
    if (!kustomization.IsMapping()) return;
    if (kustomization.Member("resources") != nullptr) is_known_ = true;
    if (const YamlNode* images = kustomization.Member("images")) ReadImages(*images, owner);
    if (const YamlNode* generators = kustomization.Member("configMapGenerator")) {
      is_known_ = true;
      for (const YamlNode* generator : generators->items) {
        const YamlNode* literals = generator->Member("literals");
        if (literals == nullptr) continue;
        for (const YamlNode* literal : literals->items) {
          AddAssignment(*literal,
                        absl::StrCat(owner, ", config map ",
                                     ToAbsl(generator->Text("name").substr(0, kMaxName))));
        }
      }
    }
    for (const std::string_view field : {"patches", "patchesStrategicMerge", "patchesJson6902"}) {
      const YamlNode* patches = kustomization.Member(field);
      if (patches == nullptr) continue;
      is_known_ = true;
      for (const YamlNode* patch : patches->items) {
        // Written in place, or the name of a file that is a manifest of its own.
        const YamlNode* text = patch->IsScalar() ? patch : patch->Member("patch");
        if (text != nullptr && text->IsScalar() && text->text.find(':') != std::string::npos) {
          ReadPatch(*text);
        }
      }
    }
    const YamlNode* substitute = Descend(&kustomization, {"postBuild", "substitute"});
    const YamlNode* platform =
        substitute == nullptr ? nullptr : substitute->Member(kPlatformVariable);
    if (platform != nullptr && platform->IsScalar()) {
      AddVariable(kPlatformVariable, platform->text, platform->offset, owner);
    }
  }

  // [{name: N, newName: M, newTag: T, digest: D}]; a name alone changes nothing.
  void ReadImages(const YamlNode& images, const std::string& owner) {
    for (const YamlNode* image : images.items) {
      const YamlNode* place = nullptr;
      for (const std::string_view field : {"newName", "newTag", "digest"}) {
        if (!image->Text(field).empty()) place = image->Member(field);
      }
      if (place == nullptr) continue;
      is_known_ = true;
      const std::string_view name = image->Text("name");
      const std::string_view new_name = image->Text("newName");
      const std::string_view digest = image->Text("digest");
      const std::string_view tag = image->Text("newTag");
      std::string value(new_name.empty() ? name : new_name);
      if (!digest.empty()) {
        absl::StrAppend(&value, "@", ToAbsl(digest));
      } else if (!tag.empty()) {
        absl::StrAppend(&value, ":", ToAbsl(tag));
      }
      settings_.Add(Setting::DEPLOYED_IMAGE, name, value, place->offset,
                    absl::StrCat(owner, ", images"));
    }
  }

  void ReadPatch(const YamlNode& patch) {
    if (depth_ == kMaxDepth) return;
    ConfigFacts facts;
    SettingList settings(patch.text, &facts);
    Manifest(path_, depth_ + 1, &settings).Read();
    AddInner(patch, std::move(facts));
  }

  // JSON patches (RFC 6902): [{op: add, path: /spec/..., value: V}].
  void ReadOperations(const YamlNode& operations) {
    const std::string context = "patch";
    for (const YamlNode* operation : operations.items) {
      const std::string_view path = operation->Text("path");
      const YamlNode* value = operation->Member("value");
      if (value == nullptr) continue;
      if (path.ends_with("/image")) {
        AddImage(value, context);
      } else if (path.ends_with("/images")) {
        ReadImages(*value, context);
      } else if (path.ends_with("/env")) {
        ReadEnv(value, context);
      } else if (value->IsMapping() && path.find("/env/") != path.npos) {
        if (const YamlNode* text = value->Member("value"); text != nullptr && text->IsScalar()) {
          AddVariable(value->Text("name"), text->text, text->offset, context);
        }
      } else if (value->IsMapping() && path.find("ontainers/") != path.npos) {
        ReadContainer(*value, context);
      } else if (value->IsScalar() && path.find("/env/") != path.npos &&
                 value->text.starts_with("docker://")) {
        // The variable is known by its index alone, but only a platform has such a value.
        AddVariable(kPlatformVariable, value->text, value->offset, context);
      }
    }
  }

  // {services: {NAME: {image: I, environment: {N: V} or [N=V]}}}
  void ReadCompose(const YamlNode& file) {
    const YamlNode* services = file.Member("services");
    if (services == nullptr || !services->IsMapping()) return;
    is_known_ = true;
    for (size_t i = 0; i < services->items.size(); ++i) {
      const YamlNode& service = *services->items[i];
      const std::string context = absl::StrCat(
          "service ", ToAbsl(std::string_view(services->names[i]->text).substr(0, kMaxName)));
      AddImage(service.Member("image"), context);
      ReadCommands(service.Member("command"), context);
      ReadCommands(service.Member("entrypoint"), context);
      const YamlNode* environment = service.Member("environment");
      if (environment == nullptr) continue;
      for (size_t j = 0; j < environment->items.size(); ++j) {
        const YamlNode& value = *environment->items[j];
        if (environment->IsSequence()) {
          AddAssignment(value, context);
        } else if (value.IsScalar()) {
          AddVariable(environment->names[j]->text, value.text, value.offset, context);
        }
      }
    }
  }

  // What was found in the text of `scalar`. Line by line the same in the file only if it is a
  // literal block; else all of it stands where the scalar does.
  void AddInner(const YamlNode& scalar, ConfigFacts facts) {
    const SettingList::Place place = settings_.PlaceOf(scalar.offset);
    const std::string_view text = scalar.text;
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (scalar.style == YamlNode::Style::kLiteral && first != text.npos) {
      const size_t line = text.rfind('\n', first) + 1;
      const auto blank_lines =
          static_cast<uint32_t>(std::count(text.begin(), text.begin() + line, '\n'));
      const auto spaces = static_cast<uint32_t>(first - line);
      settings_.AddInner(facts, place.line - std::min(blank_lines, place.line - 1),
                         place.column - 1 - std::min(spaces, place.column - 1));
      return;
    }
    const auto flatten = [](auto& item) {
      item.set_line(1);
      item.set_column(1);
    };
    for (Setting& setting : *facts.mutable_settings()) flatten(setting);
    for (ConfigDefect& defect : *facts.mutable_defects()) flatten(defect);
    settings_.AddInner(facts, place.line, place.column - 1);
  }

  const std::string& path_;
  const int depth_;  // of a patch in a kustomization
  SettingList& settings_;
  int objects_ = 0;
  bool is_known_ = false;  // something was read that a manifest consists of
};

}  // namespace

ConfigFacts ReadManifest(const std::string& path, std::string_view text) {
  ConfigFacts facts;
  facts.set_path(path);
  SettingList settings(text, &facts);
  Manifest(path, 0, &settings).Read();
  return facts;
}

}  // namespace lre_audit
