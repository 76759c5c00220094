// LRE2xx: each with a leak planted, and its nearest innocent neighbour.
#include "tests/rules/subject_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kScript = kMake + "/bin/script";
const std::string kData = kMake + "/share/script";
const std::string kBash = kGlibc + "/bin/bash";

TEST(Lre201ShebangOutsideStore, Leak) {
  SubjectBuilder subject;
  subject.File(kScript).OnLine(1, Claim::SHEBANG, "/usr/bin/python3", Outside("/usr/bin/python3"));
  const std::vector<Finding> findings = subject.Reported();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE201", kScript, "/usr/bin/python3", Finding::ERROR, 0, 1}));
  EXPECT_EQ(findings[0].evidence(), "line 1: #!/usr/bin/python3");
  EXPECT_THAT(findings[0].notes(), ElementsAre("in this image nothing is at that path"));
}

TEST(Lre201ShebangOutsideStore, NotExecutableIsANote) {
  SubjectBuilder subject;
  subject.File(kData).Mode(0444).OnLine(1, Claim::SHEBANG, "/usr/bin/python3",
                                        Outside("/usr/bin/python3"));
  // The default policy lowers /usr/bin/env to a warning, and raises nothing to one.
  subject.File(kData + "2")
      .Mode(0444)
      .OnLine(1, Claim::SHEBANG, "/usr/bin/env", Outside("/usr/bin/env"));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE201", kData, "/usr/bin/python3", Finding::NOTE, 0, 1},
                          Leak{"LRE201", kData + "2", "/usr/bin/env", Finding::NOTE, 0, 1}));
}

TEST(Lre201ShebangOutsideStore, ShAndEnvAreWarningsWhereTheyAreMissing) {
  SubjectBuilder subject;
  subject.File(kScript).OnLine(1, Claim::SHEBANG, "/bin/sh", Outside("/bin/sh"));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE201", kScript, "/bin/sh", Finding::WARNING, 0, 1}));
}

TEST(Lre201ShebangOutsideStore, EnvThatLeadsIntoTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.File(kScript).OnLine(1, Claim::SHEBANG, "/usr/bin/env", InStore(kGlibc + "/bin/env"));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre202ShebangMissing, Leak) {
  SubjectBuilder subject;
  subject.File(kScript)
      .OnLine(1, Claim::SHEBANG, kGone + "/bin/sh", StorePathMissing(kGone + "/bin/sh"))
      .RefersTo(kGone, false);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE202", kScript, kGone + "/bin/sh", Finding::ERROR, 0, 1}));
}

TEST(Lre202ShebangMissing, DataThatNamesAMissingStorePathIsADanglingReference) {
  SubjectBuilder subject;
  subject.File(kData)
      .Mode(0444)
      .OnLine(1, Claim::SHEBANG, kGone + "/bin/sh", StorePathMissing(kGone + "/bin/sh"))
      .RefersTo(kGone, false);
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE303", kData, kGone, Finding::ERROR, 0x40}));
}

TEST(Lre202ShebangMissing, PresentIsInnocent) {
  SubjectBuilder subject;
  subject.File(kScript).OnLine(1, Claim::SHEBANG, kBash, InStore(kBash)).RefersTo(kGlibc, true);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre203SymlinkOutsideStore, Leak) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib/x").Symlink("../../../../usr/lib/x", Escaping("/usr/lib/x"));
  const std::vector<Finding> findings = subject.Reported();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE203", kMake + "/lib/x", "../../../../usr/lib/x"}));
  EXPECT_THAT(findings[0].notes(), ElementsAre("it leads to /usr/lib/x"));
}

TEST(Lre203SymlinkOutsideStore, LinksIntoTheStoreAndToTheKernelAreInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib/x").Symlink("../y", InStore(kMake + "/y"));
  subject.File(kMake + "/etc/mtab").Symlink("/proc/mounts", Outside("/proc/mounts"));
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre204SymlinkDangling, Leak) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib/x")
      .Symlink(kGone + "/x", StorePathMissing(kGone + "/x"))
      .RefersTo(kGone, false);
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE204", kMake + "/lib/x", kGone + "/x"}));
}

TEST(Lre204SymlinkDangling, InsideItsOwnStorePathIsAWarning) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib/x").Symlink("y", FileMissing(kMake + "/lib/y"));
  subject.File(kMake + "/lib/z").Symlink(kZlib + "/y", FileMissing(kZlib + "/y"));
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE204", kMake + "/lib/z", kZlib + "/y"},
                          Leak{"LRE204", kMake + "/lib/x", "y", Finding::WARNING}));
}

TEST(Lre204SymlinkDangling, FromOutsideTheStoreTooIsALeak) {
  SubjectBuilder subject;
  subject.File("/bin/bash").Symlink(kGone + "/bin/bash", StorePathMissing(kGone + "/bin/bash"));
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE204", "/bin/bash", kGone + "/bin/bash"}));
}

TEST(Lre204SymlinkDangling, PresentIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib/x").Symlink(kZlib + "/x", InStore(kZlib + "/x"));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre205WrapperOutsideStore, Leak) {
  SubjectBuilder subject;
  subject.File(kScript).OnLine(3, Claim::WRAPPER, "/usr/bin/gcc", Outside("/usr/bin/gcc", true));
  subject.File(kMake + "/nix-support/cc-ldflags")
      .Mode(0444)
      .OnLine(1, Claim::NIX_SUPPORT, "/build/lib", InBuildDirectory("/build/lib"));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE205", kScript, "/usr/bin/gcc", Finding::ERROR, 0, 3},
                          Leak{"LRE205", kMake + "/nix-support/cc-ldflags", "/build/lib",
                               Finding::ERROR, 0, 1}));
}

TEST(Lre205WrapperOutsideStore, StorePathsAndShAreInnocent) {
  SubjectBuilder subject;
  subject.File(kScript)
      .OnLine(3, Claim::WRAPPER, kBash, InStore(kBash))
      .OnLine(4, Claim::WRAPPER, "/bin/sh", Outside("/bin/sh"))
      .OnLine(5, Claim::WRAPPER, "/dev/null", Outside("/dev/null"));
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre206BuildMetadataOutsideStore, Leak) {
  SubjectBuilder subject;
  subject.File(kZlib + "/lib/pkgconfig/zlib.pc")
      .Mode(0444)
      .OnLine(2, Claim::BUILD_METADATA, "/usr/lib", Outside("/usr/lib", true));
  EXPECT_THAT(Leaks(subject.Reported()),
              ElementsAre(Leak{"LRE206", kZlib + "/lib/pkgconfig/zlib.pc", "/usr/lib",
                               Finding::WARNING, 0, 2}));
}

TEST(Lre206BuildMetadataOutsideStore, StorePathsAreInnocent) {
  SubjectBuilder subject;
  subject.File(kZlib + "/lib/pkgconfig/zlib.pc")
      .Mode(0444)
      .OnLine(2, Claim::BUILD_METADATA, kZlib + "/lib", InStore(kZlib + "/lib"));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre207EmbeddedPath, LeakIsOneNotePerFile) {
  SubjectBuilder subject;
  subject.File(kScript)
      .Embeds("/usr/share/b", Outside("/usr/share/b"), 0x90)
      .Embeds("/usr/share/a", Outside("/usr/share/a"), 0x40);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE207", kScript, "/usr/share/a", Finding::NOTE, 0x40}));
  EXPECT_THAT(findings[0].message(), HasSubstr("2 paths"));
}

TEST(Lre207EmbeddedPath, StorePathsAreInnocent) {
  SubjectBuilder subject;
  subject.File(kScript).Embeds(kZlib + "/share", InStore(kZlib + "/share"));
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre208PrivilegedFile, Leak) {
  SubjectBuilder subject;
  subject.File(kMake + "/bin/a").Mode(04555);
  subject.File(kMake + "/bin/b").Mode(02555);
  subject.File(kMake + "/bin/c").Xattr("security.capability");
  EXPECT_THAT(Leaks(subject.Judged()),
              ElementsAre(Leak{"LRE208", kMake + "/bin/a", "4555"},
                          Leak{"LRE208", kMake + "/bin/b", "2555"},
                          Leak{"LRE208", kMake + "/bin/c", "security.capability"}));
}

TEST(Lre208PrivilegedFile, StickyDirectoryOutsideAndPlainFileAreInnocent) {
  SubjectBuilder subject;
  subject.File("/tmp").Directory().Mode(01777);
  subject.File(kMake + "/bin/a").Mode(0555).Xattr("security.selinux");
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre209WritableStoreFile, LeakIsOneFindingPerStorePath) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib").Directory().Mode(0755);
  subject.File(kMake + "/bin/make").Mode(0755);
  subject.File(kZlib).Directory().Mode(0755);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings),
              ElementsAre(Leak{"LRE209", kMake + "/bin/make", "", Finding::WARNING},
                          Leak{"LRE209", kZlib, "", Finding::WARNING}));
  EXPECT_THAT(findings[0].message(), HasSubstr("2 files and directories"));
  EXPECT_EQ(findings[0].evidence(), "mode 0755");
}

TEST(Lre209WritableStoreFile, SymlinksAndTheStoreDirectoryAreInnocent) {
  SubjectBuilder subject;
  subject.File(kMake + "/lib/x").Symlink("y", InStore(kMake + "/lib/y"));  // 0777, means nothing
  subject.File(kStore).Directory().Mode(0755);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

TEST(Lre210SpecialFile, Leak) {
  SubjectBuilder subject;
  for (const FileFacts::Type type :
       {FileFacts::CHARACTER_DEVICE, FileFacts::BLOCK_DEVICE, FileFacts::FIFO, FileFacts::SOCKET}) {
    subject.File(kMake + "/" + FileFacts::Type_Name(type)).Type(type);
  }
  EXPECT_THAT(Leaks(subject.Judged()), ElementsAre(Leak{"LRE210", kMake + "/BLOCK_DEVICE", ""},
                                                   Leak{"LRE210", kMake + "/CHARACTER_DEVICE", ""},
                                                   Leak{"LRE210", kMake + "/FIFO", ""},
                                                   Leak{"LRE210", kMake + "/SOCKET", ""}));
}

TEST(Lre210SpecialFile, DeviceOutsideTheStoreIsInnocent) {
  SubjectBuilder subject;
  subject.File("/dev/console").Type(FileFacts::CHARACTER_DEVICE);
  EXPECT_THAT(Leaks(subject.Reported()), IsEmpty());
}

TEST(Lre211MetadataNotCanonical, LeakIsOneFindingPerStorePath) {
  SubjectBuilder subject;
  subject.File(kMake + "/a").Mtime(1700000000);
  subject.File(kMake + "/b").Owner(1000, 100);
  subject.File(kMake + "/c").Mode(0400);
  subject.File(kMake + "/d").Xattr("user.x");
  subject.File(kMake + "/e").Symlink("a", InStore(kMake + "/a")).Mtime(2);
  const std::vector<Finding> findings = subject.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(Leak{"LRE211", kMake + "/a", "", Finding::NOTE}));
  EXPECT_THAT(findings[0].message(), HasSubstr("5 files"));
  EXPECT_THAT(findings[0].notes(),
              ElementsAre(kMake + ": mtime not 1 in 2, owner not 0:0 in 1, mode not 0444 or 0555 "
                                  "in 1, extended attributes in 1"));
}

TEST(Lre211MetadataNotCanonical, NixsOwnIsInnocent) {
  SubjectBuilder subject;
  subject.File(kMake).Directory().Mode(0555);
  subject.File(kMake + "/a").Mode(0444).Mtime(1);
  subject.File(kMake + "/b").Mode(0555).Mtime(0);  // SOURCE_DATE_EPOCH=0
  subject.File("/etc").Directory().Mode(0700).Mtime(1700000000).Owner(1000, 100);
  EXPECT_THAT(Leaks(subject.Judged()), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
