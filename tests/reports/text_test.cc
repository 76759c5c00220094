#include "reports/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "reports/printable.h"

namespace lre_audit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const Report& report, const TextOptions& options = {}) {
  std::ostringstream out;
  WriteText(report, options, out);
  return out.str();
}

Finding* AddFinding(Report& report, const char* rule, Finding::Severity severity,
                    const char* message, const std::string& path) {
  Finding* finding = report.add_findings();
  finding->set_rule(rule);
  finding->set_severity(severity);
  finding->set_subject("oci:worker:t");
  finding->set_message(message);
  finding->set_path(path);
  return finding;
}

Report ImageReport() {
  Report report;
  report.set_verdict(Report::FINDINGS);
  ReportSubject* subject = report.add_subjects();
  subject->set_kind(ReportSubject::IMAGE);
  subject->set_reference("oci:worker:t");
  subject->set_digest("sha256:1234");
  subject->set_platform("linux/amd64");
  subject->set_closure("closure.json (nix path-info --json)");
  Statistics* statistics = report.mutable_statistics();
  statistics->set_files(20315);
  statistics->set_bytes(495000000);
  statistics->set_store_paths(37);
  statistics->set_elf_objects(1204);
  statistics->set_layers(8);
  statistics->set_closure_paths(37);
  return report;
}

// A warning, a note and a suppressed error before the error that must come first.
Report LeakyReport() {
  Report report = ImageReport();
  AddFinding(report, "LRE209", Finding::WARNING, "store file is writable",
             "/nix/store/8nri6b-make-4.3/share/x");
  AddFinding(report, "LRE207", Finding::NOTE, "embeds a path", "/nix/store/8nri6b-make-4.3/bin/y");
  AddFinding(report, "LRE210", Finding::ERROR, "a fifo in the store", "/nix/store/8nri6b-f")
      ->set_suppressed(true);
  Finding* error = AddFinding(report, "LRE101", Finding::ERROR, "interpreter is outside the store",
                              "/nix/store/8nri6b-make-4.3/bin/make");
  error->set_referenced("/lib64/ld-linux-x86-64.so.2");
  error->set_evidence("PT_INTERP at 0x318: /lib64/ld-linux-x86-64.so.2");
  error->mutable_location()->set_layer("layer 3");
  error->mutable_location()->set_offset(0x318);
  error->add_notes("41 other objects use /nix/store/vcb1sp-glibc-2.42/lib/ld-linux-x86-64.so.2");
  error->set_help("let patchelf --set-interpreter run in fixupPhase");
  report.mutable_statistics()->set_errors(1);
  report.mutable_statistics()->set_warnings(1);
  report.mutable_statistics()->set_notes(1);
  report.mutable_statistics()->set_suppressed(1);
  return report;
}

TEST(WriteText, LooksLikeRustc) {
  TextOptions options;
  options.seconds = 1.2;
  EXPECT_EQ(Text(LeakyReport(), options),
            R"(error[LRE101]: interpreter is outside the store
  --> /nix/store/8nri6b-make-4.3/bin/make  (layer 3 of oci:worker:t)
   |  PT_INTERP at 0x318: /lib64/ld-linux-x86-64.so.2
   = note: 41 other objects use /nix/store/vcb1sp-glibc-2.42/lib/ld-linux-x86-64.so.2
   = help: let patchelf --set-interpreter run in fixupPhase

warning[LRE209]: store file is writable
  --> /nix/store/8nri6b-make-4.3/share/x

audited oci:worker:t  sha256:1234  linux/amd64
  against closure.json (nix path-info --json): 37 store paths
  20,315 files, 495 MB, 37 store paths, 1,204 ELF objects in 8 layers, 1.2 s
verdict: FINDINGS  1 error, 1 warning (1 note, 1 suppressed: --verbose shows them)
)");
}

TEST(WriteText, VerboseShowsNotesAndSuppressedFindings) {
  TextOptions options;
  options.verbose = true;
  const std::string text = Text(LeakyReport(), options);
  EXPECT_THAT(text, HasSubstr("error[LRE210] (suppressed): a fifo in the store\n"
                              "  --> /nix/store/8nri6b-f\n"));
  EXPECT_THAT(text, HasSubstr("note[LRE207]: embeds a path\n"));
  EXPECT_LT(text.find("warning[LRE209]"), text.find("note[LRE207]"));
  EXPECT_THAT(text, HasSubstr("verdict: FINDINGS  1 error, 1 warning, 1 note, 1 suppressed\n"));
}

TEST(WriteText, ShowsNotesThatDecideTheVerdict) {
  TextOptions options;
  options.fail_on = Finding::NOTE;
  const std::string text = Text(LeakyReport(), options);
  EXPECT_THAT(text, HasSubstr("note[LRE207]: embeds a path\n"));
  EXPECT_THAT(text, Not(HasSubstr("LRE210")));
  EXPECT_THAT(text, HasSubstr("1 error, 1 warning, 1 note (1 suppressed: --verbose shows them)\n"));
}

TEST(WriteText, QuietIsTheVerdictAloneAndSilentWhenClean) {
  TextOptions options;
  options.quiet = true;
  EXPECT_EQ(Text(LeakyReport(), options),
            "verdict: FINDINGS  1 error, 1 warning (1 note, 1 suppressed: --verbose shows them)\n");
  Report clean = ImageReport();
  clean.set_verdict(Report::CLEAN);
  EXPECT_EQ(Text(clean, options), "");
  clean.set_verdict(Report::INCOMPLETE);
  EXPECT_EQ(Text(clean, options), "verdict: INCOMPLETE  nothing to report\n");
}

TEST(WriteText, SummarisesACleanStoreAndAnEmptyReport) {
  Report report;
  report.set_verdict(Report::CLEAN);
  ReportSubject* subject = report.add_subjects();
  subject->set_kind(ReportSubject::STORE);
  subject->set_reference("/nix/store");
  subject->set_closure("derived by scanning");
  report.mutable_statistics()->set_files(1);
  report.mutable_statistics()->set_bytes(17);
  report.mutable_statistics()->set_store_paths(1);
  report.mutable_statistics()->set_closure_paths(1);
  EXPECT_EQ(Text(report), R"(audited /nix/store
  against derived by scanning: 1 store path
  1 file, 17 B, 1 store path, 0 ELF objects, 0 ms
verdict: CLEAN  nothing to report
)");
  EXPECT_EQ(Text(Report()), R"(  0 files, 0 B, 0 store paths, 0 ELF objects, 0 ms
verdict: VERDICT_UNSPECIFIED  nothing to report
)");
}

TEST(WriteText, PlacesAFindingByLineByOffsetOrBySubject) {
  Report report = ImageReport();
  AddFinding(report, "LRE201", Finding::ERROR, "shebang", "/nix/store/a/x")
      ->mutable_location()
      ->set_line(1);
  Location* location = AddFinding(report, "LRE206", Finding::ERROR, "prefix", "/nix/store/a/y.pc")
                           ->mutable_location();
  location->set_line(3);
  location->set_column(8);
  Finding* binary = AddFinding(report, "LRE207", Finding::ERROR, "embeds a path", "/nix/store/a/z");
  binary->mutable_location()->set_offset(4096);
  binary->set_referenced("/usr/lib");
  AddFinding(report, "LRE405", Finding::ERROR, "PATH is empty", "");
  const std::string text = Text(report);
  EXPECT_THAT(text, HasSubstr("  --> /nix/store/a/x:1\n"));
  EXPECT_THAT(text, HasSubstr("  --> /nix/store/a/y.pc:3:8\n"));
  EXPECT_THAT(text, HasSubstr("  --> /nix/store/a/z\n   |  at 0x1000\n   |  names /usr/lib\n"));
  EXPECT_THAT(text, HasSubstr("LRE405]: PATH is empty\n  --> oci:worker:t\n"));
}

TEST(WriteText, NamesTheSubjectOfAFindingWhereThereAreTwo) {
  Report report = ImageReport();
  report.add_subjects()->set_reference("oci:other");
  AddFinding(report, "LRE209", Finding::WARNING, "writable", "/nix/store/a/x");
  const std::string text = Text(report);
  EXPECT_THAT(text, HasSubstr("  --> /nix/store/a/x  (in oci:worker:t)\n"));
  EXPECT_THAT(text, HasSubstr("audited oci:other\n"));
  // One count for both closures would be read as the first one's.
  EXPECT_THAT(text, HasSubstr("  against closure.json (nix path-info --json)\n"));
}

Report FoldedReport(int files) {
  Report report = ImageReport();
  for (int i = 0; i < files; ++i) {
    AddFinding(report, "LRE103", Finding::ERROR, "search path is outside the store",
               absl::StrCat("/nix/store/a/bin/", i))
        ->set_cause("/usr/lib");
  }
  return report;
}

std::string FindingsOf(const std::string& text) { return text.substr(0, text.find("audited ")); }

TEST(WriteText, FoldsFindingsOfOneCause) {
  EXPECT_EQ(FindingsOf(Text(FoldedReport(41))),
            R"(error[LRE103]: search path is outside the store
  --> /nix/store/a/bin/0
   = also in 40 other files (--verbose lists all):
       /nix/store/a/bin/1
       /nix/store/a/bin/2
       /nix/store/a/bin/3
       ...

)");
  EXPECT_EQ(FindingsOf(Text(FoldedReport(2))), R"(error[LRE103]: search path is outside the store
  --> /nix/store/a/bin/0
   = also in 1 other file:
       /nix/store/a/bin/1

)");
  TextOptions verbose;
  verbose.verbose = true;
  const std::string all = Text(FoldedReport(41), verbose);
  EXPECT_THAT(all, HasSubstr("   = also in 40 other files:\n"));
  EXPECT_THAT(all, HasSubstr("       /nix/store/a/bin/40\n"));
  EXPECT_THAT(all, Not(HasSubstr("...")));
}

TEST(WriteText, FoldsLinesOfOneFile) {
  Report report = ImageReport();
  for (uint32_t line : {3u, 5u}) {
    Finding* finding = AddFinding(report, "LRE501", Finding::ERROR, "tool is outside", "cc/BUILD");
    finding->set_cause("/bin/false");
    finding->mutable_location()->set_line(line);
    finding->mutable_location()->set_column(7);
  }
  EXPECT_EQ(FindingsOf(Text(report)), R"(error[LRE501]: tool is outside
  --> cc/BUILD:3:7
   = also in 1 other place:
       cc/BUILD:5:7

)");
}

TEST(WriteText, NamesWhatWasComparedOnOneLine) {
  Report report = ImageReport();
  const auto add = [&](const std::string& file) {
    ReportSubject* subject = report.add_subjects();
    subject->set_kind(ReportSubject::CONFIGURATION);
    subject->set_reference(file);
  };
  add("lre.bazelrc");
  add("flake.lock");
  EXPECT_THAT(Text(report), HasSubstr("\ncompared lre.bazelrc, flake.lock\n"));
  for (int i = 0; i < 20; ++i) add(absl::StrCat("worker", i));
  EXPECT_THAT(Text(report), HasSubstr("worker5 and 14 more (--verbose lists all)\n"));
  TextOptions verbose;
  verbose.verbose = true;
  EXPECT_THAT(Text(report, verbose), HasSubstr("worker19\n"));
}

TEST(WriteText, CountsOfATreeOnlyWhereThereIsOne) {
  Report report;
  ReportSubject* toolchain = report.add_subjects();
  toolchain->set_kind(ReportSubject::TOOLCHAIN);
  toolchain->set_reference("generated-cc");
  report.mutable_statistics()->set_files(9);
  EXPECT_THAT(Text(report), HasSubstr("\n  9 files, 0 B, "));
  EXPECT_THAT(Text(report), Not(HasSubstr("ELF object")));
  report.add_subjects()->set_kind(ReportSubject::IMAGE);
  EXPECT_THAT(Text(report), HasSubstr("0 store paths, 0 ELF objects"));
}

// A path that begins with its subject says already which one it is of.
TEST(WriteText, SubjectIsSaidOnce) {
  Report report = ImageReport();
  ReportSubject* toolchain = report.add_subjects();
  toolchain->set_kind(ReportSubject::TOOLCHAIN);
  toolchain->set_reference("generated-cc");
  AddFinding(report, "LRE501", Finding::ERROR, "m", "generated-cc/cc/BUILD")
      ->set_subject("generated-cc");
  AddFinding(report, "LRE607", Finding::ERROR, "n", "flake.lock")->set_subject("repository");
  const std::string text = Text(report);
  EXPECT_THAT(text, HasSubstr("  --> generated-cc/cc/BUILD\n"));
  EXPECT_THAT(text, HasSubstr("  --> flake.lock\n"));
}

TEST(WriteText, FoldsNothingThatDiffers) {
  Report report = FoldedReport(1);
  AddFinding(report, "LRE104", Finding::ERROR, "other rule", "/b")->set_cause("/usr/lib");
  AddFinding(report, "LRE103", Finding::ERROR, "other cause", "/c")->set_cause("/lib");
  AddFinding(report, "LRE103", Finding::WARNING, "other severity", "/d")->set_cause("/usr/lib");
  Finding* elsewhere = AddFinding(report, "LRE103", Finding::ERROR, "other subject", "/e");
  elsewhere->set_cause("/usr/lib");
  elsewhere->set_subject("oci:other");
  AddFinding(report, "LRE103", Finding::ERROR, "no cause", "/f");
  AddFinding(report, "LRE103", Finding::ERROR, "no cause either", "/g");
  EXPECT_THAT(Text(report), Not(HasSubstr("also in")));
}

TEST(WriteText, ColoursOnlyWhenAsked) {
  EXPECT_THAT(Text(LeakyReport()), Not(HasSubstr("\x1b")));
  TextOptions options;
  options.color = true;
  const std::string text = Text(LeakyReport(), options);
  EXPECT_THAT(text, HasSubstr("\x1b[1;31merror[LRE101]\x1b[0m\x1b[1m: interpreter is outside the "
                              "store\x1b[0m\n\x1b[1;34m  --> \x1b[0m/nix/store/8nri6b"));
  EXPECT_THAT(text, HasSubstr("\x1b[1;33mwarning[LRE209]\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("verdict: \x1b[1;31mFINDINGS\x1b[0m"));
}

TEST(WriteText, LetsNoInputByteReachTheTerminal) {
  Report report = ImageReport();
  Finding* finding = AddFinding(report, "LRE203", Finding::ERROR, "symlink \x1b]0;t\x07",
                                "/nix/store/a\nverdict: CLEAN\x1b[2K");
  finding->set_evidence("\x1b[1A");
  finding->add_notes("\xc2\x9b");
  finding->set_help("\r");
  finding->set_referenced("\x7f");
  report.mutable_subjects(0)->set_reference("oci:\x1b");
  MakePrintable(report);
  const std::string text = Text(report);
  for (unsigned char c : text) EXPECT_TRUE((c >= 0x20 && c < 0x7f) || c == '\n') << int{c};
  EXPECT_THAT(text, HasSubstr("  --> /nix/store/a\\nverdict: CLEAN\\x1b[2K\n"));
}

}  // namespace
}  // namespace lre_audit
