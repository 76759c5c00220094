// BUILD and .bzl files of Bazel and Buck2 as claims and settings.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "audit/toolchain/path_strings.h"
#include "audit/toolchain/starlark.h"
#include "audit/toolchain/toolchain_files.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using Kind = StarlarkValue::Kind;

bool IsOneOf(std::string_view s, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), s) != set.end();
}

std::string_view LastComponent(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);
}

// Calls whose strings are no data of the toolchain: labels and messages.
bool IsNoData(std::string_view callee) {
  return IsOneOf(callee, {"load", "print", "fail", "Label", "licenses", "exports_files", "package",
                          "package_group", "workspace", "module"}) ||
         callee.ends_with("_fail") || callee.ends_with("warning") || callee.ends_with("error");
}

// Methods that look for their arguments in a string rather than make a value of them.
bool IsSearch(std::string_view method) {
  return IsOneOf(method, {"startswith", "endswith", "find", "rfind", "index", "rindex", "count",
                          "replace", "split", "rsplit", "strip", "lstrip", "rstrip", "partition",
                          "rpartition", "removeprefix", "removesuffix", "get"});
}

// What surrounds a value.
struct Scope {
  PathRole role = PathRole::kUnknown;
  std::string_view name;  // of the attribute, variable, tool or repository
  std::string system;
  bool tool_paths = false;  // each string is a tool's path, be it none
};

class StarlarkReader {
 public:
  StarlarkReader(std::string_view path, SettingList* list) : list_(list) {
    scope_.system = SystemIn(path.substr(path.rfind('/') + 1));
  }

  void Read() {
    const StarlarkFile file = ParseStarlark(list_->text());
    for (const StarlarkError& error : file.errors) {
      list_->AddDefect(list_->OffsetOf(error.position.line, error.position.column), error.message);
    }
    for (const StarlarkValue& statement : file.statements) {
      if (statement.kind == Kind::kString) continue;  // documentation
      const bool assigns = statement.kind == Kind::kOther && statement.items.size() == 1 &&
                           !IsOneOf(statement.text, {"if", "for", "return", ""});
      if (assigns) {
        const std::string owner = identifier_;
        Named(statement.text, statement.items[0], scope_, owner, "");
      } else {
        Value(statement, scope_);
      }
    }
  }

 private:
  // An attribute of a rule, or a variable. `owner` is the rule's name, `callee` its kind.
  void Named(std::string_view name, const StarlarkValue& value, Scope scope, std::string_view owner,
             std::string_view callee) {
    Settings(name, value, owner, callee);
    const PathRole role = RoleOfName(name);
    if (role != PathRole::kUnknown) scope.role = role;
    scope.tool_paths = LastComponent(name) == "tool_paths";
    if (scope.name.empty()) scope.name = name;
    Value(value, scope);
  }

  void Value(const StarlarkValue& value, const Scope& scope) {
    if (scope.role == PathRole::kNone) return;
    switch (value.kind) {
      case Kind::kString:
        return Strings({&value}, scope);
      case Kind::kList:
        return List(value, scope);
      case Kind::kDict:
        return Dict(value, scope);
      case Kind::kCall:
        return Call(value, scope);
      case Kind::kConcatenation:
        return Concatenation(value, scope);
      case Kind::kOther:
        return Other(value, scope);
      case Kind::kNumber:
      case Kind::kIdentifier:
        return;
    }
  }

  // Its strings are read together, for each may belong to the option before it.
  void List(const StarlarkValue& list, const Scope& scope) {
    std::vector<const StarlarkValue*> strings;
    for (const StarlarkValue& item : list.items) {
      strings.push_back(item.kind == Kind::kString ? &item : nullptr);
    }
    Strings(strings, scope);
    for (const StarlarkValue& item : list.items) {
      if (item.kind != Kind::kString) Value(item, scope);
    }
  }

  void Dict(const StarlarkValue& dict, const Scope& scope) {
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const StarlarkValue& key = dict.items[i];
      Scope entry = scope;
      if (key.kind == Kind::kString) {
        if (scope.role == PathRole::kUnknown) Strings({&key}, scope);
        entry.name = key.text;
        const PathRole role = RoleOfName(key.text);
        if (scope.role == PathRole::kUnknown && role != PathRole::kNone) entry.role = role;
      }
      Value(dict.items[i + 1], entry);
    }
  }

  // select({"//label": value}): the keys are labels, which can say for which system the value is.
  void Select(const StarlarkValue& call, const Scope& scope) {
    for (const StarlarkValue& item : call.items) {
      if (item.kind != Kind::kDict) continue;
      for (size_t i = 0; i + 1 < item.items.size(); i += 2) {
        Scope branch = scope;
        const std::string system = SystemIn(item.items[i].text);
        if (!system.empty()) branch.system = system;
        Value(item.items[i + 1], branch);
      }
    }
  }

  void Call(const StarlarkValue& call, const Scope& outer) {
    const std::string_view callee = LastComponent(call.text);
    if (IsNoData(callee)) return;
    if (callee == "select") return Select(call, outer);
    Scope scope = outer;
    std::string_view owner;
    const StarlarkValue* name = call.Argument("name");
    if (name != nullptr && name->kind == Kind::kString) {
      owner = name->text;
      const std::string system = SystemIn(owner);
      if (!system.empty()) scope.system = system;
    }
    const std::string system = SystemOfConstraints(call);
    if (!system.empty()) scope.system = system;

    RuleConstraints(call, callee, owner);

    const bool is_tool_path = callee == "tool_path";
    const bool is_repository = callee.ends_with("local_repository");
    for (size_t i = 0; i < call.items.size(); ++i) {
      const bool is_receiver = i == 0 && call.text.starts_with('.');
      if (is_receiver || !IsSearch(callee)) Value(call.items[i], scope);
    }
    for (const StarlarkValue::Named& argument : call.named) {
      const StarlarkValue& value = argument.value[0];
      if (argument.name == "path" && (is_tool_path || is_repository)) {
        Scope path = scope;
        path.role = PathRole::kTool;
        path.name = owner;
        path.tool_paths = is_tool_path;
        Value(value, path);
        continue;
      }
      // env_entry(key = "PATH", value = "/bin") and the like.
      Scope attribute = scope;
      attribute.name = {};
      const StarlarkValue* key = call.Argument("key");
      if (argument.name == "value" && key != nullptr) attribute.name = key->text;
      Named(argument.name, value, attribute, owner, callee);
    }
  }

  // "x86_64-linux" of a rule that is constrained to both.
  static std::string SystemOfConstraints(const StarlarkValue& call) {
    for (std::string_view name : {"exec_compatible_with", "constraint_values"}) {
      const StarlarkValue* constraints = call.Argument(name);
      if (constraints == nullptr || constraints->kind != Kind::kList) continue;
      std::string cpu, os;
      for (const StarlarkValue& item : constraints->items) {
        const std::string_view label = item.text;
        if (label.starts_with("@platforms//cpu:")) cpu = label.substr(16);
        if (label.starts_with("@platforms//os:")) os = label.substr(15);
      }
      std::string system = SystemIn(absl::StrCat(cpu, "-", os == "macos" ? "darwin" : os));
      if (!system.empty()) return system;
    }
    return "";
  }

  // "/a" + "/b" is one string; so is "/a/" + name as far as it is known. What follows something
  // that is not known is no absolute path.
  void Concatenation(const StarlarkValue& value, const Scope& scope) {
    StarlarkValue joined;
    size_t i = 0;
    for (; i < value.items.size() && value.items[i].kind == Kind::kString; ++i) {
      const auto at = static_cast<uint32_t>(joined.text.size());
      for (const StarlarkValue::Piece& piece : value.items[i].pieces) {
        joined.pieces.push_back({at + piece.at, piece.offset});
      }
      joined.text += value.items[i].text;
    }
    if (i > 0) Strings({&joined}, scope);
    for (; i < value.items.size(); ++i) {
      if (value.items[i].kind != Kind::kString) Value(value.items[i], scope);
    }
  }

  void Other(const StarlarkValue& value, const Scope& scope) {
    if (IsOneOf(value.text, {"==", "!=", "<", ">", "<=", ">=", "in", "not in"})) return;
    Scope part = scope;
    part.tool_paths = false;  // the names that a comprehension goes through are no paths
    // Of x[y] only x is data.
    const size_t count = value.text == "[]" ? 1 : value.items.size();
    for (size_t i = 0; i < count && i < value.items.size(); ++i) Value(value.items[i], part);
    for (const StarlarkValue::Named& argument : value.named) Value(argument.value[0], part);
  }

  // Null stands for an element that is no string.
  void Strings(const std::vector<const StarlarkValue*>& strings, const Scope& scope) {
    std::vector<std::string_view> texts;
    for (const StarlarkValue* s : strings) {
      texts.push_back(s == nullptr ? std::string_view() : std::string_view(s->text));
      if (s != nullptr && scope.tool_paths && !IsAbsolutePath(s->text)) {
        list_->AddClaim(Claim::TOOL, s->text, s->OffsetOf(0), scope.name, scope.system);
      }
    }
    for (const NamedPath& path : FindNamedPaths(scope.role, texts)) {
      list_->AddClaim(path.kind, path.text, strings[path.string]->OffsetOf(path.at),
                      path.context.empty() ? scope.name : path.context, scope.system);
    }
  }

  // --- Settings.
  void Settings(std::string_view name, const StarlarkValue& value, std::string_view owner,
                std::string_view callee) {
    if (value.kind == Kind::kString) {
      if (IsOneOf(name, {"toolchain_identifier"}) && callee.empty()) identifier_ = value.text;
      if (IsOneOf(name, {"target_libc", "abi_libc_version"})) {
        Add(Setting::LIBC, name, value, owner);
      } else if (IsOneOf(name, {"host_system_name", "target_system_name", "target_cpu"})) {
        Add(Setting::SYSTEM_NAME, name, value, owner);
      } else if (name == "cpu" && callee != "constraint_value") {
        Add(Setting::SYSTEM_NAME, "target_cpu", value, owner);
      } else if (name == "remote_execution_properties") {
        TextProperties(value, owner);
      }
    }
    if (name == "exec_properties") Properties(value, owner);
  }

  void RuleConstraints(const StarlarkValue& call, std::string_view callee, std::string_view owner) {
    const auto add = [&](std::string_view attribute, std::string_view key) {
      const StarlarkValue* value = call.Argument(attribute);
      if (value != nullptr) Constraints(key, *value, owner);
    };
    if (callee == "toolchain") {
      add("exec_compatible_with", "exec");
      add("target_compatible_with", "target");
    } else if (callee == "platform") {
      // Actions run only on platforms that say how.
      const bool runs = call.Argument("exec_properties") != nullptr ||
                        call.Argument("remote_execution_properties") != nullptr;
      add("constraint_values", runs ? "exec" : "target");
    }
  }

  void Add(Setting::Kind kind, std::string_view key, const StarlarkValue& value,
           std::string_view owner) {
    list_->Add(kind, key, value.text, value.OffsetOf(0), owner);
  }

  // Of lists as they are written: what select or format chooses is not known here.
  void Constraints(std::string_view key, const StarlarkValue& value, std::string_view owner) {
    if (value.kind == Kind::kString) return Add(Setting::CONSTRAINT, key, value, owner);
    if (value.kind != Kind::kList && value.kind != Kind::kConcatenation) return;
    for (const StarlarkValue& item : value.items) Constraints(key, item, owner);
  }

  void Properties(const StarlarkValue& value, std::string_view owner) {
    if (value.kind != Kind::kDict) {
      for (const StarlarkValue& item : value.items) Properties(item, owner);
      return;
    }
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const StarlarkValue& key = value.items[i];
      const StarlarkValue& property = value.items[i + 1];
      if (key.kind != Kind::kString || property.kind != Kind::kString) continue;
      const bool image = key.text == "container-image";
      Add(image ? Setting::CONTAINER_IMAGE : Setting::EXEC_PROPERTY, key.text, property, owner);
    }
  }

  // The text proto of platforms before exec_properties: properties: { name: "x" value: "y" } ...
  void TextProperties(const StarlarkValue& value, std::string_view owner) {
    const std::string_view text = value.text;
    std::string_view name, field;
    size_t i = 0;
    while (i < text.size()) {
      const char c = text[i];
      if (c == '"' || c == '\'') {
        const size_t end = std::min(text.find(c, i + 1), text.size());
        const std::string_view content = text.substr(i + 1, end - i - 1);
        if (field == "name") name = content;
        if (field == "value" && !name.empty()) {
          const bool image = name == "container-image";
          list_->Add(image ? Setting::CONTAINER_IMAGE : Setting::EXEC_PROPERTY, name, content,
                     value.OffsetOf(i + 1), owner);
          name = {};
        }
        i = end + 1;
      } else if (c >= 'a' && c <= 'z') {
        const size_t end =
            std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", i), text.size());
        field = text.substr(i, end - i);
        i = end;
      } else {
        if (c == '#') i = std::min(text.find('\n', i), text.size());
        ++i;
      }
    }
  }

  SettingList* list_;
  Scope scope_;
  std::string identifier_;  // toolchain_identifier of the function that is read
};

}  // namespace

void AddStarlarkClaims(std::string_view path, SettingList* list) {
  StarlarkReader(path, list).Read();
}

}  // namespace lre_audit
