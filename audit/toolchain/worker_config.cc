// NativeLink's configuration: what platform properties its workers advertise and its schedulers
// match. Source: nativelink-config/src/{cas_server,schedulers,serde_utils}.rs.
#include "audit/toolchain/worker_config.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/toolchain/json5.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/setting_list.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::string_view kWorkerProperties = "platform_properties";
constexpr std::string_view kSchedulerProperties = "supported_platform_properties";

// The parts of a NativeLink configuration, to know one by.
constexpr std::array<std::string_view, 5> kParts = {"workers", "schedulers", "stores", "servers",
                                                    "global"};

class WorkerConfig {
 public:
  WorkerConfig(const std::map<std::string, std::string>& environment, SettingList* settings)
      : environment_(environment), settings_(*settings) {}

  // Properties stand at other depths in every version (a scheduler may hold a scheduler), but under
  // the same names. `where` is the path to `value`: "workers[0].local".
  void Read(const Json5Value& value, const std::string& where) {
    for (size_t i = 0; i < value.items.size(); ++i) {
      const Json5Value& item = value.items[i];
      if (value.IsArray()) {
        Read(item, absl::StrCat(where, "[", i, "]"));
        continue;
      }
      const std::string& name = value.names[i].text;
      if (name == kWorkerProperties) {
        ReadWorker(item, where);
      } else if (name == kSchedulerProperties) {
        ReadScheduler(item);
      } else if (!item.items.empty()) {
        Read(item, absl::StrCat(where, where.empty() ? "" : ".", name));
      }
    }
  }

 private:
  bool Expect(const Json5Value& value, Json5Value::Kind kind, std::string_view name,
              std::string_view expected) {
    if (value.kind == kind) return true;
    settings_.AddDefect(value.offset, absl::StrCat(Escaped(name), " is ", ToAbsl(value.KindName()),
                                                   ", expected ", ToAbsl(expected)));
    return false;
  }

  // {NAME: {values: [...]} or {query_cmd: "..."}}
  void ReadWorker(const Json5Value& properties, const std::string& where) {
    if (!Expect(properties, Json5Value::Kind::kObject, kWorkerProperties, "an object")) return;
    for (size_t i = 0; i < properties.items.size(); ++i) {
      const std::string& name = properties.names[i].text;
      const Json5Value& property = properties.items[i];
      const Json5Value* values = property.Member("values");
      const Json5Value* command = property.Member("query_cmd");
      if (values != nullptr) {
        if (!Expect(*values, Json5Value::Kind::kArray, name + ".values", "an array of strings")) {
          continue;
        }
        for (const Json5Value& value : values->items) {
          if (Expect(value, Json5Value::Kind::kString, "an element of " + name + ".values",
                     "a string")) {
            AddValue(name, value, where);
          }
        }
      } else if (command != nullptr && command->IsString()) {
        // What it prints is known on the worker alone; written as a shell would.
        AddProperty(name, absl::StrCat("$(", command->text, ")"), command->offset,
                    absl::StrCat(where, ", query_cmd"));
      } else {
        settings_.AddDefect(property.offset,
                            absl::StrCat("the property ", Escaped(name),
                                         " has neither \"values\" nor a string \"query_cmd\""));
      }
    }
  }

  void AddValue(const std::string& name, const Json5Value& value, const std::string& where) {
    const Expanded expanded = ExpandVariables(value.text, environment_);
    std::string context = where;
    if (value.text.find('$') != std::string::npos) {
      absl::StrAppend(&context, ", from \"", value.text, "\"");
      if (!expanded.unset.empty()) {
        absl::StrAppend(&context, " with ", absl::StrJoin(expanded.unset, ", "), " not set");
      }
    }
    AddProperty(name, expanded.value, value.offset, context);
  }

  void AddProperty(const std::string& name, std::string_view value, size_t offset,
                   std::string_view context) {
    const bool is_image = name == kContainerImage;
    settings_.Add(is_image ? Setting::ADVERTISED_IMAGE : Setting::EXEC_PROPERTY, name, value,
                  offset, context);
  }

  // {NAME: "exact" | "minimum" | "priority" | "ignore"}, as newer versions may add to.
  void ReadScheduler(const Json5Value& properties) {
    if (!Expect(properties, Json5Value::Kind::kObject, kSchedulerProperties, "an object")) return;
    for (size_t i = 0; i < properties.items.size(); ++i) {
      const Json5Value& kind = properties.items[i];
      const std::string& name = properties.names[i].text;
      if (Expect(kind, Json5Value::Kind::kString, name, "a string")) {
        settings_.Add(Setting::EXEC_PROPERTY, name, kind.text, kind.offset, "scheduler");
      }
    }
  }

  const std::map<std::string, std::string>& environment_;
  SettingList& settings_;
};

// Of a variable's name; shellexpand goes by Unicode's alphanumeric characters.
bool IsNameByte(char c) { return absl::ascii_isalnum(c) || c == '_' || (c & 0x80) != 0; }

}  // namespace

bool MentionsPlatformProperties(std::string_view text) {
  return text.find(kWorkerProperties) != text.npos;
}

Expanded ExpandVariables(std::string_view text,
                         const std::map<std::string, std::string>& environment) {
  Expanded result;
  const auto replace = [&](std::string_view name, std::string_view otherwise) {
    const auto found = environment.find(std::string(name));
    if (found == environment.end()) result.unset.emplace_back(name);
    result.value += found == environment.end() ? otherwise : std::string_view(found->second);
  };
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    result.value += text.substr(0, dollar);
    if (dollar == text.npos) break;
    text.remove_prefix(dollar);
    const char next = text.size() > 1 ? text[1] : '\0';
    size_t size = 1;
    if (next == '{') {
      const size_t brace = text.find('}');
      if (brace == text.npos) {
        size = 2;
        result.value += "${";
      } else {
        size = brace + 1;
        const std::string_view inside = text.substr(2, brace - 2);
        const size_t split = inside.find(":-");
        if (split == inside.npos || split == 0) {
          replace(inside, text.substr(0, size));
        } else {
          replace(inside.substr(0, split), inside.substr(split + 2));
        }
      }
    } else if (IsNameByte(next)) {
      while (size < text.size() && IsNameByte(text[size])) ++size;
      replace(text.substr(1, size - 1), text.substr(0, size));
    } else {
      size = next == '$' ? 2 : 1;
      result.value += '$';
    }
    text.remove_prefix(size);
  }
  return result;
}

ConfigFacts ReadWorkerConfig(const std::string& path, std::string_view text,
                             const std::map<std::string, std::string>& environment) {
  ConfigFacts facts;
  facts.set_path(path);
  SettingList settings(text, &facts);
  const Json5Document document = ParseJson5(text);
  for (const Json5Error& error : document.errors) settings.AddDefect(error.offset, error.message);
  const Json5Value& root = document.root;
  const bool is_known = std::any_of(kParts.begin(), kParts.end(), [&](std::string_view part) {
    return root.Member(part) != nullptr;
  });
  if (is_known) {
    WorkerConfig(environment, &settings).Read(root, "");
  } else if (document.errors.empty()) {
    settings.AddDefect(root.offset,
                       absl::StrCat("no NativeLink configuration: it is ", ToAbsl(root.KindName()),
                                    " without \"workers\", \"schedulers\" or \"stores\""));
  }
  return facts;
}

}  // namespace lre_audit
