#include "reports/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "reports/printable.h"

namespace lre_audit {
namespace {

std::string Json(const Report& report) {
  std::ostringstream out;
  const absl::Status status = WriteJson(report, out);
  EXPECT_TRUE(status.ok()) << status;
  return out.str();
}

Report LeakyReport() {
  Report report;
  report.mutable_tool()->set_name("lre-audit");
  report.mutable_tool()->set_version("0.1.0");
  report.set_verdict(Report::FINDINGS);
  ReportSubject* subject = report.add_subjects();
  subject->set_kind(ReportSubject::IMAGE);
  subject->set_reference("oci:worker:t");
  Finding* finding = report.add_findings();
  finding->set_rule("LRE101");
  finding->set_name("interpreter-outside-store");
  finding->set_severity(Finding::ERROR);
  finding->set_subject("oci:worker:t");
  finding->set_path("/nix/store/8nri6bdl5h9ryhjsbqgsnmafhgkkpq6p-make-4.3/bin/make");
  finding->set_referenced("/lib64/ld-linux-x86-64.so.2");
  finding->mutable_location()->set_offset(0x318);
  report.mutable_statistics()->set_files(20315);
  report.mutable_statistics()->set_bytes(9007199254740991);
  return report;
}

TEST(WriteJson, HasThePromisedNamesAndTypes) {
  const nlohmann::json json = nlohmann::json::parse(Json(LeakyReport()));
  EXPECT_EQ(json["tool"], (nlohmann::json{{"name", "lre-audit"}, {"version", "0.1.0"}}));
  EXPECT_EQ(json["verdict"], "FINDINGS");
  EXPECT_EQ(json["subjects"][0]["kind"], "IMAGE");
  EXPECT_EQ(json["subjects"][0]["reference"], "oci:worker:t");
  const nlohmann::json& finding = json["findings"][0];
  EXPECT_EQ(finding["rule"], "LRE101");
  EXPECT_EQ(finding["severity"], "ERROR");
  EXPECT_EQ(finding["path"], "/nix/store/8nri6bdl5h9ryhjsbqgsnmafhgkkpq6p-make-4.3/bin/make");
  EXPECT_EQ(finding["referenced"], "/lib64/ld-linux-x86-64.so.2");
  for (const char* name : {"message", "help", "fingerprint"}) {
    EXPECT_TRUE(finding[name].is_string()) << name;
  }
  EXPECT_EQ(finding["suppressed"], false);
  EXPECT_TRUE(finding["location"]["offset"].is_number());
  EXPECT_EQ(finding["location"]["offset"], 0x318);
  for (const char* name : {"files", "bytes", "store_paths", "elf_objects"}) {
    EXPECT_TRUE(json["statistics"][name].is_number()) << name;
  }
  EXPECT_EQ(json["statistics"]["files"], 20315);
  // The largest count that a double holds exactly comes out to the last digit.
  EXPECT_EQ(json["statistics"]["bytes"].get<double>(), 9007199254740991.0);
}

TEST(WriteJson, WritesEveryFieldOfAnEmptyReport) {
  const nlohmann::json json = nlohmann::json::parse(Json(Report()));
  EXPECT_EQ(json["tool"]["name"], "");
  EXPECT_EQ(json["subjects"], nlohmann::json::array());
  EXPECT_EQ(json["findings"], nlohmann::json::array());
  EXPECT_EQ(json["statistics"]["files"], 0);
  EXPECT_EQ(json["statistics"]["closure_paths"], 0);
}

TEST(WriteJson, IsIndentedOrderedAndEndsInOneNewline) {
  Report report;
  report.set_verdict(Report::CLEAN);
  EXPECT_EQ(Json(report), R"({
 "tool": {
  "name": "",
  "version": ""
 },
 "verdict": "CLEAN",
 "subjects": [],
 "findings": [],
 "statistics": {
  "files": 0,
  "bytes": 0,
  "store_paths": 0,
  "elf_objects": 0,
  "errors": 0,
  "warnings": 0,
  "notes": 0,
  "suppressed": 0,
  "layers": 0,
  "closure_paths": 0
 }
}
)");
  EXPECT_EQ(Json(LeakyReport()), Json(LeakyReport()));
}

TEST(MakePrintable, EscapesStringsAtEveryDepth) {
  Report report = LeakyReport();
  report.mutable_subjects(0)->set_reference("oci:\x1b[2J");
  Finding* finding = report.mutable_findings(0);
  finding->set_path("/nix/store/a\nb");
  finding->set_referenced("\xff\\");
  finding->mutable_location()->set_layer("layer\r3");
  finding->add_notes("plain");
  finding->add_notes("\x07");
  MakePrintable(report);
  EXPECT_EQ(report.subjects(0).reference(), "oci:\\x1b[2J");
  EXPECT_EQ(finding->path(), "/nix/store/a\\nb");
  EXPECT_EQ(finding->referenced(), "\\xff\\\\");
  EXPECT_EQ(finding->location().layer(), "layer\\x0d3");
  EXPECT_EQ(finding->notes(0), "plain");
  EXPECT_EQ(finding->notes(1), "\\x07");

  const nlohmann::json json = nlohmann::json::parse(Json(report));
  EXPECT_EQ(json["findings"][0]["referenced"], "\\xff\\\\");
}

}  // namespace
}  // namespace lre_audit
