#include "rules/policy.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "rules/finding.h"
#include "rules/policy_entries.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

// What a suppression did to the findings of an audit.
struct Use {
  size_t matched = 0;
  size_t shown = 0;  // matched, and not hidden by another suppression
};

// "LRE103, path \".*-make-4.3/.*\"": which of the policy's suppressions it is.
std::string Shown(const CompiledSuppression& suppression) {
  std::string text = suppression.rule;
  const Suppression& entry = suppression.entry;
  if (!entry.path().empty()) absl::StrAppend(&text, ", path \"", entry.path(), "\"");
  if (!entry.referenced().empty()) {
    absl::StrAppend(&text, ", referenced \"", entry.referenced(), "\"");
  }
  return text;
}

Finding AboutSuppression(const char* code, const std::string& file,
                         const CompiledSuppression& suppression, std::string message,
                         std::string_view help) {
  const Suppression& entry = suppression.entry;
  Finding finding =
      MakeFinding(*FindRule(code), file, Shown(suppression), std::move(message), help);
  finding.mutable_location()->set_line(suppression.place.line);
  finding.mutable_location()->set_column(suppression.place.column);
  finding.set_evidence("suppress " + finding.referenced());
  finding.add_notes(
      absl::StrCat("its owner is ", entry.owner(), ", its reason was: ", entry.reason()));
  finding.set_fingerprint(Fingerprint(finding, "policy", ""));
  return finding;
}

Finding Unused(const std::string& file, const CompiledSuppression& suppression) {
  return AboutSuppression("LRE903", file, suppression, "a suppression matches nothing",
                          "remove it: it would hide the next finding that it happens to match");
}

Finding Expired(const std::string& file, const CompiledSuppression& suppression, size_t count) {
  const std::string effect =
      count == 0
          ? "it matches nothing any more"
          : absl::StrCat(Counted(count, "finding that it hid counts", "findings that it hid count"),
                         " again");
  return AboutSuppression("LRE904", file, suppression,
                          absl::StrCat("the suppression by ", suppression.entry.owner(),
                                       " ended on ", suppression.entry.expires(), ", and ", effect),
                          count == 0
                              ? "remove it"
                              : "fix what it hid and remove it, or agree on another date with its "
                                "owner");
}

}  // namespace

struct CompiledPolicy::State {
  std::string file;
  std::string directory;                      // of the file, with its last slash
  std::vector<CompiledException> exceptions;  // the user's, then the default ones
  std::vector<CompiledSeverity> severities;
  std::vector<CompiledSuppression> suppressions;
  std::vector<bool> expired;  // for each suppression

  void SetSeverity(Finding& finding) const {
    const auto severity =
        std::find_if(severities.begin(), severities.end(),
                     [&](const CompiledSeverity& s) { return s.rule == finding.rule(); });
    if (severity != severities.end()) finding.set_severity(severity->severity);
  }

  // Marks what is suppressed, and counts in `uses`, one for each suppression.
  void Suppress(Finding& finding, std::vector<Use>& uses) const {
    std::vector<size_t> matching;
    for (size_t i = 0; i < suppressions.size(); ++i) {
      if (!suppressions[i].Matches(finding, directory)) continue;
      matching.push_back(i);
      if (!expired[i]) finding.set_suppressed(true);
    }
    for (const size_t i : matching) {
      ++uses[i].matched;
      uses[i].shown += !finding.suppressed();
    }
  }

  std::vector<Finding> Audit(const std::vector<Use>& uses) const {
    std::vector<Finding> findings;
    for (size_t i = 0; i < suppressions.size(); ++i) {
      if (expired[i]) {
        findings.push_back(Expired(file, suppressions[i], uses[i].shown));
      } else if (uses[i].matched == 0) {
        findings.push_back(Unused(file, suppressions[i]));
      }
    }
    for (Finding& finding : findings) SetSeverity(finding);
    SortFindings(findings);
    return findings;
  }
};

CompiledPolicy::CompiledPolicy(std::unique_ptr<State> state) : state_(std::move(state)) {}
CompiledPolicy::CompiledPolicy(CompiledPolicy&&) noexcept = default;
CompiledPolicy& CompiledPolicy::operator=(CompiledPolicy&&) noexcept = default;
CompiledPolicy::~CompiledPolicy() = default;

absl::StatusOr<CompiledPolicy> CompiledPolicy::Compile(const Policy& policy, absl::Time now,
                                                       const PolicyLocations& locations) {
  PolicyErrors errors(locations);
  auto state = std::make_unique<State>();
  state->file = locations.file.empty() ? "policy" : locations.file;
  state->directory = state->file.substr(0, state->file.rfind('/') + 1);
  state->exceptions = CompileExceptions(policy, errors);
  state->severities = CompileSeverities(policy, errors);
  state->suppressions = CompileSuppressions(policy, locations, errors);
  CheckSubjects(policy, errors);
  LRE_RETURN_IF_ERROR(errors.ToStatus());
  for (const CompiledSuppression& suppression : state->suppressions) {
    state->expired.push_back(suppression.last_day &&
                             now >=
                                 absl::FromCivil(*suppression.last_day + 1, absl::UTCTimeZone()));
  }

  Policy defaults;
  if (!google::protobuf::TextFormat::ParseFromString(std::string(DefaultPolicyText()), &defaults)) {
    return absl::InternalError("the default policy is no textproto");
  }
  const PolicyLocations nowhere;
  PolicyErrors default_errors(nowhere);
  for (CompiledException& exception : CompileExceptions(defaults, default_errors)) {
    state->exceptions.push_back(std::move(exception));
  }
  LRE_RETURN_IF_ERROR(default_errors.ToStatus());
  return CompiledPolicy(std::move(state));
}

CompiledPolicy CompiledPolicy::Default() {
  // The text is part of the program and its tests compile it: there is no input that could fail.
  return *Compile(Policy(), absl::UnixEpoch());
}

std::vector<Finding> CompiledPolicy::Apply(std::vector<Finding>& findings) const {
  std::vector<Use> uses(state_->suppressions.size());
  std::vector<Finding> kept;
  kept.reserve(findings.size());
  for (Finding& finding : findings) {
    if (absl::StartsWith(finding.rule(), "LRE9")) {
      kept.push_back(std::move(finding));
      continue;
    }
    const Finding::Severity given = finding.severity();
    state_->SetSeverity(finding);
    const auto exception =
        std::find_if(state_->exceptions.begin(), state_->exceptions.end(),
                     [&](const auto& e) { return e.Matches(finding, given, state_->directory); });
    if (exception != state_->exceptions.end()) {
      if (exception->Allows()) continue;
      if (exception->severity != 0) finding.set_severity(exception->severity);
      if (exception->at_most != 0) {
        finding.set_severity(std::min(finding.severity(), exception->at_most));
      }
    }
    state_->Suppress(finding, uses);
    kept.push_back(std::move(finding));
  }
  findings = std::move(kept);
  SortFindings(findings);
  return state_->Audit(uses);
}

}  // namespace lre_audit
