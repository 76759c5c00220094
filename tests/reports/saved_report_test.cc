// Reports read back as they were written.
#include "reports/saved_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "reports/json.h"

namespace lre_audit {
namespace {

using ::testing::HasSubstr;

TEST(SavedReport, RoundTrip) {
  Report report;
  report.mutable_tool()->set_name("lre-audit");
  report.set_verdict(Report::FINDINGS);
  Finding* finding = report.add_findings();
  finding->set_rule("LRE101");
  finding->set_severity(Finding::ERROR);
  finding->mutable_location()->set_offset(9007199254740992.0);
  report.mutable_statistics()->set_files(3);
  std::ostringstream json;
  ASSERT_TRUE(WriteJson(report, json).ok());
  EXPECT_TRUE(LooksLikeReport(json.str()));
  const absl::StatusOr<Report> read = ReadReport(json.str());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), report.SerializeAsString());
}

TEST(SavedReport, FieldsOfLaterVersionsArePassedOver) {
  const absl::StatusOr<Report> read =
      ReadReport(R"({"tool": {"name": "x", "new": [1]}, "verdict": "CLEAN", "more": {"a": "b"}})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->verdict(), Report::CLEAN);
}

TEST(SavedReport, WhatIsNone) {
  for (const char* json : {"", "{", "[]", "{\"verdict\": 1.5}", "{\"tool\": {}, \"verdict\": \"\"}",
                           "{\"tool\": {\"name\": \"x\"}, \"verdict\": \"DIFFERENT\"}"}) {
    EXPECT_FALSE(ReadReport(json).ok()) << json;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"tool\":";
  EXPECT_FALSE(ReadReport(deep).ok());
  EXPECT_THAT(std::string(ReadReport("{}").status().message()), HasSubstr("no verdict"));
  EXPECT_FALSE(LooksLikeReport("{\"paths\": []}"));
  EXPECT_FALSE(LooksLikeReport("/nix/store/x"));
  EXPECT_FALSE(LooksLikeReport(""));
}

}  // namespace
}  // namespace lre_audit
