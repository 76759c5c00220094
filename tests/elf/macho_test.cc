// Mach-O load commands, with LLVM's writer and reader as oracle; cut and damaged everywhere.
#include "elf/macho.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/elf/elf_builder.h"
#include "tests/elf/macho_oracle.h"

namespace lre_audit::elf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::string_literals;

struct Spec {
  bool is_64 = true;
  bool is_little_endian = true;
  std::vector<std::pair<std::string, std::string>> paths;  // command, text
  bool is_arm = false;                                     // else Intel
};

std::vector<std::pair<std::string, std::string>> AllCommands() {
  return {{"LC_ID_DYLIB", "@rpath/libself.dylib"},
          {"LC_LOAD_DYLIB", "/usr/lib/libSystem.B.dylib"},
          {"LC_LOAD_WEAK_DYLIB", "@loader_path/../lib/libweak.dylib"},
          {"LC_REEXPORT_DYLIB", "/System/Library/Frameworks/Cocoa.framework/Cocoa"},
          {"LC_LAZY_LOAD_DYLIB", "/usr/local/lib/liblazy.dylib"},
          {"LC_LOAD_UPWARD_DYLIB", "/opt/lib/libupward.dylib"},
          {"LC_LOAD_DYLINKER", "/usr/lib/dyld"},
          {"LC_DYLD_ENVIRONMENT", "DYLD_LIBRARY_PATH=/opt/lib"},
          {"LC_RPATH", "/nix/store/aaaa-zlib/lib"},
          {"LC_RPATH", "@executable_path/../lib"}};
}

size_t HeaderSize(const Spec& spec) { return spec.is_64 ? 32 : 28; }

uint32_t CpuType(const Spec& spec) {
  return (spec.is_64 ? 0x01000000 : 0) + (spec.is_arm ? 12 : 7);
}

size_t CommandSize(const Spec& spec, const std::pair<std::string, std::string>& path) {
  const size_t fixed = path.first.find("DYLIB") != std::string::npos ? 24 : 12;
  const size_t align = spec.is_64 ? 8 : 4;
  return (fixed + path.second.size() + 1 + align - 1) / align * align;
}

// One object's YAML, each line behind `indent`.
std::string Yaml(const Spec& spec, const std::string& indent = "") {
  size_t size = 0;
  bool is_library = false;
  std::string commands;
  for (const auto& path : spec.paths) {
    const size_t command_size = CommandSize(spec, path);
    size += command_size;
    is_library |= path.first == "LC_ID_DYLIB";
    const char* fields = "name: 12";
    if (path.first.find("DYLIB") != std::string::npos) {
      fields = "dylib: {name: 24, timestamp: 2, current_version: 1, compatibility_version: 1}";
    } else if (path.first == "LC_RPATH") {
      fields = "path: 12";
    }
    absl::StrAppend(&commands, indent, "  - cmd: ", path.first, "\n", indent,
                    "    cmdsize: ", command_size, "\n", indent, "    ", fields, "\n", indent,
                    "    Content: '", path.second, "'\n");
  }
  return absl::StrCat(
      indent, "IsLittleEndian: ", spec.is_little_endian ? "true" : "false", "\n", indent,
      "FileHeader:\n", indent, "  magic: ", spec.is_64 ? "0xFEEDFACF" : "0xFEEDFACE", "\n", indent,
      "  cputype: ", CpuType(spec), "\n", indent, "  cpusubtype: ", spec.is_arm ? 0 : 3, "\n",
      indent, "  filetype: ", is_library ? 6 : 2, "\n", indent, "  ncmds: ", spec.paths.size(),
      "\n", indent, "  sizeofcmds: ", size, "\n", indent, "  flags: 0\n",
      spec.is_64 ? indent + "  reserved: 0\n" : "", indent, "LoadCommands:\n", commands);
}

std::string BuildMachO(const Spec& spec) {
  return MachOFromYaml("--- !mach-o\n" + Yaml(spec) + "...\n");
}

std::string BuildUniversal(const std::vector<Spec>& specs, bool is_64) {
  std::string architectures, slices;
  for (size_t i = 0; i < specs.size(); ++i) {
    absl::StrAppend(&architectures, "  - cputype: ", CpuType(specs[i]),
                    "\n    cpusubtype: ", specs[i].is_arm ? 0 : 3, "\n    offset: ", 4096 * (i + 1),
                    "\n    size: ", BuildMachO(specs[i]).size(), "\n    align: 12\n",
                    is_64 ? "    reserved: 0\n" : "");
    absl::StrAppend(&slices, "  - !mach-o\n", Yaml(specs[i], "    "));
  }
  return MachOFromYaml(
      absl::StrCat("--- !fat-mach-o\nFatHeader:\n  magic: ", is_64 ? "0xCAFEBABF" : "0xCAFEBABE",
                   "\n  nfat_arch: ", specs.size(), "\nFatArchs:\n", architectures, "Slices:\n",
                   slices, "...\n"));
}

// Ours are LLVM's, each stands where its offset says, and nothing is a defect.
void ExpectAsLlvmReads(const std::string& bytes, size_t count) {
  std::string error;
  const std::vector<LlvmPath> expected = LlvmPaths(bytes, error);
  EXPECT_EQ(error, "");
  EXPECT_THAT(expected, SizeIs(count));
  ASSERT_TRUE(HasMachOMagic(bytes));
  const MachO object = ReadMachO(bytes);
  EXPECT_THAT(object.defects, IsEmpty()) << object.defects[0].message;
  ASSERT_EQ(object.paths.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const MachOPath& path = object.paths[i];
    EXPECT_EQ(path.command, expected[i].command);
    EXPECT_EQ(path.value, expected[i].value);
    EXPECT_EQ(bytes.substr(path.offset, path.value.size() + 1), path.value + '\0');
  }
}

TEST(MachOTest, EveryCommandInBothClassesAndByteOrders) {
  for (bool is_64 : {true, false}) {
    for (bool is_little_endian : {true, false}) {
      SCOPED_TRACE(absl::StrCat(is_64, is_little_endian));
      ExpectAsLlvmReads(BuildMachO({is_64, is_little_endian, AllCommands()}), AllCommands().size());
    }
  }
}

TEST(MachOTest, UniversalFilesSliceBySlice) {
  const Spec intel = {true, true, {{"LC_RPATH", "/intel"}, {"LC_LOAD_DYLIB", "/usr/lib/x"}}};
  const Spec arm = {true, true, {{"LC_RPATH", "/arm"}}, true};
  for (bool is_64 : {false, true}) ExpectAsLlvmReads(BuildUniversal({intel, arm}, is_64), 3);
}

// "\xca\xfe\xba\xbe", the count of architectures or the minor and major version.
TEST(MachOTest, JavaClassesAreNone) {
  for (int version = 45; version < 80; ++version) {
    EXPECT_FALSE(HasMachOMagic("\xca\xfe\xba\xbe\0\0\0"s + static_cast<char>(version)));
  }
  EXPECT_FALSE(HasMachOMagic("\xca\xfe\xba\xbe\0\3\0\x2d"s));
  EXPECT_FALSE(HasMachOMagic("\xca\xfe\xba\xbe\0\0\0\0"s));
  EXPECT_FALSE(HasMachOMagic("\xca\xfe\xba\xbe"s));
  EXPECT_TRUE(HasMachOMagic("\xca\xfe\xba\xbe\0\0\0\2"s));
  EXPECT_FALSE(HasMachOMagic("\xfe\xed\xfa"s));
  EXPECT_FALSE(HasMachOMagic(""));
  EXPECT_FALSE(
      HasMachOMagic("\x7f"
                    "ELF"));
}

// A dynamic library whose one segment is the whole file, as __TEXT and __LINKEDIT together are.
std::string Library(bool is_64 = true) {
  Spec spec = {is_64, true, AllCommands()};
  std::string bytes = BuildMachO(spec);
  std::string segment(is_64 ? 72 : 56, '\0');
  const size_t size = bytes.size() + segment.size() + 200;
  PutNumber(segment, 0, is_64 ? 0x19 : 1, 4, true);
  PutNumber(segment, 4, segment.size(), 4, true);
  PutNumber(segment, is_64 ? 48 : 36, size, is_64 ? 8 : 4, true);
  PutNumber(bytes, 16, spec.paths.size() + 1, 4, true);                             // ncmds
  PutNumber(bytes, 20, bytes.size() - HeaderSize(spec) + segment.size(), 4, true);  // sizeofcmds
  return bytes + segment + std::string(200, '\xcc');
}

TEST(MachOTest, CutAnywhereIsTold) {
  const std::string universal = BuildUniversal(
      {{true, true, {{"LC_RPATH", "/intel"}}}, {true, true, {{"LC_RPATH", "/arm"}}, true}}, false);
  for (const std::string& whole : {Library(true), Library(false), universal}) {
    const MachO complete = ReadMachO(whole);
    ASSERT_THAT(complete.defects, IsEmpty()) << complete.defects[0].message;
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::string cut(whole, 0, size);  // a buffer of its own: reading past it is seen
      const MachO object = ReadMachO(cut);
      EXPECT_THAT(object.defects, Not(IsEmpty())) << size;
      ASSERT_LE(object.paths.size(), complete.paths.size());
      for (size_t i = 0; i < object.paths.size(); ++i) {
        EXPECT_EQ(object.paths[i].offset, complete.paths[i].offset);
      }
    }
  }
}

TEST(MachOTest, DamageAnywhereIsRead) {
  const std::string universal = BuildUniversal(
      {{true, true, {{"LC_RPATH", "/intel"}}}, {false, false, {{"LC_RPATH", "/arm"}}, true}}, true);
  for (const std::string& whole : {Library(true), Library(false), universal}) {
    for (size_t at = 0; at < whole.size(); ++at) {
      for (int mask : {0x01, 0x40, 0x80, 0xff}) {
        std::string damaged = whole;
        damaged[at] ^= static_cast<char>(mask);
        const MachO object = ReadMachO(damaged);
        EXPECT_LE(object.defects.size(), 64u);
        for (const MachOPath& path : object.paths) {
          EXPECT_EQ(damaged.substr(path.offset, path.value.size()), path.value);
        }
      }
    }
  }
}

TEST(MachOTest, DefectsSayWhere) {
  const Spec spec = {true, true, {{"LC_RPATH", "/opt/lib"}, {"LC_RPATH", "/second"}}};
  const struct {
    size_t at;
    uint64_t value;
    const char* message;
    size_t paths;
  } rows[] = {
      {16, 3,
       "load command 2 of 3 at 0x50: cmdsize 0x0, expected at least 8 and no more than the 0x0 "
       "bytes that are left",
       2},
      {20, 0x1000, "sizeofcmds 0x1000 leaves the object of 0x50 bytes", 2},
      {36, 4, "load command 0 of 2 at 0x20: cmdsize 0x4, expected at least 8", 0},
      {36, 0xfffffff8, "load command 0 of 2 at 0x20: cmdsize 0xfffffff8", 0},
      {40, 0x18, "load command 0 (LC_RPATH) at 0x20: string at 0x18, expected 0xc to 0x17", 1},
      {40, 4, "load command 0 (LC_RPATH) at 0x20: string at 0x4, expected 0xc to 0x17", 1},
      {32, 0xc, "load command 0 (LC_LOAD_DYLIB) at 0x20: string at 0xc, expected 0x18 to 0x17", 1},
      {52, 0x41414141, "load command 0 (LC_RPATH) at 0x20: string at 0xc has no end within the", 2},
      {32, 0x19, "load command 0 (LC_SEGMENT_64) at 0x20: cmdsize 0x18, expected at least 0x48", 1},
      {32, 2,
       "load command 0 (LC_SYMTAB) at 0x20: symbols at 0xc with size 0x74706f2f0 leave the "
       "object of 0x50 bytes",
       1},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.message);
    std::string bytes = BuildMachO(spec);
    PutNumber(bytes, row.at, row.value, 4, true);
    const MachO object = ReadMachO(bytes);
    EXPECT_THAT(object.paths, SizeIs(row.paths));
    ASSERT_THAT(object.defects, Not(IsEmpty()));
    EXPECT_THAT(object.defects[0].message, HasSubstr(row.message));
    EXPECT_EQ(object.defects[0].kind, Defect::Kind::kMalformed);
  }
}

TEST(MachOTest, UniversalDefectsNameTheArchitecture) {
  const Spec spec = {true, true, {{"LC_RPATH", "/opt/lib"}}};
  const std::string whole = BuildUniversal({spec, spec}, false);
  std::string beyond = whole;
  PutNumber(beyond, 8 + 20 + 12, 0x100000, 4, false);  // size of the second
  EXPECT_THAT(ReadMachO(beyond).defects.at(0).message,
              HasSubstr("architecture 1: offset 0x2000 with size 0x100000 leaves the file of"));
  EXPECT_THAT(ReadMachO(beyond).paths, SizeIs(2));
  std::string damaged = whole;
  PutNumber(damaged, 8192 + 32 + 4, 4, 4, true);  // cmdsize of the second's first command
  const MachO object = ReadMachO(damaged);
  EXPECT_THAT(object.paths, SizeIs(1));
  ASSERT_THAT(object.defects, SizeIs(1));
  EXPECT_EQ(object.defects[0].offset, 8192 + 32);
  EXPECT_THAT(object.defects[0].message, HasSubstr("architecture 1: load command 0 of 1"));
  std::string unknown = whole;
  unknown.replace(4096, 4, "what");
  EXPECT_THAT(ReadMachO(unknown).defects.at(0).message,
              HasSubstr("architecture 0: expected a Mach-O object, an archive or bitcode"));
}

// Static libraries and bitcode are architectures too.
TEST(MachOTest, UniversalArchivesAndBitcode) {
  std::string bytes = "\xca\xfe\xba\xbe\0\0\0\2"s + std::string(40, '\0') + "!<arch>\n";
  PutNumber(bytes, 8 + 8, 48, 4, false);
  PutNumber(bytes, 8 + 12, 8, 4, false);
  PutNumber(bytes, 28 + 8, 56, 4, false);
  PutNumber(bytes, 28 + 12, 4, 4, false);
  EXPECT_THAT(ReadMachO(bytes + "BC\xc0\xde").defects, IsEmpty());
  PutNumber(bytes, 8 + 12, 12, 4, false);  // the archive's member is cut
  const MachO cut = ReadMachO(bytes + "BC\xc0\xde");
  ASSERT_THAT(cut.defects, SizeIs(1));
  EXPECT_EQ(cut.defects[0].offset, 56);
  EXPECT_THAT(cut.defects[0].message, HasSubstr("architecture 0: archive member 0"));
}

TEST(MachOTest, LimitsAreTold) {
  EXPECT_EQ(ReadMachO("").defects.at(0).kind, Defect::Kind::kLimit);
  // More paths than any object has: 16 bytes each.
  std::string command(16, '\0');
  PutNumber(command, 0, 0x8000001c, 4, true);
  PutNumber(command, 4, 16, 4, true);
  PutNumber(command, 8, 12, 4, true);
  const uint64_t count = 70'000;
  std::string bytes = BuildMachO({true, true, {}});
  PutNumber(bytes, 16, count, 4, true);
  PutNumber(bytes, 20, count * 16, 4, true);
  for (uint64_t i = 0; i < count; ++i) bytes += command;
  const MachO object = ReadMachO(bytes);
  EXPECT_THAT(object.paths, SizeIs(65536));
  EXPECT_THAT(object.defects,
              ElementsAre(AllOf(Field(&Defect::kind, Defect::Kind::kLimit),
                                Field(&Defect::message, HasSubstr("more than 65536 paths")))));
  // As many defects: the first ones are kept.
  for (uint64_t i = 0; i < count; ++i) PutNumber(bytes, 32 + i * 16 + 8, 99, 4, true);
  EXPECT_THAT(ReadMachO(bytes).defects, SizeIs(64));
}

}  // namespace
}  // namespace lre_audit::elf
