// A comparison as people read it.
#include "reports/difference_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace lre_audit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Comparison Example() {
  Comparison comparison;
  comparison.set_verdict(Comparison::DIFFERENT);
  comparison.mutable_a()->set_reference("store:/");
  comparison.mutable_a()->set_store_paths(1200);
  comparison.mutable_b()->set_reference("oci:b");
  comparison.set_compared("all store paths");
  PackageDifference* package = comparison.add_packages();
  package->set_kind(PackageDifference::UPDATED);
  package->set_name("glibc");
  package->set_version_a("2.38");
  package->set_version_b("2.42");
  package->set_nar_size_a(30'000'000);
  package->set_nar_size_b(31'200'000);
  package->set_path_a("/nix/store/a-glibc-2.38");
  package->set_path_b("/nix/store/b-glibc-2.42");
  package = comparison.add_packages();
  package->set_kind(PackageDifference::GONE);
  package->set_path_a("/nix/store/a-spare");
  ContentsDifference* contents = comparison.add_contents();
  contents->set_path("/nix/store/a-make");
  FileDifference* file = contents->add_files();
  file->set_path("/nix/store/a-make/share/note");
  Change* change = file->add_changes();
  change->set_what("contents");
  change->set_line(3);
  change->set_a("old");
  change->set_b("");
  change->set_size_a(100);
  change->set_size_b(97);
  comparison.mutable_counts()->set_differences(3);
  comparison.mutable_counts()->set_packages(2);
  comparison.mutable_counts()->set_contents(1);
  return comparison;
}

std::string Text(const Comparison& comparison, TextOptions options = {}) {
  std::ostringstream out;
  WriteText(comparison, options, out);
  return out.str();
}

TEST(DifferenceText, Sections) {
  EXPECT_EQ(Text(Example()),
            R"(--- store:/
+++ oci:b

packages: 1 updated, 1 gone
  ~ glibc  2.38 -> 2.42  +1.2 MB
  - /nix/store/a-spare

contents: 1 file in 1 store path
  /nix/store/a-make
    ~ share/note  contents from line 3  100 -> 97 bytes
        - old
        +

compared store:/  1,200 store paths
    with oci:b
  all store paths, 0 ms
verdict: DIFFERENT  3 differences: 2 packages, 1 file in 1 store path
)");
}

TEST(DifferenceText, VerboseShowsBothPathsOfAPackage) {
  TextOptions options;
  options.verbose = true;
  EXPECT_THAT(Text(Example(), options),
              HasSubstr("      - /nix/store/a-glibc-2.38\n      + /nix/store/b-glibc-2.42\n"));
}

TEST(DifferenceText, QuietIsTheVerdict) {
  TextOptions options;
  options.quiet = true;
  EXPECT_EQ(Text(Example(), options),
            "verdict: DIFFERENT  3 differences: 2 packages, 1 file in 1 store path\n");
  Comparison same;
  same.set_verdict(Comparison::SAME);
  EXPECT_EQ(Text(same, options), "");
  EXPECT_THAT(Text(same), HasSubstr("verdict: SAME  no difference\n"));
}

TEST(DifferenceText, LongSectionsAreCut) {
  Comparison comparison;
  comparison.set_verdict(Comparison::DIFFERENT);
  for (int i = 0; i < 27; ++i) {
    FileDifference* file = comparison.add_files();
    file->set_path("/etc/" + std::to_string(i));
    file->add_changes()->set_what("presence");
    file->mutable_changes(0)->set_b("file");
    comparison.add_contents()->set_path("/nix/store/" + std::to_string(i));
    for (int j = 0; j < 2; ++j) *comparison.mutable_contents(i)->add_files() = *file;
  }
  const std::string text = Text(comparison);
  EXPECT_THAT(text, HasSubstr("+ /etc/19  file\n  ... and 7 more (--verbose lists all)\n"));
  EXPECT_THAT(text, Not(HasSubstr("/etc/20")));
  EXPECT_THAT(text, HasSubstr("  ... and 34 more (--verbose lists all)\n"));
  TextOptions options;
  options.verbose = true;
  EXPECT_THAT(Text(comparison, options), HasSubstr("+ /etc/26"));
  EXPECT_THAT(Text(comparison, options), Not(HasSubstr("more (")));
}

TEST(DifferenceText, SettingsOfOneName) {
  Comparison comparison = Example();
  comparison.mutable_counts()->set_moved(1200);
  for (const char* value : {"/one", "/two"}) {
    comparison.add_settings()->set_name("BUILD: include directory");
    comparison.mutable_settings()->rbegin()->set_b(value);
  }
  EXPECT_THAT(
      Text(comparison),
      HasSubstr("settings: 2\n  ~ BUILD: include directory\n      + /one\n      + /two\n\n"));
  EXPECT_THAT(Text(comparison),
              HasSubstr("  and 1,200 paths elsewhere that only moved with them\n"));
}

// Of two lists only what one has and the other has not, unless it is their order.
TEST(DifferenceText, Lists) {
  Comparison comparison;
  SettingDifference* setting = comparison.add_settings();
  setting->set_name("Env PATH");
  setting->set_a("/nix/store/a/bin:/nix/store/b/bin");
  setting->set_b("/nix/store/b/bin:/nix/store/c/bin");
  EXPECT_THAT(Text(comparison),
              HasSubstr("  ~ Env PATH\n      - /nix/store/a/bin\n      + /nix/store/c/bin\n"));
  setting->set_b("/nix/store/b/bin:/nix/store/a/bin");
  EXPECT_THAT(Text(comparison), HasSubstr("      - /nix/store/a/bin:/nix/store/b/bin\n"
                                          "      + /nix/store/b/bin:/nix/store/a/bin\n"));
  setting->set_a("short");
  setting->set_b("shorter");
  EXPECT_THAT(Text(comparison), HasSubstr("  ~ Env PATH  short -> shorter\n"));
}

TEST(DifferenceText, NotesAreShownOnDemand) {
  Comparison comparison;
  Finding* finding = comparison.add_new_findings();
  finding->set_rule("LRE207");
  finding->set_severity(Finding::NOTE);
  finding->set_message("a note");
  EXPECT_THAT(Text(comparison), Not(HasSubstr("LRE207")));
  *comparison.add_new_findings() = *finding;
  comparison.mutable_new_findings(1)->set_severity(Finding::ERROR);
  comparison.mutable_new_findings(1)->set_rule("LRE101");
  EXPECT_THAT(Text(comparison), HasSubstr("new findings: 1, 1 note (--verbose shows them)\n"
                                          "  + error[LRE101]: a note\n"));
  TextOptions options;
  options.fail_on = Finding::NOTE;
  EXPECT_THAT(Text(comparison, options), HasSubstr("+ note[LRE207]"));
}

TEST(DifferenceText, FindingsBelowFailOnAreCountedApart) {
  Comparison comparison;
  comparison.set_verdict(Comparison::SAME);
  comparison.add_new_findings()->set_severity(Finding::NOTE);
  comparison.add_fixed_findings()->set_severity(Finding::WARNING);
  comparison.mutable_counts()->set_new_findings(1);
  comparison.mutable_counts()->set_fixed_findings(1);
  EXPECT_THAT(Text(comparison), HasSubstr("no difference; 2 findings below --fail-on\n"));
  comparison.add_new_findings()->set_severity(Finding::ERROR);
  comparison.mutable_counts()->set_new_findings(2);
  comparison.mutable_counts()->set_differences(1);
  EXPECT_THAT(Text(comparison),
              HasSubstr("1 difference: 1 new finding; 2 findings below --fail-on\n"));
}

TEST(DifferenceText, WhatAFindingNames) {
  Comparison comparison;
  Finding* finding = comparison.add_new_findings();
  finding->set_severity(Finding::ERROR);
  finding->set_path("/nix/store/a-sed/bin/sed");
  const auto line = [&](const std::string& referenced) {
    finding->set_referenced(referenced);
    const std::string text = Text(comparison);
    const size_t begin = text.find("/nix/store/a-sed/bin/sed");
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(line("/lib/ld.so"), "/nix/store/a-sed/bin/sed  names /lib/ld.so");
  EXPECT_EQ(line("4555"), "/nix/store/a-sed/bin/sed  (4555)");
  EXPECT_EQ(line("/nix/store/a-sed"), "/nix/store/a-sed/bin/sed");
  EXPECT_EQ(line(""), "/nix/store/a-sed/bin/sed");
}

// An empty line is something; the end of a file is not.
TEST(DifferenceText, AFileThatEnds) {
  Comparison comparison = Example();
  Change* change = comparison.mutable_contents(0)->mutable_files(0)->mutable_changes()->Mutable(0);
  change->set_offset(97);
  EXPECT_THAT(Text(comparison), HasSubstr("        - old\n        + (end of the file)\n"));
}

TEST(DifferenceText, Colour) {
  TextOptions options;
  options.color = true;
  EXPECT_THAT(Text(Example(), options), HasSubstr("\x1b[31m- old\x1b[0m"));
  EXPECT_THAT(Text(Example()), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace lre_audit
