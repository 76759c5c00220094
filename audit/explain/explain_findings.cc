#include "audit/explain/explain_findings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/cache/grpc_log.h"
#include "base/status.h"
#include "base/text.h"
#include "reports/numbers.h"
#include "rules/finding.h"
#include "rules/rule.h"

namespace lre_audit::explain {

Finding MakeExplainFinding(const char* code, std::string_view path, std::string_view referenced,
                           std::string message, std::string_view help) {
  return MakeFinding(*FindRule(code), path, referenced, std::move(message), help);
}

Finding DamageFinding(const std::string& log, const std::vector<cache::LogWarning>& warnings,
                      uint64_t count, std::string_view what_was_read) {
  constexpr size_t kMostTold = 5;
  const auto describe = [](const cache::LogWarning& warning) {
    return absl::StrCat("entry ", warning.entry, " at offset ", warning.offset, ": ",
                        warning.message);
  };
  Finding finding = MakeExplainFinding(
      "LRE901", log, "", absl::StrCat("part of the log could not be read: ", describe(warnings[0])),
      "take the log of a build that has ended, copied whole; what could be read is explained");
  finding.set_subject(log);
  for (size_t i = 1; i < std::min(warnings.size(), kMostTold); ++i) {
    finding.add_notes(describe(warnings[i]));
  }
  if (count > kMostTold) finding.add_notes(absl::StrCat("and ", count - kMostTold, " more"));
  finding.add_notes(absl::StrCat(ToAbsl(what_was_read), " were read"));
  return finding;
}

namespace {

// LRE901 of a file that tells of another build than it was named for.
Finding OtherBuild(const std::string& file, const char* what, const std::string& found,
                   const std::string& expected) {
  Finding finding =
      MakeExplainFinding("LRE901", file, "",
                         absl::StrCat("the ", what, " are of another build: of the invocation ",
                                      Escaped(found), " instead of ", Escaped(expected)),
                         absl::StrCat("take all logs of one build; these ", what, " are left out"));
  finding.set_subject(file);
  return finding;
}

}  // namespace

absl::StatusOr<cache::BuildEvents> ReadEvents(const std::string& file,
                                              const std::set<std::string>& invocations,
                                              const cache::ReadLogOptions& options,
                                              std::vector<Finding>* findings) {
  if (file.empty()) return cache::BuildEvents();
  LRE_ASSIGN_OR_RETURN(cache::BuildEvents read, cache::ReadBuildEventsFile(file, options));
  if (read.warning_count > 0) {
    findings->push_back(
        DamageFinding(file, read.warnings, read.warning_count, Counted(read.events, "event")));
  }
  if (!read.has_options && read.warning_count == 0) {
    Finding finding = MakeExplainFinding("LRE901", file, "",
                                         "the events end before those that say the build's options",
                                         "take the file of a build that has ended, copied whole");
    finding.set_subject(file);
    findings->push_back(std::move(finding));
  }
  if (!read.invocation_id.empty() && !invocations.empty() &&
      !invocations.contains(read.invocation_id)) {
    findings->push_back(OtherBuild(file, "events", read.invocation_id, *invocations.begin()));
    return cache::BuildEvents();
  }
  return read;
}

absl::StatusOr<cache::RemoteCalls> ReadCalls(const std::vector<std::string>& files,
                                             const cache::ExecutionLog& log,
                                             const cache::ReadLogOptions& options,
                                             std::vector<Finding>* findings) {
  cache::RemoteCalls calls;
  for (const std::string& file : files) {
    LRE_ASSIGN_OR_RETURN(cache::GrpcLog read, cache::ReadGrpcLogFile(file, options));
    if (read.warning_count > 0) {
      findings->push_back(DamageFinding(file, read.warnings, read.warning_count,
                                        Counted(read.calls.size(), "call")));
    }
    cache::RemoteCalls alone;
    alone.Add(std::move(read));
    const std::set<std::string> invocations = alone.Invocations();
    if (!log.invocation_id.empty() && !invocations.empty() &&
        !invocations.contains(log.invocation_id)) {
      findings->push_back(OtherBuild(file, "calls", *invocations.begin(), log.invocation_id));
      continue;
    }
    calls.Append(std::move(alone));
  }
  return calls;
}

}  // namespace lre_audit::explain
