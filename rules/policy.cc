#include "rules/policy.h"

#include <google/protobuf/text_format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

// Bytes that one pattern may take, compiled. RE2's own default is 8 MiB.
constexpr int64_t kMaxPatternMemory = int64_t{1} << 20;

// A pattern on the whole text; an empty one matches everything.
using Pattern = std::unique_ptr<RE2>;

bool Matches(const Pattern& pattern, const std::string& text) {
  return pattern == nullptr || RE2::FullMatch(text, *pattern);
}

absl::StatusOr<Pattern> CompilePattern(std::string_view where, const std::string& text) {
  if (text.empty()) return Pattern();
  RE2::Options options;
  options.set_max_mem(kMaxPatternMemory);
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // file names are bytes, not text
  auto pattern = std::make_unique<RE2>(text, options);
  if (!pattern->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(where), ": bad pattern '", Escaped(text), "': ", pattern->error()));
  }
  return pattern;
}

// The code of the rule that `name` is the code or the name of.
absl::StatusOr<std::string> RuleCode(std::string_view where, std::string_view name) {
  const Rule* rule = FindRule(name);
  if (rule == nullptr) {
    std::vector<std::string_view> known;
    for (const Rule& candidate : AllRules()) {
      known.push_back(candidate.code);
      known.push_back(candidate.name);
    }
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(where), ": there is no rule '",
                                                   Escaped(name), "'", DidYouMean(name, known)));
  }
  if (absl::StartsWith(rule->code, "LRE9")) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(where), ": ", rule->code,
                     " says that the audit is incomplete, and no policy can change that"));
  }
  return std::string(rule->code);
}

absl::Status RequireField(std::string_view where, std::string_view field,
                          const std::string& value) {
  if (!value.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(where), ": ", ToAbsl(field), " is required"));
}

struct CompiledException {
  std::set<std::string> rules;  // codes; empty: every rule
  Pattern referenced, path;
  Finding::Severity severity = Finding::SEVERITY_UNSPECIFIED;
  Finding::Severity at_most = Finding::SEVERITY_UNSPECIFIED;
  Finding::Severity up_to = Finding::SEVERITY_UNSPECIFIED;

  // `given` is the severity that the rule gave the finding.
  bool Matches(const Finding& finding, Finding::Severity given) const {
    return (up_to == 0 || given <= up_to) && (rules.empty() || rules.contains(finding.rule())) &&
           lre_audit::Matches(referenced, finding.referenced()) &&
           lre_audit::Matches(path, finding.path());
  }
  bool Allows() const { return severity == 0 && at_most == 0; }
};

struct CompiledSuppression {
  std::string rule;
  Pattern path, referenced;

  bool Matches(const Finding& finding) const {
    return rule == finding.rule() && lre_audit::Matches(path, finding.path()) &&
           lre_audit::Matches(referenced, finding.referenced());
  }
};

absl::StatusOr<CompiledException> CompileException(const std::string& where,
                                                   const Exception& exception) {
  if (exception.rule().empty() && exception.referenced().empty() && exception.path().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": set at least one of rule, referenced and path"));
  }
  if (exception.severity() != 0 && exception.at_most() != 0) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": set severity or at_most, not both"));
  }
  LRE_RETURN_IF_ERROR(RequireField(where, "reason", exception.reason()));

  CompiledException compiled;
  for (const std::string& name : exception.rule()) {
    LRE_ASSIGN_OR_RETURN(std::string code, RuleCode(where + ".rule", name));
    compiled.rules.insert(std::move(code));
  }
  LRE_ASSIGN_OR_RETURN(compiled.referenced,
                       CompilePattern(where + ".referenced", exception.referenced()));
  LRE_ASSIGN_OR_RETURN(compiled.path, CompilePattern(where + ".path", exception.path()));
  compiled.severity = exception.severity();
  compiled.at_most = exception.at_most();
  compiled.up_to = exception.up_to();
  return compiled;
}

absl::StatusOr<CompiledSuppression> CompileSuppression(const std::string& where,
                                                       const Suppression& suppression) {
  LRE_RETURN_IF_ERROR(RequireField(where, "rule", suppression.rule()));
  LRE_RETURN_IF_ERROR(RequireField(where, "reason", suppression.reason()));
  LRE_RETURN_IF_ERROR(RequireField(where, "owner", suppression.owner()));
  // Honouring it forever would be worse than refusing it.
  if (!suppression.expires().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": expires is not supported yet; leave it out"));
  }
  CompiledSuppression compiled;
  LRE_ASSIGN_OR_RETURN(compiled.rule, RuleCode(where + ".rule", suppression.rule()));
  LRE_ASSIGN_OR_RETURN(compiled.path, CompilePattern(where + ".path", suppression.path()));
  LRE_ASSIGN_OR_RETURN(compiled.referenced,
                       CompilePattern(where + ".referenced", suppression.referenced()));
  return compiled;
}

std::string Entry(std::string_view field, int index) {
  return absl::StrCat("policy: ", ToAbsl(field), " ", index + 1);
}

}  // namespace

struct CompiledPolicy::State {
  std::vector<CompiledException> exceptions;  // the user's, then the default ones
  std::vector<std::pair<std::string, Finding::Severity>> severities;
  std::vector<CompiledSuppression> suppressions;

  // Appends the entries of `policy` to those that are there.
  absl::Status Add(const Policy& policy);
};

absl::Status CompiledPolicy::State::Add(const Policy& policy) {
  for (int i = 0; i < policy.exception_size(); ++i) {
    LRE_ASSIGN_OR_RETURN(CompiledException exception,
                         CompileException(Entry("exception", i), policy.exception(i)));
    exceptions.push_back(std::move(exception));
  }
  for (int i = 0; i < policy.severity_size(); ++i) {
    const std::string where = Entry("severity", i);
    const SeverityOverride& entry = policy.severity(i);
    LRE_RETURN_IF_ERROR(RequireField(where, "rule", entry.rule()));
    if (entry.severity() == Finding::SEVERITY_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": severity is required: NOTE, WARNING or ERROR"));
    }
    LRE_ASSIGN_OR_RETURN(std::string code, RuleCode(where + ".rule", entry.rule()));
    severities.emplace_back(std::move(code), entry.severity());
  }
  for (int i = 0; i < policy.suppress_size(); ++i) {
    LRE_ASSIGN_OR_RETURN(CompiledSuppression suppression,
                         CompileSuppression(Entry("suppress", i), policy.suppress(i)));
    suppressions.push_back(std::move(suppression));
  }
  return absl::OkStatus();
}

CompiledPolicy::CompiledPolicy(std::unique_ptr<State> state) : state_(std::move(state)) {}
CompiledPolicy::CompiledPolicy(CompiledPolicy&&) noexcept = default;
CompiledPolicy& CompiledPolicy::operator=(CompiledPolicy&&) noexcept = default;
CompiledPolicy::~CompiledPolicy() = default;

absl::StatusOr<CompiledPolicy> CompiledPolicy::Compile(const Policy& policy) {
  auto state = std::make_unique<State>();
  LRE_RETURN_IF_ERROR(state->Add(policy));
  Policy defaults;
  if (!google::protobuf::TextFormat::ParseFromString(std::string(DefaultPolicyText()), &defaults)) {
    return absl::InternalError("the default policy is no textproto");
  }
  LRE_RETURN_IF_ERROR(state->Add(defaults));
  return CompiledPolicy(std::move(state));
}

CompiledPolicy CompiledPolicy::Default() {
  // The text is part of the program and its tests compile it: there is no input that could fail.
  return *Compile(Policy());
}

void CompiledPolicy::Apply(std::vector<Finding>& findings) const {
  std::vector<Finding> kept;
  kept.reserve(findings.size());
  for (Finding& finding : findings) {
    if (absl::StartsWith(finding.rule(), "LRE9")) {
      kept.push_back(std::move(finding));
      continue;
    }
    const Finding::Severity given = finding.severity();
    for (const auto& [rule, severity] : state_->severities) {
      if (rule == finding.rule()) {
        finding.set_severity(severity);
        break;
      }
    }
    const auto exception =
        std::find_if(state_->exceptions.begin(), state_->exceptions.end(),
                     [&](const CompiledException& e) { return e.Matches(finding, given); });
    if (exception != state_->exceptions.end()) {
      if (exception->Allows()) continue;
      if (exception->severity != 0) finding.set_severity(exception->severity);
      if (exception->at_most != 0) {
        finding.set_severity(std::min(finding.severity(), exception->at_most));
      }
    }
    const bool suppressed =
        std::any_of(state_->suppressions.begin(), state_->suppressions.end(),
                    [&](const CompiledSuppression& s) { return s.Matches(finding); });
    if (suppressed) finding.set_suppressed(true);
    kept.push_back(std::move(finding));
  }
  findings = std::move(kept);
  SortFindings(findings);
}

}  // namespace lre_audit
