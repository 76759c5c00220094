#include "audit/commands/write_report.h"

#include <string_view>

#include "audit/commands/terminal.h"
#include "base/text.h"
#include "reports/output.h"
#include "reports/printable.h"

namespace lre_audit {
namespace {

// LRE901 incomplete and LRE902 limit-reached: something asked for was not audited.
bool SaysIncomplete(const Finding& finding) {
  return finding.rule() == "LRE901" || finding.rule() == "LRE902";
}

void CountAndJudge(Report& report, Finding::Severity fail_on) {
  double errors = 0, warnings = 0, notes = 0, suppressed = 0;
  bool incomplete = report.verdict() == Report::INCOMPLETE;
  bool fails = false;
  for (const Finding& finding : report.findings()) {
    if (finding.suppressed()) {
      ++suppressed;
      continue;
    }
    // A finding whose severity nobody set is shown, and so counted, as an error.
    const Finding::Severity severity =
        finding.severity() == Finding::SEVERITY_UNSPECIFIED ? Finding::ERROR : finding.severity();
    ++(severity == Finding::ERROR ? errors : severity == Finding::WARNING ? warnings : notes);
    fails |= severity >= fail_on;
    incomplete |= SaysIncomplete(finding);
  }
  Statistics& statistics = *report.mutable_statistics();
  statistics.set_errors(errors);
  statistics.set_warnings(warnings);
  statistics.set_notes(notes);
  statistics.set_suppressed(suppressed);
  report.set_verdict(incomplete ? Report::INCOMPLETE : fails ? Report::FINDINGS : Report::CLEAN);
}

int ExitCode(const Report& report) {
  switch (report.verdict()) {
    case Report::CLEAN:
      return kExitClean;
    case Report::FINDINGS:
      return kExitFindings;
    default:
      return kExitIncomplete;
  }
}

int ExitCode(const Comparison& comparison) {
  switch (comparison.verdict()) {
    case Comparison::SAME:
      return kExitClean;
    case Comparison::DIFFERENT:
      return kExitFindings;
    default:
      return kExitIncomplete;
  }
}

// `message` is a Report or a Comparison.
template <typename Message>
absl::Status WriteAll(const Message& message, const ReportOptions& options, double seconds,
                      std::ostream& out) {
  TextOptions text;
  text.verbose = options.verbose;
  text.fail_on = options.fail_on;
  text.seconds = seconds;
  // Every output is tried, whatever became of the one before; the first error is told.
  absl::Status status;
  text.color = options.color == ColorMode::kAlways;
  for (const std::string& output : options.outputs) {
    const absl::StatusOr<OutputFile> file = ParseOutputFile(output);
    status.Update(file.ok() ? WriteOutputFile(*file, message, text) : file.status());
  }
  text.color = UseColor(options.color, out);
  text.quiet = options.quiet;
  const absl::StatusOr<const OutputFormat*> format = FindOutputFormat(options.format);
  status.Update(format.ok() ? Write(**format, message, text, out) : format.status());
  out.flush();
  if (!out) status.Update(absl::UnavailableError("cannot write to standard output"));
  return status;
}

template <typename Message>
int Finish(Message& message, const ReportOptions& options, double seconds, std::ostream& out,
           std::ostream& err) {
  message.mutable_tool()->set_name("lre-audit");
  message.mutable_tool()->set_version(LRE_AUDIT_VERSION);
  MakePrintable(message);
  if (const absl::Status status = WriteAll(message, options, seconds, out); !status.ok()) {
    err << "error: " << ToStd(status.message()) << "\n";
    return kExitUsage;
  }
  return ExitCode(message);
}

}  // namespace

int WriteReport(Report& report, const ReportOptions& options, double seconds, std::ostream& out,
                std::ostream& err) {
  CountAndJudge(report, options.fail_on);
  return Finish(report, options, seconds, out, err);
}

int WriteComparison(Comparison& comparison, const ReportOptions& options, double seconds,
                    std::ostream& out, std::ostream& err) {
  return Finish(comparison, options, seconds, out, err);
}

}  // namespace lre_audit
