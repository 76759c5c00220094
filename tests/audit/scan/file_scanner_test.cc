// One file, whatever the pieces it comes in: the same facts.
#include "audit/scan/file_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/claims/claims.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using namespace std::string_literals;

constexpr char kStore[] = "/nix/store";
const std::string kGlibc = "/nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-glibc-2.42";
const std::string kPackage = "/nix/store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-package-1.0";

struct Delivery {
  std::string path, contents;
  uint32_t mode = 0444;
  uint64_t size = 0;  // announced; 0: what comes
};

FileFacts Scan(const Delivery& file, size_t piece_size, MemoryBudget& budget) {
  Entry entry;
  entry.path = file.path;
  entry.mode = file.mode;
  entry.size = file.size == 0 ? file.contents.size() : file.size;
  FileFacts facts;
  facts.set_path(entry.path);
  facts.set_size(entry.size);
  FileScanner scanner(kStore, budget);
  scanner.Begin(entry, &facts);
  for (size_t i = 0; i < file.contents.size();
       i += std::min(piece_size, file.contents.size() - i)) {
    const std::string piece = file.contents.substr(i, piece_size);
    scanner.Data(piece);
  }
  scanner.End(entry.size == file.contents.size());
  return facts;
}

FileFacts Scan(const Delivery& file, size_t piece_size = SIZE_MAX) {
  MemoryBudget budget(uint64_t{96} << 20);
  return Scan(file, piece_size, budget);
}

std::vector<std::string> Claims(const FileFacts& facts) {
  std::vector<std::string> claims;
  for (const Claim& claim : facts.claims()) {
    claims.push_back(Claim::Kind_Name(claim.kind()) + " " + claim.text());
  }
  return claims;
}

std::vector<std::string> References(const FileFacts& facts) {
  std::vector<std::string> references;
  for (const StoreReference& reference : facts.references()) {
    references.push_back(kStore + "/"s + reference.base_name());
  }
  return references;
}

elf::ElfSpec ProgramSpec() {
  elf::ElfSpec spec;
  spec.interpreter = kGlibc + "/lib/ld-linux-x86-64.so.2";
  spec.runpath = kGlibc + "/lib:/usr/local/lib";
  spec.needed = {"libc.so.6", "libm.so.6"};
  spec.version_needs = {{"libc.so.6", "GLIBC_2.38"}};
  spec.rodata = "\0/usr/share/locale\0/etc/localtime\0"s;
  spec.sections = true;
  return spec;
}

std::string Program() { return elf::BuildElf(ProgramSpec()).bytes; }

// An ar archive with one member, as ar(5) has it.
std::string Archive(const std::string& member) {
  std::string header = "member.o/       0           0     0     100644  ";
  std::string size = std::to_string(member.size());
  size.resize(10, ' ');
  return "!<arch>\n" + header + size + "`\n" + member + (member.size() % 2 == 1 ? "\n" : "");
}

// A 64-bit Mach-O library with an LC_RPATH and an LC_LOAD_DYLIB.
std::string MachO() {
  std::string bytes = "\xcf\xfa\xed\xfe" + std::string(28, '\0');
  auto add = [&](uint32_t number, size_t fixed_size, const std::string& text) {
    std::string command(fixed_size, '\0');
    command += text;
    command.resize((command.size() + 8) / 8 * 8, '\0');
    elf::PutNumber(command, 0, number, 4, true);
    elf::PutNumber(command, 4, command.size(), 4, true);
    elf::PutNumber(command, 8, fixed_size, 4, true);
    bytes += command;
  };
  add(0x8000001c, 12, kGlibc + "/lib");
  add(0xc, 24, "/usr/lib/libSystem.B.dylib");
  elf::PutNumber(bytes, 16, 2, 4, true);                  // ncmds
  elf::PutNumber(bytes, 20, bytes.size() - 32, 4, true);  // sizeofcmds
  return bytes;
}

const struct Sample {
  const char* name;
  Delivery file;
  std::vector<std::string> claims, references;
} kSamples[] = {
    {"Elf",
     {kPackage + "/bin/program", Program(), 0555},
     {"EMBEDDED /usr/share/locale", "EMBEDDED /etc/localtime", "EMBEDDED /usr/local/lib"},
     {kGlibc}},
    {"LargeElf",  // larger than a buffer that is free of charge
     {kPackage + "/lib/large.so", Program() + std::string(100'000, '\x90') + "\0/opt/tail\0"s},
     {"EMBEDDED /usr/share/locale", "EMBEDDED /etc/localtime", "EMBEDDED /usr/local/lib",
      "EMBEDDED /opt/tail"},
     {kGlibc}},
    {"Script",
     {kPackage + "/bin/script", "#!" + kGlibc + "/bin/sh\nexec /usr/bin/tool\n", 0555},
     {"SHEBANG " + kGlibc + "/bin/sh", "WRAPPER /usr/bin/tool"},
     {kGlibc}},
    {"LongScript",  // its reference stands past the head
     {kPackage + "/bin/long",
      "#!/bin/sh\n" + std::string(3 * kHeadSize, '#') + "\n. " + kGlibc + "/x\n", 0555},
     {"SHEBANG /bin/sh", "WRAPPER " + kGlibc + "/x"},
     {kGlibc}},
    {"PkgConfig",
     {kPackage + "/lib/pkgconfig/x.pc",
      "prefix=/usr\nName: x\nDescription: x\nVersion: 1\nLibs: -L" + kGlibc + "/lib -lx\n"},
     {"BUILD_METADATA /usr", "BUILD_METADATA " + kGlibc + "/lib"},
     {kGlibc}},
    {"Archive",
     {kPackage + "/lib/libx.a", Archive("\0/home/user/src\0padding"s)},
     {"EMBEDDED /home/user/src"},
     {}},
    {"MachO",
     {kPackage + "/lib/libx.dylib", MachO()},
     {"MACH_O " + kGlibc + "/lib", "MACH_O /usr/lib/libSystem.B.dylib",
      "EMBEDDED /usr/lib/libSystem.B.dylib"},
     {kGlibc}},
    {"LargeMachO",
     {kPackage + "/lib/liblarge.dylib", MachO() + std::string(100'000, '\x90')},
     {"MACH_O " + kGlibc + "/lib", "MACH_O /usr/lib/libSystem.B.dylib",
      "EMBEDDED /usr/lib/libSystem.B.dylib"},
     {kGlibc}},
    {"WebAssembly",  // kept by nobody, scanned in passing
     {kPackage + "/lib/x.wasm", "\0asm\1\0\0\0"s + std::string(9000, 'x') + "\0/usr/lib/y\0"s},
     {"EMBEDDED /usr/lib/y"},
     {}},
    {"Plain",
     {kPackage + "/share/doc", "see /usr/share/doc and " + kGlibc + "."},
     {},
     {kGlibc + "."}},
    {"ShorterThanTheHead", {kPackage + "/bin/x", "#!/bin/sh", 0555}, {"SHEBANG /bin/sh"}, {}},
    {"Empty", {kPackage + "/empty", ""}, {}, {}},
    {"EmptyScript", {kPackage + "/lib/pkgconfig/empty.pc", "", 0555}, {}, {}},
};

TEST(FileScanner, EverySplitGivesTheSameFacts) {
  for (const Sample& sample : kSamples) {
    SCOPED_TRACE(sample.name);
    const FileFacts whole = Scan(sample.file);
    EXPECT_THAT(Claims(whole), ::testing::ElementsAreArray(sample.claims));
    EXPECT_THAT(References(whole), ::testing::ElementsAreArray(sample.references));
    EXPECT_THAT(whole.defects(), IsEmpty()) << whole.defects(0).message();
    for (size_t piece_size : {1, 7, 64, 4095, 4096, 4097}) {
      EXPECT_EQ(Scan(sample.file, piece_size).SerializeAsString(), whole.SerializeAsString())
          << "pieces of " << piece_size;
    }
  }
}

TEST(FileScanner, ElfIsReadAsTheWalkerReadsIt) {
  const FileFacts facts = Scan({"/nix/store/x", Program(), 0555}, 7);
  ASSERT_TRUE(facts.has_elf());
  EXPECT_EQ(facts.elf().interpreter().value(), kGlibc + "/lib/ld-linux-x86-64.so.2");
  EXPECT_EQ(facts.elf().runpath().value(), kGlibc + "/lib:/usr/local/lib");
  EXPECT_EQ(facts.elf().needed_size(), 2);
  ASSERT_EQ(facts.elf().version_needs_size(), 1);
  EXPECT_EQ(facts.elf().version_needs(0).version(), "GLIBC_2.38");
  EXPECT_EQ(Program().substr(facts.elf().interpreter().offset(), kGlibc.size()), kGlibc);
}

// An ELF object, cut anywhere: what is missing is told, and the same for any pieces. (That the
// contents end early is a problem of the tree's.)
TEST(FileScanner, AFileThatEndsEarly) {
  const std::string whole = Program();
  for (size_t length = 0; length < whole.size(); length += length < 300 ? 1 : 37) {
    const Delivery cut = {kPackage + "/x", whole.substr(0, length), 0555, whole.size()};
    const FileFacts facts = Scan(cut);
    EXPECT_EQ(facts.has_elf(), length >= 4) << length;
    EXPECT_EQ(facts.defects_size() > 0, length >= 4) << length;
    for (size_t piece_size : {1, 64}) {
      EXPECT_EQ(Scan(cut, piece_size).SerializeAsString(), facts.SerializeAsString()) << length;
    }
  }
}

// What came counts, even where less came than is needed to tell the format of longer files.
TEST(FileScanner, WhatCameOfACutFileIsAudited) {
  const std::string whole = Program() + std::string(10'000, '\0');
  for (size_t length : {Program().size(), size_t{8000}}) {
    for (size_t piece_size : {size_t{1}, size_t{4096}, SIZE_MAX}) {
      SCOPED_TRACE(std::to_string(length) + " in pieces of " + std::to_string(piece_size));
      const FileFacts facts =
          Scan({kPackage + "/x", whole.substr(0, length), 0555, whole.size()}, piece_size);
      EXPECT_THAT(References(facts), ElementsAre(kGlibc));
      EXPECT_THAT(Claims(facts), ElementsAre("EMBEDDED /usr/share/locale",
                                             "EMBEDDED /etc/localtime", "EMBEDDED /usr/local/lib"));
      EXPECT_TRUE(facts.elf().has_interpreter());
    }
  }
  EXPECT_THAT(Claims(Scan({kPackage + "/s", "#!/bin/sh\n", 0555, 50'000})),
              ElementsAre("SHEBANG /bin/sh"));
}

TEST(FileScanner, MoreThanWasAnnouncedDoesNoHarm) {
  for (size_t announced : {1, 5, 100, 4096}) {
    Entry entry;
    entry.path = kPackage + "/x";
    entry.size = announced;
    FileFacts facts;
    MemoryBudget budget(1 << 20);
    FileScanner scanner(kStore, budget);
    const std::string bytes = Program() + std::string(8000, '\1');
    scanner.Begin(entry, &facts);
    for (char byte : bytes) scanner.Data({&byte, 1});
    scanner.End(true);
    EXPECT_THAT(References(facts), ElementsAre(kGlibc));
  }
}

TEST(FileScanner, KeepsWhatTheLoaderReads) {
  const std::string cache(100'000, 'c');
  for (size_t piece_size : {size_t{1000}, SIZE_MAX}) {
    EXPECT_EQ(Scan({"/etc/ld.so.cache", cache}, piece_size).contents(), cache);
    EXPECT_EQ(Scan({"/etc/ld-musl-x86_64.path", "/usr/lib\n/lib\n"}, piece_size).contents(),
              "/usr/lib\n/lib\n");
    EXPECT_EQ(Scan({"/etc/ld.so.conf", "/usr/lib\n"}, piece_size).contents(), "");
    EXPECT_EQ(Scan({"/etc/ld-musl-x86_64.path.orig", "/usr/lib\n"}, piece_size).contents(), "");
  }
  // Only so much of it, and it is told.
  const std::string huge((uint64_t{4} << 20) + 1, 'c');
  const FileFacts facts = Scan({"/etc/ld.so.cache", huge}, 1 << 20);
  ASSERT_THAT(facts.defects(), SizeIs(1));
  EXPECT_EQ(facts.defects(0).kind(), Defect::LIMIT);
  EXPECT_THAT(facts.defects(0).message(), HasSubstr("at most 4194304"));
  EXPECT_EQ(facts.contents().size(), uint64_t{4} << 20);
}

TEST(FileScanner, DamagedObjectsSayWhatIsWrong) {
  elf::ElfLayout layout = elf::BuildElf(ProgramSpec());
  elf::PutNumber(layout.bytes, layout.dynamic_header + 8, uint64_t{1} << 40, 8, true);  // p_offset
  const FileFacts facts = Scan({kPackage + "/x", layout.bytes}, 64);
  ASSERT_GE(facts.defects_size(), 1);
  EXPECT_EQ(facts.defects(0).kind(), Defect::MALFORMED);
  EXPECT_TRUE(facts.has_elf());
  std::string archive = Archive("x");
  archive.replace(8 + 48, 10, "99999999  ");  // ar_size
  EXPECT_THAT(Scan({kPackage + "/x.a", archive}, 7).defects(), SizeIs(::testing::Ge(1)));
}

TEST(FileScanner, MachOClaimsSayWhere) {
  const FileFacts facts = Scan({"/nix/store/x", MachO()}, 7);
  ASSERT_GE(facts.claims_size(), 2);
  EXPECT_EQ(facts.claims(0).context(), "LC_RPATH");
  EXPECT_EQ(facts.claims(1).context(), "LC_LOAD_DYLIB");
  for (int i : {0, 1}) {
    const Claim& claim = facts.claims(i);
    EXPECT_EQ(MachO().substr(claim.offset(), claim.text().size()), claim.text());
  }
  std::string damaged = MachO();
  elf::PutNumber(damaged, 36, 4, 4, true);  // cmdsize
  const FileFacts bad = Scan({"/nix/store/x", damaged}, 7);
  ASSERT_THAT(bad.defects(), SizeIs(1));
  EXPECT_EQ(bad.defects(0).kind(), Defect::MALFORMED);
  EXPECT_EQ(bad.defects(0).offset(), 32);
}

// Larger than is held: told once, however it comes.
TEST(FileScanner, TooLargeAMachOIsALimit) {
  const std::string large = MachO() + std::string(uint64_t{48} << 20, '\0');
  for (size_t piece_size : {size_t{1} << 20, SIZE_MAX}) {
    const FileFacts facts = Scan({"/nix/store/x", large}, piece_size);
    ASSERT_THAT(facts.defects(), SizeIs(1));
    EXPECT_EQ(facts.defects(0).kind(), Defect::LIMIT);
    EXPECT_THAT(facts.defects(0).message(), HasSubstr("at most 50331648"));
    EXPECT_THAT(Claims(facts), ElementsAre("EMBEDDED /usr/lib/libSystem.B.dylib"));
    EXPECT_THAT(References(facts), ElementsAre(kGlibc));
  }
}

// One scanner takes file after file: nothing of one is left in the next.
TEST(FileScanner, FilesDoNotMix) {
  MemoryBudget budget(uint64_t{1} << 20);
  FileScanner scanner(kStore, budget);
  std::vector<FileFacts> facts;
  facts.reserve(2 * std::size(kSamples));
  for (int round = 0; round < 2; ++round) {
    for (const Sample& sample : kSamples) {
      Entry entry;
      entry.path = sample.file.path;
      entry.mode = sample.file.mode;
      entry.size = sample.file.contents.size();
      FileFacts& out = facts.emplace_back();
      out.set_path(entry.path);
      out.set_size(entry.size);
      scanner.Begin(entry, &out);
      // In two pieces, one of which ends inside the head.
      scanner.Data(std::string_view(sample.file.contents).substr(0, 100));
      if (sample.file.contents.size() > 100) {
        scanner.Data(std::string_view(sample.file.contents).substr(100));
      }
      scanner.End(true);
      EXPECT_EQ(out.SerializeAsString(), Scan(sample.file).SerializeAsString()) << sample.name;
    }
  }
}

// All that a scanner takes of the budget it gives back, or the next large file waits for ever.
TEST(FileScanner, TheBudgetIsGivenBack) {
  MemoryBudget budget(200'000);
  const Delivery large = {kPackage + "/x", Program() + std::string(150'000, '\0'), 0555};
  Scan(large, 4096, budget);
  Scan({large.path, large.contents, 0555, large.contents.size() + 1}, 4096, budget);  // ends early
  EXPECT_EQ(budget.Acquire(200'000), 200'000u);                                       // would wait
  budget.Release(200'000);
}

}  // namespace
}  // namespace lre_audit
