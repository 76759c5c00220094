// Objects as the loader sees them, over built objects of every class and byte order.
#include "elf/object.h"

#include <elf.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit::elf {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Object Read(const std::string& bytes) { return ReadObject(Bytes(bytes)); }

std::string Values(const std::vector<Text>& texts) {
  std::string joined;
  for (const Text& text : texts) joined += text.value + ";";
  return joined;
}

std::string Messages(const Object& object) {
  std::string joined;
  for (const Defect& defect : object.defects) joined += defect.message + "\n";
  return joined;
}

ElfSpec Everything() {
  ElfSpec spec;
  spec.interpreter = "/lib/ld.so";
  spec.soname = "libx.so.1";
  spec.rpath = "/r";
  spec.runpath = "$ORIGIN/../lib";
  spec.needed = {"liba.so", "libb.so"};
  spec.version_needs = {{"libc.so.6", "GLIBC_2.38"}, {"libm.so.6", "GLIBC_2.2", true}};
  spec.version_definitions = {"libx.so.1", "X_1"};
  spec.notes = {{"GNU", NT_GNU_BUILD_ID, "\x12\xab"}};
  spec.sections = true;
  return spec;
}

TEST(ObjectTest, EveryClassAndByteOrderReadsAlike) {
  for (bool is_64 : {true, false}) {
    for (bool little : {true, false}) {
      ElfSpec spec = Everything();
      spec.is_64 = is_64;
      spec.is_little_endian = little;
      spec.machine = EM_PPC64;
      const ElfLayout layout = BuildElf(spec);
      const Object object = Read(layout.bytes);
      SCOPED_TRACE(testing::Message() << "64-bit " << is_64 << ", little-endian " << little);
      EXPECT_THAT(Messages(object), IsEmpty());
      EXPECT_EQ(object.is_64, is_64);
      EXPECT_EQ(object.is_little_endian, little);
      EXPECT_EQ(object.machine, EM_PPC64);
      EXPECT_EQ(object.interpreter->value, "/lib/ld.so");
      EXPECT_EQ(object.soname->value, "libx.so.1");
      EXPECT_EQ(object.rpath->value, "/r");
      EXPECT_EQ(object.runpath->value, "$ORIGIN/../lib");
      EXPECT_EQ(layout.bytes.substr(object.runpath->offset, 7), "$ORIGIN");
      EXPECT_EQ(Values(object.needed), "liba.so;libb.so;");
      ASSERT_EQ(object.version_needs.size(), 2);
      EXPECT_EQ(object.version_needs[0].version, "GLIBC_2.38");
      EXPECT_FALSE(object.version_needs[0].weak);
      EXPECT_TRUE(object.version_needs[1].weak);
      EXPECT_THAT(object.version_definitions, ElementsAre("libx.so.1", "X_1"));
      EXPECT_EQ(object.build_id, "12ab");
      EXPECT_THAT(object.view_differences, IsEmpty());
    }
  }
}

TEST(ObjectTest, LastTagWinsButAllNeededAreKept) {
  ElfSpec spec;
  spec.needed = {"liba.so"};
  spec.runpath = "/first";
  spec.more_strings = {{DT_RUNPATH, "/second"}, {DT_NEEDED, "libb.so"}, {DT_RUNPATH, "/last"}};
  const Object object = Read(BuildElf(spec).bytes);
  EXPECT_EQ(object.runpath->value, "/last");
  EXPECT_EQ(Values(object.needed), "liba.so;libb.so;");
}

TEST(ObjectTest, AuditAndFilterTags) {
  ElfSpec spec;
  spec.more_strings = {
      {DT_AUDIT, "/a.so:/b.so"}, {DT_DEPAUDIT, "/c.so"}, {DT_FILTER, "f"}, {DT_AUXILIARY, "x"}};
  spec.more_tags = {{DT_FLAGS_1, DF_1_NODEFLIB | DF_1_PIE}};
  const Object object = Read(BuildElf(spec).bytes);
  EXPECT_EQ(Values(object.audit), "/a.so;/b.so;");
  EXPECT_EQ(Values(object.depaudit), "/c.so;");
  EXPECT_EQ(Values(object.filter), "f;");
  EXPECT_EQ(Values(object.auxiliary), "x;");
  EXPECT_TRUE(object.NoDefaultLibraries());
  EXPECT_TRUE(object.IsPie());
}

TEST(ObjectTest, NotesThatLoadLibraries) {
  ElfSpec spec;
  spec.notes = {
      {"NixOS", 0x63a86cb6, LdCacheDescriptor({{"liba.so", "?$ORIGIN/x:=/nix/store/a/liba.so"}})},
      {"FDO", 0x407c0c0a,
       R"([{"soname":["libz.so.1"],"feature":"zip","priority":"required"},{"soname":["b"]}])"}};
  const Object object = Read(BuildElf(spec).bytes);
  EXPECT_THAT(Messages(object), IsEmpty());
  ASSERT_EQ(object.ld_cache.size(), 2);
  EXPECT_EQ(object.ld_cache[0].kind, LdCacheEntry::Kind::kDirectory);
  EXPECT_EQ(object.ld_cache[0].path.value, "$ORIGIN/x");
  EXPECT_EQ(object.ld_cache[1].kind, LdCacheEntry::Kind::kFile);
  EXPECT_EQ(object.ld_cache[1].name, "liba.so");
  EXPECT_EQ(object.ld_cache[1].path.value, "/nix/store/a/liba.so");
  ASSERT_EQ(object.dlopen_needs.size(), 2);
  EXPECT_THAT(object.dlopen_needs[0].sonames, ElementsAre("libz.so.1"));
  EXPECT_EQ(object.dlopen_needs[0].priority, DlopenNeed::Priority::kRequired);
  EXPECT_EQ(object.dlopen_needs[1].priority, DlopenNeed::Priority::kRecommended);
}

TEST(ObjectTest, MalformedNotesAreDefects) {
  const std::pair<ElfSpec::Note, std::string> cases[] = {
      {{"NixOS", 0x63a86cb6, "liba.so"}, "a string has no end"},
      {{"NixOS", 0x63a86cb6, LdCacheDescriptor({{"l", "/no/sign"}})}, "neither = nor ?"},
      {{"FDO", 0x407c0c0a, "{"}, "expected a JSON array"},
      {{"FDO", 0x407c0c0a, R"([{"soname":1}])"}, "entry 0: expected an object"},
      {{"FDO", 0x407c0c0a, R"([{"soname":[]}])"}, "of at least one name"},
  };
  for (const auto& [note, message] : cases) {
    ElfSpec spec;
    spec.notes = {note};
    EXPECT_THAT(Messages(Read(BuildElf(spec).bytes)), HasSubstr(message));
  }
}

// A copy whose .dynamic section lies elsewhere: readelf and patchelf print the forged RUNPATH.
TEST(ObjectTest, ForgedDynamicSectionIsAViewDifference) {
  ElfSpec spec = Everything();
  spec.runpath = "/usr/lib";
  ElfLayout layout = BuildElf(spec);
  ElfSpec clean = spec;
  clean.runpath = "/nix/st";  // as long, so that the offsets stay
  const std::string forged = BuildElf(clean).bytes;
  // Append the clean object's dynamic entries and strings; point only the sections at them.
  const uint64_t strings = layout.bytes.size();
  layout.bytes += forged.substr(layout.strings, layout.strings_size);
  layout.bytes.resize((layout.bytes.size() + 7) / 8 * 8);
  const uint64_t dynamic = layout.bytes.size();
  layout.bytes += forged.substr(layout.dynamic, 512);
  PutNumber(layout.bytes, layout.dynamic_section + 24, dynamic, 8, true);
  PutNumber(layout.bytes, layout.dynamic_section + sizeof(Elf64_Shdr) + 24, strings, 8, true);
  const Object object = Read(layout.bytes);
  EXPECT_EQ(object.runpath->value, "/usr/lib");
  EXPECT_THAT(object.view_differences,
              testing::Contains(testing::AllOf(Field(&ViewDifference::what, "DT_RUNPATH"),
                                               Field(&ViewDifference::segments, "/usr/lib"),
                                               Field(&ViewDifference::sections, "/nix/st"))));
}

TEST(ObjectTest, StrippedSectionTableIsNoDifference) {
  ElfLayout layout = BuildElf(Everything());
  layout.bytes.resize(layout.section_headers);
  PutNumber(layout.bytes, 40, 0, 8, true);  // e_shoff
  PutNumber(layout.bytes, 60, 0, 4, true);  // e_shnum, e_shstrndx
  const Object object = Read(layout.bytes);
  EXPECT_THAT(object.view_differences, IsEmpty());
  EXPECT_THAT(Messages(object), IsEmpty());
}

TEST(ObjectTest, HolesAreLimitsOnlyWhereSomethingIsNeeded) {
  ElfSpec spec = Everything();
  spec.sections = false;
  spec.rodata = std::string(100000, 'x');
  const ElfLayout layout = BuildElf(spec);
  const std::string_view all = layout.bytes;
  const uint64_t tail = layout.strings - 4096;
  const Object readable =
      ReadObject(Bytes(all.size(), {{0, all.substr(0, 4096)}, {tail, all.substr(tail)}}));
  EXPECT_THAT(Messages(readable), IsEmpty());
  EXPECT_EQ(readable.runpath->value, "$ORIGIN/../lib");
  const Object cut = ReadObject(Bytes(all.size(), {{0, all.substr(0, 4096)}}));
  ASSERT_FALSE(cut.defects.empty());
  for (const Defect& defect : cut.defects) EXPECT_EQ(defect.kind, Defect::Kind::kLimit);
  EXPECT_EQ(cut.interpreter->value, "/lib/ld.so");
}

struct Damage {
  const char* name;
  uint64_t offset;
  uint64_t value;
  int width;
  const char* message;
};

TEST(ObjectTest, DefectsNameStructureIndexOffsetAndSizes) {
  const ElfLayout good = BuildElf(Everything());
  const uint64_t first_tag = good.dynamic, phdr = good.dynamic_header;
  const Damage cases[] = {
      {"class", EI_CLASS, 7, 1, "class 7"},
      {"encoding", EI_DATA, 9, 1, "data encoding 9"},
      {"e_phentsize", 54, 1, 2, "e_phentsize 1, expected 56"},
      {"e_phoff", 32, uint64_t{1} << 40, 8, "e_phoff 0x10000000000"},
      {"e_phnum", 56, 65000, 2, "e_phnum 65000"},
      {"e_shoff", 40, uint64_t{1} << 60, 8, "section header table"},
      {"e_shnum", 60, 60000, 2, "60000 sections"},
      {"PT_DYNAMIC p_offset", phdr + 8, uint64_t{1} << 50, 8, "PT_DYNAMIC p_offset"},
      {"PT_DYNAMIC p_vaddr", phdr + 16, uint64_t{1} << 50, 8, "is in no PT_LOAD"},
      {"DT_NEEDED", first_tag + 8, uint64_t{1} << 50, 8, "DT_NEEDED: string at"},
      {"PT_INTERP p_filesz", 64 + 32, uint64_t{1} << 50, 8, "PT_INTERP p_filesz"},
  };
  for (const Damage& damage : cases) {
    std::string bytes = good.bytes;
    PutNumber(bytes, damage.offset, damage.value, damage.width, true);
    EXPECT_THAT(Messages(Read(bytes)), HasSubstr(damage.message)) << damage.name;
  }
}

// 496 bytes, PT_DYNAMIC out of range: what crashes LLVM 14's dynamicEntries().
TEST(ObjectTest, DynamicSegmentOutOfRange) {
  ElfSpec spec;
  spec.needed = {"libc.so.6"};
  ElfLayout layout = BuildElf(spec);
  layout.bytes.resize(496);
  for (int field : {8, 16}) {
    PutNumber(layout.bytes, layout.dynamic_header + field, 0xffffffffffff0000, 8, true);
  }
  const Object object = Read(layout.bytes);
  EXPECT_TRUE(object.has_dynamic);
  EXPECT_THAT(Messages(object), HasSubstr("PT_DYNAMIC p_offset 0xffffffffffff0000"));
}

TEST(HostileTest, TruncatedAtEveryByte) {
  const std::string bytes = BuildElf(Everything()).bytes;
  EXPECT_THAT(Messages(Read(bytes)), IsEmpty());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Read(bytes.substr(0, size)).defects.empty()) << size;
  }
}

// Under the sanitizers every read out of bounds would stop this test.
TEST(HostileTest, EveryByteFlipped) {
  ElfSpec spec = Everything();
  spec.notes.push_back({"NixOS", 0x63a86cb6, LdCacheDescriptor({{"a", "=/b"}})});
  spec.notes.push_back({"FDO", 0x407c0c0a, R"([{"soname":["a"]}])"});
  for (bool is_64 : {true, false}) {
    spec.is_64 = is_64;
    const std::string bytes = BuildElf(spec).bytes;
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int mask : {0xff, 0x80, 0x01}) {
        std::string damaged = bytes;
        damaged[at] ^= static_cast<char>(mask);
        const Object object = Read(damaged);
        EXPECT_LE(object.needed.size(), 100u);
        EXPECT_LE(object.defects.size(), 64u);
      }
    }
  }
}

TEST(HostileTest, RepeatedHugeStringsAreBounded) {
  ElfSpec spec;
  spec.runpath = std::string(900 << 10, 'a');
  ElfLayout layout = BuildElf(spec);
  // Five thousand DT_NEEDED, all the same 900 KiB string: 4.5 GB if each were copied.
  spec.more_tags.assign(5000, {DT_NEEDED, 1});
  const Object object = Read(BuildElf(spec).bytes);
  uint64_t copied = 0;
  for (const Text& text : object.needed) copied += text.value.size();
  EXPECT_LE(copied, 16u << 20);
  EXPECT_FALSE(object.defects.empty());
}

}  // namespace
}  // namespace lre_audit::elf
