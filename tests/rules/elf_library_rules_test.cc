// LRE108-112, 114-116: each with a leak planted, and its nearest innocent neighbour.
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kProgram = kMake + "/bin/make";
const std::string kPlugin = kMake + "/lib/plugin.so";
const std::string kLibz = kZlib + "/lib/libz.so.1";

TEST(Lre108LibraryNotFound, Leak) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Needs(MissingLibrary("libz.so.1"));
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE108", kProgram, "libz.so.1", Finding::ERROR, 0x4a1}));
  EXPECT_EQ(findings[0].evidence(), "DT_NEEDED at 0x4a1: libz.so.1");
}

TEST(Lre108LibraryNotFound, ProgramIsNotHelpedByAFileElsewhere) {
  SubjectBuilder subject;
  LinkedLibrary library = MissingLibrary("libz.so.1");
  library.elsewhere = kLibz;
  subject.File(kProgram).Program().Needs(library);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE108", kProgram, "libz.so.1", Finding::ERROR, 0x4a1}));
  EXPECT_THAT(findings[0].notes(), Contains(HasSubstr(kLibz)));
}

TEST(Lre108LibraryNotFound, PluginMayCountOnAProgram) {
  SubjectBuilder subject;
  LinkedLibrary library = MissingLibrary("libz.so.1");
  library.elsewhere = kLibz;
  subject.File(kPlugin).Needs(library);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE108", kPlugin, "libz.so.1", Finding::WARNING, 0x4a1}));
}

TEST(Lre108LibraryNotFound, RefusedIsAnErrorForPluginsToo) {
  SubjectBuilder subject;
  LinkedLibrary library = MissingLibrary("libz.so.1");
  library.elsewhere = library.refused = kLibz;
  library.problem = "refused: file too short: " + kLibz;
  subject.File(kPlugin).Needs(library);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE108", kPlugin, "libz.so.1", Finding::ERROR, 0x4a1}));
  EXPECT_THAT(findings[0].message(), HasSubstr("refuses"));
  EXPECT_THAT(findings[0].notes(), ElementsAre(library.problem));
}

TEST(Lre108LibraryNotFound, LoadedByItsProcessIsInnocent) {
  SubjectBuilder subject;
  LinkedLibrary library = MissingLibrary("libz.so.1");
  library.elsewhere = kLibz;
  library.found_in_process = true;
  subject.File(kPlugin).Needs(library);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre108LibraryNotFound, HalfReadIsNotMissing) {
  SubjectBuilder subject;
  LinkedLibrary library = MissingLibrary("libz.so.1");
  library.half_read = true;
  subject.File(kProgram).Program().Needs(library);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre109LibraryOutsideStore, LeakFound) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Needs(
      FoundLibrary("libz.so.1", Outside("/usr/lib/libz.so.1", true)));
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE109", kProgram, "libz.so.1", Finding::ERROR, 0x4a1}));
  EXPECT_THAT(findings[0].notes(), ElementsAre("found at /usr/lib/libz.so.1 by RUNPATH"));
}

TEST(Lre109LibraryOutsideStore, LeakNamed) {
  SubjectBuilder subject;
  LinkedLibrary library = MissingLibrary("/usr/lib/libz.so.1");
  library.target = Outside("/usr/lib/libz.so.1");
  subject.File(kProgram).Program().Needs(library);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE109", kProgram, "/usr/lib/libz.so.1", Finding::ERROR, 0x4a1}));
}

TEST(Lre109LibraryOutsideStore, FoundOrNamedInTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram)
      .Program()
      .Needs(FoundLibrary("libz.so.1", InStore(kLibz)))
      .Needs(FoundLibrary(kLibz, InStore(kLibz)));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre110LibraryUndeclared, LeakIsToldBesideThePackages) {
  SubjectBuilder subject;
  LinkedLibrary library = FoundLibrary("libz.so.1", InStore(kLibz));
  library.undeclared = true;
  subject.File(kPlugin).Needs(library);
  // What contents say and the record omits is about the package, and has a finding of its own.
  LinkedStorePath& package = subject.StorePath(kMake, true, true);
  package.undeclared = {kZlib};
  package.undeclared_by = {kProgram};
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE110", kPlugin, "libz.so.1", Finding::ERROR, 0x4a1},
                          Leak{"LRE304", kProgram, kZlib, Finding::WARNING}));
}

TEST(Lre110LibraryUndeclared, DeclaredIsInnocent) {
  SubjectBuilder subject;
  subject.File(kPlugin).Needs(FoundLibrary("libz.so.1", InStore(kLibz))).RefersTo(kZlib, true);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre111SymbolVersionMissing, LeakIsOneFindingPerLibrary) {
  const std::string libc = kGlibc + "/lib/libc.so.6", libm = kGlibc + "/lib/libm.so.6";
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().missing_versions = {{"libc.so.6", libc, "GLIBC_2.43"},
                                                                {"libc.so.6", libc, "GLIBC_2.44"},
                                                                {"libm.so.6", libm, "GLIBC_2.43"}};
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(Leak{"LRE111", kProgram, "GLIBC_2.43"},
                                           Leak{"LRE111", kProgram, "GLIBC_2.43"}));
  EXPECT_EQ(findings[0].message(), "libc.so.6 lacks symbol versions GLIBC_2.43 and GLIBC_2.44");
  EXPECT_EQ(findings[1].message(), "libm.so.6 lacks symbol version GLIBC_2.43");
}

TEST(Lre111SymbolVersionMissing, DefinedIsInnocent) {
  SubjectBuilder subject;
  ElfFacts::VersionNeed& need = *subject.File(kProgram).Program().Elf().add_version_needs();
  need.set_library("libc.so.6");
  need.set_version("GLIBC_2.42");
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre112TwoLibcs, LeakNamesTheOddOne) {
  const std::string other = kZlib + "/lib/libc.so.6";
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().c_libraries = {other, kGlibc + "/lib/libc.so.6"};
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE112", kProgram, other}));
}

TEST(Lre112TwoLibcs, OneIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().c_libraries = {kGlibc + "/lib/libc.so.6"};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre114AuditModuleOutsideStore, Leak) {
  SubjectBuilder subject;
  LinkedObject& object = subject.File(kProgram).Program().Object();
  LinkedClaim claim =
      MakeClaim(Claim::AUDIT, "/usr/lib/audit.so", Outside("/usr/lib/audit.so"), "DT_AUDIT");
  claim.offset = 0x4a1;
  object.audit_modules = {claim};
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE114", kProgram, "/usr/lib/audit.so", Finding::ERROR, 0x4a1}));
  EXPECT_EQ(findings[0].evidence(), "DT_AUDIT at 0x4a1: /usr/lib/audit.so");
}

TEST(Lre114AuditModuleOutsideStore, StorePathsAndBareNamesAreInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().audit_modules = {
      MakeClaim(Claim::AUDIT, kLibz, InStore(kLibz), "DT_AUDIT"),
      MakeClaim(Claim::AUDIT, "libz.so.1", Relative("libz.so.1"), "DT_FILTER")};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre115LoaderNoteOutsideStore, Leak) {
  SubjectBuilder subject;
  LinkedClaim claim =
      MakeClaim(Claim::LD_CACHE_NOTE, "/usr/lib/libz.so.1", Outside("/usr/lib"), "libz.so.1");
  claim.offset = 0x2c8;
  subject.File(kProgram).Program().Object().ld_cache = {claim};
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE115", kProgram, "/usr/lib/libz.so.1", Finding::ERROR, 0x2c8}));
}

TEST(Lre115LoaderNoteOutsideStore, ContradictionIsALeak) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().ld_cache_contradictions = {
      "libz.so.1: note " + kGlibc + "/lib, RUNPATH " + kZlib + "/lib"};
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE115", kProgram, "libz.so.1"}));
}

TEST(Lre115LoaderNoteOutsideStore, NoteIntoTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().ld_cache = {
      MakeClaim(Claim::LD_CACHE_NOTE, kLibz, InStore(kLibz), "libz.so.1")};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

LinkedDlopen Dlopen(bool required, bool found) {
  LinkedDlopen dlopen;
  dlopen.sonames = {"libpcre2-8.so.0", "libpcre2-8.so"};
  dlopen.feature = "regex";
  dlopen.required = required;
  dlopen.found = found;
  dlopen.offset = 0x2c8;
  return dlopen;
}

TEST(Lre116DlopenNotFound, Leak) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().dlopens = {Dlopen(false, false)};
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE116", kProgram, "libpcre2-8.so.0", Finding::WARNING, 0x2c8}));
}

TEST(Lre116DlopenNotFound, RequiredIsAnError) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().dlopens = {Dlopen(true, false)};
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE116", kProgram, "libpcre2-8.so.0", Finding::ERROR, 0x2c8}));
}

TEST(Lre116DlopenNotFound, FoundIsInnocent) {
  SubjectBuilder subject;
  subject.File(kProgram).Program().Object().dlopens = {Dlopen(true, true)};
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
