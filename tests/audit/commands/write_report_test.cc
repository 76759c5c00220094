#include "audit/commands/write_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "audit/commands/terminal.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Written {
  int exit_code;
  std::string out, err;
};

Written Write(Report report, const ReportOptions& options = {}) {
  std::ostringstream out, err;
  const int exit_code = WriteReport(report, options, 1.5, out, err);
  return {exit_code, out.str(), err.str()};
}

Finding MakeFinding(const char* rule, Finding::Severity severity, bool suppressed = false) {
  Finding finding;
  finding.set_rule(rule);
  finding.set_severity(severity);
  finding.set_suppressed(suppressed);
  return finding;
}

TEST(WriteReport, DecidesVerdictAndExitCode) {
  const Finding kError = MakeFinding("LRE101", Finding::ERROR);
  const Finding kWarning = MakeFinding("LRE209", Finding::WARNING);
  const Finding kNote = MakeFinding("LRE207", Finding::NOTE);
  const Finding kUnset = MakeFinding("LRE101", Finding::SEVERITY_UNSPECIFIED);
  const Finding kSuppressed = MakeFinding("LRE101", Finding::ERROR, true);
  const Finding kUnread = MakeFinding("LRE901", Finding::ERROR);
  const Finding kLimit = MakeFinding("LRE902", Finding::NOTE);
  const Finding kSuppressedUnread = MakeFinding("LRE901", Finding::ERROR, true);
  struct Case {
    const char* what;
    std::vector<Finding> findings;
    Finding::Severity fail_on;
    const char* verdict;
    int exit_code;
  };
  const Case kCases[] = {
      {"nothing", {}, Finding::NOTE, "CLEAN", 0},
      {"error", {kError}, Finding::ERROR, "FINDINGS", 1},
      {"unset severity", {kUnset}, Finding::ERROR, "FINDINGS", 1},
      {"warning below error", {kWarning, kNote}, Finding::ERROR, "CLEAN", 0},
      {"warning at warning", {kWarning}, Finding::WARNING, "FINDINGS", 1},
      {"error above warning", {kError}, Finding::WARNING, "FINDINGS", 1},
      {"note below warning", {kNote}, Finding::WARNING, "CLEAN", 0},
      {"note at note", {kNote}, Finding::NOTE, "FINDINGS", 1},
      {"suppressed", {kSuppressed}, Finding::NOTE, "CLEAN", 0},
      {"unread", {kUnread}, Finding::ERROR, "INCOMPLETE", 3},
      {"unread outranks findings", {kError, kUnread, kError}, Finding::ERROR, "INCOMPLETE", 3},
      {"limit, whatever its severity", {kLimit}, Finding::ERROR, "INCOMPLETE", 3},
      {"unread, suppressed", {kSuppressedUnread}, Finding::ERROR, "CLEAN", 0},
  };
  for (const Case& c : kCases) {
    Report report;
    for (const Finding& finding : c.findings) *report.add_findings() = finding;
    ReportOptions options;
    options.fail_on = c.fail_on;
    options.format = "json";
    const Written written = Write(report, options);
    EXPECT_EQ(written.exit_code, c.exit_code) << c.what;
    EXPECT_EQ(nlohmann::json::parse(written.out)["verdict"], c.verdict) << c.what;
    EXPECT_EQ(written.err, "") << c.what;
  }
  Report incomplete;
  incomplete.set_verdict(Report::INCOMPLETE);
  EXPECT_EQ(Write(incomplete).exit_code, 3);
}

TEST(WriteReport, FillsToolAndCounts) {
  Report report;
  *report.add_findings() = MakeFinding("LRE101", Finding::ERROR);
  *report.add_findings() = MakeFinding("LRE102", Finding::ERROR);
  *report.add_findings() = MakeFinding("LRE209", Finding::WARNING);
  *report.add_findings() = MakeFinding("LRE207", Finding::NOTE);
  *report.add_findings() = MakeFinding("LRE207", Finding::NOTE, true);
  ReportOptions options;
  options.format = "json";
  const nlohmann::json json = nlohmann::json::parse(Write(report, options).out);
  EXPECT_EQ(json["tool"]["name"], "lre-audit");
  EXPECT_EQ(json["tool"]["version"], "0.1.0");
  EXPECT_EQ(json["statistics"]["errors"], 2);
  EXPECT_EQ(json["statistics"]["warnings"], 1);
  EXPECT_EQ(json["statistics"]["notes"], 1);
  EXPECT_EQ(json["statistics"]["suppressed"], 1);
}

TEST(WriteReport, EscapesOnceForAllOutputs) {
  Report report;
  *report.add_findings() = MakeFinding("LRE203", Finding::ERROR);
  report.mutable_findings(0)->set_path("/nix/store/a\n\xff");
  const TemporaryDirectory directory;
  ReportOptions options;
  options.outputs = {"json=" + directory / "r.json", "text=" + directory / "r.txt"};
  options.quiet = true;  // of standard output alone
  const Written written = Write(report, options);
  EXPECT_EQ(written.exit_code, 1);
  EXPECT_EQ(written.out, "verdict: FINDINGS  1 error\n");
  std::ifstream json(directory / "r.json"), text(directory / "r.txt");
  EXPECT_EQ(nlohmann::json::parse(json)["findings"][0]["path"], "/nix/store/a\\n\\xff");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(text), {}),
              HasSubstr("  --> /nix/store/a\\n\\xff\n"));
}

TEST(WriteReport, SaysWhatCouldNotBeWrittenAndWritesTheRest) {
  ReportOptions options;
  options.outputs = {"json=/no/such/directory/r.json"};
  const Written written = Write(Report(), options);
  EXPECT_EQ(written.exit_code, 2);
  EXPECT_EQ(written.err,
            "error: cannot write '/no/such/directory/r.json': No such file or directory\n");
  EXPECT_THAT(written.out, HasSubstr("verdict: CLEAN"));

  Report report;
  std::ofstream full("/dev/full");
  std::ostringstream err;
  EXPECT_EQ(WriteReport(report, {}, 0, full, err), 2);
  EXPECT_EQ(err.str(), "error: cannot write to standard output\n");
}

TEST(UseColor, ObeysOptionThenEnvironmentThenTerminal) {
  struct Case {
    ColorMode mode;
    const char* no_color;
    const char* force;
    bool color;
  };
  const Case kCases[] = {
      {ColorMode::kAlways, "1", "0", true}, {ColorMode::kNever, "", "1", false},
      {ColorMode::kAuto, "", "1", true},    {ColorMode::kAuto, "1", "1", false},
      {ColorMode::kAuto, "", "0", false},   {ColorMode::kAuto, "", "", false},
  };
  for (const Case& c : kCases) {
    setenv("NO_COLOR", c.no_color, 1);
    setenv("CLICOLOR_FORCE", c.force, 1);
    std::ostringstream no_terminal;
    EXPECT_EQ(UseColor(c.mode, no_terminal), c.color) << c.no_color << " " << c.force;
  }
  unsetenv("NO_COLOR");
  unsetenv("CLICOLOR_FORCE");
}

}  // namespace
}  // namespace lre_audit
