// Static archives and DWARF directories as binutils and GCC write them, and damaged ones.
#include "elf/archive.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "elf/dwarf.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit::elf {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CompiledTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(directory_ / "a.c") << "int a(void) { return 1; }\n";
    Run("gcc -g -c a.c && cp a.o a-member-with-quite-a-long-name.o");
  }
  void Run(const std::string& command) {
    const std::string line = "cd '" + directory_.string() + "' && " + command;
    ASSERT_EQ(system(line.c_str()), 0) << command;
  }
  std::string Contents(const std::string& file) {
    std::ifstream in(directory_ / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const TemporaryDirectory temporary_;
  const fs::path directory_ = temporary_.path();
};

std::vector<std::string> Names(const ArchiveFacts& archive) {
  std::vector<std::string> names;
  for (const ArchiveMember& member : archive.members) names.push_back(member.name);
  return names;
}

TEST_F(CompiledTest, MembersOfGnuAndThinArchives) {
  Run("ar rcs lib.a a.o a-member-with-quite-a-long-name.o");
  Run("ar rcsT thin.a a.o a-member-with-quite-a-long-name.o");
  const std::string bytes = Contents("lib.a");
  const ArchiveFacts archive = ReadArchive(bytes);
  EXPECT_THAT(archive.defects, IsEmpty());
  EXPECT_THAT(Names(archive), ElementsAre("a.o", "a-member-with-quite-a-long-name.o"));
  for (const ArchiveMember& member : archive.members) {
    EXPECT_EQ(member.machine, 62);  // EM_X86_64
    EXPECT_EQ(bytes.substr(member.offset, member.size), Contents("a.o"));
  }
  const ArchiveFacts thin = ReadArchive(Contents("thin.a"));
  EXPECT_TRUE(thin.is_thin);
  EXPECT_THAT(thin.defects, IsEmpty());
  EXPECT_THAT(Names(thin), ElementsAre("a.o", "a-member-with-quite-a-long-name.o"));
}

TEST_F(CompiledTest, DamagedArchivesGiveDefects) {
  Run("ar rcs lib.a a.o a-member-with-quite-a-long-name.o");
  const std::string bytes = Contents("lib.a");
  for (size_t size = 9; size < bytes.size(); size += 13) {
    const ArchiveFacts cut = ReadArchive(std::string_view(bytes).substr(0, size));
    EXPECT_LE(cut.members.size(), 2u);
    EXPECT_TRUE(!cut.defects.empty() || size % 2 == 0 || cut.members.size() < 2) << size;
  }
  std::string huge = bytes;
  huge.replace(8 + 48, 10, "9999999999");
  EXPECT_THAT(ReadArchive(huge).defects.at(0).message, HasSubstr("archive member 0 at 0x8: size"));
  for (size_t at = 0; at < 2000 && at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] ^= 0x15;
    EXPECT_LE(ReadArchive(damaged).members.size(), 4u);
  }
}

TEST_F(CompiledTest, DwarfNamesItsCompilationDirectory) {
  for (const char* version : {"4", "5"}) {
    Run(std::string("gcc -g -gdwarf-") + version + " -shared -fPIC -o lib.so a.c");
    const std::string bytes = Contents("lib.so");
    EXPECT_THAT(DebugDirectories(Bytes(bytes)), Contains(directory_.string())) << version;
  }
  Run("strip lib.so");
  EXPECT_THAT(DebugDirectories(Bytes(Contents("lib.so"))), IsEmpty());
}

TEST_F(CompiledTest, DamagedDwarfIsRead) {
  for (const char* version : {"4", "5"}) {
    Run(std::string("gcc -g -shared -fPIC -nostdlib -o lib.so a.c -gdwarf-") + version);
    const std::string bytes = Contents("lib.so");
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int mask : {0xff, 0x01, 0x40}) {
        std::string damaged = bytes;
        damaged[at] ^= static_cast<char>(mask);
        EXPECT_LE(DebugDirectories(Bytes(damaged)).size(), 64u);
      }
    }
  }
  const std::string bytes = Contents("lib.so");
  for (size_t size = 0; size < bytes.size(); size += 17) {
    EXPECT_LE(DebugDirectories(Bytes(std::string_view(bytes).substr(0, size))).size(), 64u);
  }
}

}  // namespace
}  // namespace lre_audit::elf
