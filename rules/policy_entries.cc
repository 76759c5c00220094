#include "rules/policy_entries.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/suggest.h"
#include "base/text.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using ParseInfoTree = google::protobuf::TextFormat::ParseInfoTree;
using google::protobuf::TextFormat;

// Bytes that one pattern may take, compiled. RE2's own default is 8 MiB.
constexpr int64_t kMaxPatternMemory = int64_t{1} << 20;

bool MatchesText(const Pattern& pattern, const std::string& text) {
  return pattern == nullptr || RE2::FullMatch(text, *pattern);
}

// The field's place in `tree`; not known where it is not set. Of a list in brackets, only the first
// element has a place.
PolicyPlace PlaceIn(const ParseInfoTree* tree, const FieldDescriptor* field, int index) {
  if (tree == nullptr || field == nullptr) return {};
  TextFormat::ParseLocation location =
      tree->GetLocation(field, field->is_repeated() ? std::max(index, 0) : -1);
  if (location.line < 0 && index > 0) location = tree->GetLocation(field, 0);
  return {location.line + 1, location.column + 1};
}

std::string ShownField(const PolicyField& field) {
  std::string shown = absl::StrCat("policy: ", field.entry);
  if (field.index >= 0) absl::StrAppend(&shown, " ", field.index + 1);
  if (field.field != nullptr) absl::StrAppend(&shown, ".", field.field);
  return shown;
}

Pattern CompilePattern(const PolicyField& field, const std::string& text, PolicyErrors& errors) {
  if (text.empty()) return nullptr;
  RE2::Options options;
  options.set_max_mem(kMaxPatternMemory);
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // file names are bytes, not text
  auto pattern = std::make_unique<RE2>(text, options);
  if (!pattern->ok()) {
    errors.Add(field, absl::StrCat("bad pattern '", Escaped(text), "': ", pattern->error()));
  }
  return pattern;
}

// The rule that `name` is the code or the name of; null, and an error, if there is none.
const Rule* RuleOf(const PolicyField& field, const std::string& name, PolicyErrors& errors) {
  const Rule* rule = FindRule(name);
  if (rule != nullptr) return rule;
  std::vector<std::string_view> known;
  for (const Rule& candidate : AllRules()) {
    known.push_back(candidate.code);
    known.push_back(candidate.name);
  }
  errors.Add(field,
             absl::StrCat("there is no rule '", Escaped(name), "'", DidYouMean(name, known)));
  return nullptr;
}

// LRE901 and LRE902: something was not audited. The others of LRE9xx are about the policy itself.
bool SaysIncomplete(const Rule& rule) {
  return absl::StartsWith(rule.code, "LRE9") && rule.judge != nullptr;
}

// The code of a rule whose findings can be allowed or suppressed; empty, and an error, if it is
// none.
std::string ExcusableRule(const PolicyField& field, const std::string& name, PolicyErrors& errors) {
  const Rule* rule = RuleOf(field, name, errors);
  if (rule == nullptr) return "";
  if (absl::StartsWith(rule->code, "LRE9")) {
    errors.Add(field,
               SaysIncomplete(*rule)
                   ? absl::StrCat(rule->code,
                                  " says that the audit is incomplete, and no policy can change "
                                  "that")
                   : absl::StrCat(rule->code,
                                  " is about the policy itself: change the suppression "
                                  "that it names"));
    return "";
  }
  return rule->code;
}

// Whether `value` is set. A number that is no severity, which proto3 accepts, is an error.
bool CheckSeverity(const PolicyField& field, Finding::Severity value, PolicyErrors& errors) {
  if (Finding::Severity_IsValid(value)) return value != Finding::SEVERITY_UNSPECIFIED;
  errors.Add(field, absl::StrCat(static_cast<int>(value),
                                 " is no severity; expected NOTE, WARNING or ERROR"));
  return true;
}

void Require(PolicyField field, const char* name, const std::string& value, PolicyErrors& errors) {
  if (value.empty()) errors.Add(field, absl::StrCat(name, " is required"));
}

// "2027-01-31" and no other way to write it.
std::optional<absl::CivilDay> ParseDay(const std::string& text) {
  constexpr size_t kLength = 10;
  absl::CivilDay day;
  if (text.size() != kLength || !absl::ParseCivilTime(text, &day)) return std::nullopt;
  if (absl::FormatCivilTime(day) != text) return std::nullopt;
  return day;
}

}  // namespace

PolicyPlace PlaceOf(const PolicyField& field, const PolicyLocations& locations) {
  const Descriptor* policy = Policy::descriptor();
  const FieldDescriptor* entry = policy->FindFieldByName(field.entry);
  if (locations.tree == nullptr || entry == nullptr) return {};
  if (field.field != nullptr && entry->message_type() != nullptr) {
    const PolicyPlace place =
        PlaceIn(locations.tree->GetTreeForNested(entry, entry->is_repeated() ? field.index : -1),
                entry->message_type()->FindFieldByName(field.field), field.element);
    if (place.line > 0) return place;
  }
  return PlaceIn(locations.tree.get(), entry, field.index);
}

void PolicyErrors::Add(const PolicyField& field, std::string_view message) {
  const PolicyPlace place = PlaceOf(field, locations_);
  const std::string where = place.line > 0
                                ? absl::StrCat(locations_.file, ":", place.line, ":", place.column)
                                : ShownField(field);
  errors_.push_back({place, absl::StrCat(where, ": ", ToAbsl(message))});
}

absl::Status PolicyErrors::ToStatus() const {
  if (errors_.empty()) return absl::OkStatus();
  std::vector<Error> sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Error& a, const Error& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  std::string text;
  for (const Error& error : sorted) absl::StrAppend(&text, text.empty() ? "" : "\n", error.text);
  return absl::InvalidArgumentError(text);
}

bool MatchesPath(const Pattern& pattern, const std::string& path, const std::string& directory) {
  return MatchesText(pattern, path) || (!directory.empty() && path.starts_with(directory) &&
                                        MatchesText(pattern, path.substr(directory.size())));
}

bool CompiledException::Matches(const Finding& finding, Finding::Severity given,
                                const std::string& directory) const {
  return (up_to == 0 || given <= up_to) && (rules.empty() || rules.contains(finding.rule())) &&
         MatchesText(referenced, finding.referenced()) &&
         MatchesPath(path, finding.path(), directory);
}

bool CompiledSuppression::Matches(const Finding& finding, const std::string& directory) const {
  return rule == finding.rule() && MatchesPath(path, finding.path(), directory) &&
         MatchesText(referenced, finding.referenced());
}

std::vector<CompiledException> CompileExceptions(const Policy& policy, PolicyErrors& errors) {
  std::vector<CompiledException> result;
  for (int i = 0; i < policy.exception_size(); ++i) {
    const Exception& entry = policy.exception(i);
    const auto field = [&](const char* name, int element = -1) {
      return PolicyField{"exception", i, name, element};
    };
    if (entry.rule().empty() && entry.referenced().empty() && entry.path().empty()) {
      errors.Add(field(nullptr), "set at least one of rule, referenced and path");
    }
    const bool sets = CheckSeverity(field("severity"), entry.severity(), errors);
    const bool lowers = CheckSeverity(field("at_most"), entry.at_most(), errors);
    CheckSeverity(field("up_to"), entry.up_to(), errors);
    if (sets && lowers) errors.Add(field(nullptr), "set severity or at_most, not both");
    Require(field(nullptr), "reason", entry.reason(), errors);

    CompiledException& compiled = result.emplace_back();
    for (int k = 0; k < entry.rule_size(); ++k) {
      compiled.rules.insert(ExcusableRule(field("rule", k), entry.rule(k), errors));
    }
    compiled.referenced = CompilePattern(field("referenced"), entry.referenced(), errors);
    compiled.path = CompilePattern(field("path"), entry.path(), errors);
    compiled.severity = entry.severity();
    compiled.at_most = entry.at_most();
    compiled.up_to = entry.up_to();
  }
  return result;
}

std::vector<CompiledSeverity> CompileSeverities(const Policy& policy, PolicyErrors& errors) {
  std::vector<CompiledSeverity> result;
  for (int i = 0; i < policy.severity_size(); ++i) {
    const SeverityOverride& entry = policy.severity(i);
    const auto field = [&](const char* name) { return PolicyField{"severity", i, name}; };
    if (!CheckSeverity(field("severity"), entry.severity(), errors)) {
      errors.Add(field(nullptr), "severity is required: NOTE, WARNING or ERROR");
    }
    Require(field(nullptr), "rule", entry.rule(), errors);
    if (entry.rule().empty()) continue;
    const Rule* rule = RuleOf(field("rule"), entry.rule(), errors);
    if (rule == nullptr) continue;
    if (SaysIncomplete(*rule)) ExcusableRule(field("rule"), entry.rule(), errors);
    result.push_back({rule->code, entry.severity()});
  }
  return result;
}

std::vector<CompiledSuppression> CompileSuppressions(const Policy& policy,
                                                     const PolicyLocations& locations,
                                                     PolicyErrors& errors) {
  std::vector<CompiledSuppression> result;
  for (int i = 0; i < policy.suppress_size(); ++i) {
    const Suppression& entry = policy.suppress(i);
    const auto field = [&](const char* name) { return PolicyField{"suppress", i, name}; };
    Require(field(nullptr), "rule", entry.rule(), errors);
    Require(field(nullptr), "reason", entry.reason(), errors);
    Require(field(nullptr), "owner", entry.owner(), errors);

    CompiledSuppression& compiled = result.emplace_back();
    compiled.entry = entry;
    compiled.place = PlaceOf(field(nullptr), locations);
    if (!entry.rule().empty()) compiled.rule = ExcusableRule(field("rule"), entry.rule(), errors);
    compiled.path = CompilePattern(field("path"), entry.path(), errors);
    compiled.referenced = CompilePattern(field("referenced"), entry.referenced(), errors);
    if (entry.expires().empty()) continue;
    compiled.last_day = ParseDay(entry.expires());
    if (!compiled.last_day) {
      errors.Add(field("expires"), absl::StrCat("'", Escaped(entry.expires()),
                                                "' is no date; expected the last day it holds, "
                                                "such as 2027-01-31"));
    }
  }
  return result;
}

void CheckSubjects(const Policy& policy, PolicyErrors& errors) {
  std::vector<std::string_view> images;
  for (int i = 0; i < policy.image_size(); ++i) {
    Require({"image", i}, "reference", policy.image(i).reference(), errors);
    images.push_back(policy.image(i).reference());
  }
  for (int i = 0; i < policy.toolchain_size(); ++i) {
    const ToolchainSubject& toolchain = policy.toolchain(i);
    Require({"toolchain", i}, "directory", toolchain.directory(), errors);
    for (int k = 0; k < toolchain.image_size(); ++k) {
      const std::string& image = toolchain.image(k);
      if (std::find(images.begin(), images.end(), image) != images.end()) continue;
      errors.Add({"toolchain", i, "image", k},
                 absl::StrCat("no image entry has the reference '", Escaped(image), "'",
                              DidYouMean(image, images)));
    }
  }
  for (int i = 0; i < policy.environment_size(); ++i) {
    Require({"environment", i}, "name", policy.environment(i).name(), errors);
  }
  CheckSeverity({"fail_on"}, policy.fail_on(), errors);
}

}  // namespace lre_audit
