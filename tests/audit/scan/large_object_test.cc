// Objects too large to be held, and the bound on what is held.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "audit/scan/file_scanner.h"
#include "audit/scan/kept_ranges.h"
#include "audit/scan/memory_budget.h"
#include "tests/elf/elf_builder.h"

namespace lre_audit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kMiB = uint64_t{1} << 20;

uint64_t Total(const std::vector<Range>& ranges) {
  uint64_t total = 0;
  for (const Range& range : ranges) total += range.end - range.begin;
  return total;
}

bool Holds(const std::vector<Range>& ranges, uint64_t begin, uint64_t end) {
  for (const Range& range : ranges) {
    if (range.begin <= begin && end <= range.end) return true;
  }
  return false;
}

void ExpectSortedAndDisjoint(const std::vector<Range>& ranges, uint64_t size) {
  for (size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_LE(ranges[i].begin, ranges[i].end);
    EXPECT_LE(ranges[i].end, size);
    if (i > 0) {
      EXPECT_LT(ranges[i - 1].end, ranges[i].begin);
    }
  }
}

// An object with a hole: what stands behind the program headers is moved away by `gap` bytes, so
// that its dynamic section and strings lie there. PT_LOAD and addresses follow.
struct Sparse {
  std::map<uint64_t, std::string> pieces;  // by offset; zeros between
  uint64_t size = 0;
};

elf::ElfSpec LibrarySpec(bool is_64, bool little) {
  elf::ElfSpec spec;
  spec.is_64 = is_64;
  spec.is_little_endian = little;
  spec.interpreter = "/nix/store/x/lib/ld.so";
  spec.runpath = "/opt/lib";
  spec.needed = {"libc.so.6"};
  return spec;
}

struct Header {
  uint64_t table = 0, entry = 0, count = 0;
};

uint64_t Number(const std::string& bytes, uint64_t at, int width, bool little) {
  uint64_t value = 0;
  for (int i = 0; i < width; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + (little ? width - 1 - i : i)]);
  }
  return value;
}

Header HeaderOf(const std::string& bytes, bool is_64, bool little) {
  return {Number(bytes, is_64 ? 32 : 28, is_64 ? 8 : 4, little),
          Number(bytes, is_64 ? 54 : 42, 2, little), Number(bytes, is_64 ? 56 : 44, 2, little)};
}

// Moves the segment of `type` (PT_DYNAMIC 2, PT_INTERP 3) to `where`, with its bytes; PT_LOAD
// covers the whole file, and addresses follow offsets. From then on only the program header leads
// there.
void MoveSegment(const elf::ElfSpec& spec, std::string& bytes, uint32_t type, uint64_t where,
                 Sparse& out) {
  const bool little = spec.is_little_endian;
  const int width = spec.is_64 ? 8 : 4;
  const Header header = HeaderOf(bytes, spec.is_64, little);
  for (uint64_t i = 0; i < header.count; ++i) {
    const uint64_t at = header.table + i * header.entry;
    const uint64_t offset_at = at + (spec.is_64 ? 8 : 4), address_at = at + (spec.is_64 ? 16 : 8);
    const uint64_t size_at = at + (spec.is_64 ? 32 : 16);
    const uint64_t this_type = Number(bytes, at, 4, little);
    if (this_type == 1) {  // PT_LOAD
      elf::PutNumber(bytes, size_at, out.size, width, little);
      elf::PutNumber(bytes, size_at + width, out.size, width, little);
    }
    if (this_type != type) continue;
    const uint64_t offset = Number(bytes, offset_at, width, little);
    const uint64_t address = Number(bytes, address_at, width, little);
    const uint64_t size = Number(bytes, size_at, width, little);
    out.pieces[where] = bytes.substr(offset, size);
    bytes.replace(offset, size, size, '\xee');  // not there any more
    elf::PutNumber(bytes, offset_at, where, width, little);
    elf::PutNumber(bytes, address_at, address - offset + where, width, little);
  }
}

FileFacts Scan(const Sparse& sparse, MemoryBudget& budget) {
  Entry entry;
  entry.path = "/nix/store/x/lib/huge.so";
  entry.size = sparse.size;
  FileFacts facts;
  FileScanner scanner("/nix/store", budget);
  scanner.Begin(entry, &facts);
  // Pieces that share no boundary with anything in the file.
  const uint64_t step = kMiB + 4099;
  for (uint64_t at = 0; at < sparse.size; at += step) {
    std::string piece(std::min(step, sparse.size - at), '\0');
    for (const auto& [offset, bytes] : sparse.pieces) {
      for (size_t i = 0; i < bytes.size(); ++i) {
        const uint64_t position = offset + i;
        if (position >= at && position < at + piece.size()) piece[position - at] = bytes[i];
      }
    }
    scanner.Data(piece);
  }
  scanner.End(true);
  return facts;
}

TEST(LargeObject, SegmentsInTheMiddleAreFound) {
  for (const auto& [is_64, little] : {std::pair(true, true), std::pair(false, false)}) {
    SCOPED_TRACE(is_64 ? "64 bit" : "32 bit big-endian");
    const elf::ElfSpec spec = LibrarySpec(is_64, little);
    std::string bytes = elf::BuildElf(spec).bytes;
    Sparse sparse;
    sparse.size = 52 * kMiB + 17;
    MoveSegment(spec, bytes, 2, 36 * kMiB - 8, sparse);
    MoveSegment(spec, bytes, 3, 37 * kMiB - 3, sparse);
    sparse.pieces[0] = bytes;
    MemoryBudget budget(96 * kMiB);
    const FileFacts facts = Scan(sparse, budget);
    EXPECT_THAT(facts.defects(), IsEmpty()) << facts.defects(0).message();
    EXPECT_EQ(facts.elf().interpreter().value(), "/nix/store/x/lib/ld.so");
    EXPECT_EQ(facts.elf().interpreter().offset(), 37 * kMiB - 3);
    EXPECT_EQ(facts.elf().runpath().value(), "/opt/lib");
    ASSERT_EQ(facts.elf().needed_size(), 1);
    EXPECT_EQ(facts.elf().needed(0).value(), "libc.so.6");
  }
}

// A dynamic section larger than what headers may add is not held, and that is told.
TEST(LargeObject, WhatIsNotHeldIsADefect) {
  const elf::ElfSpec spec = LibrarySpec(true, true);
  elf::ElfLayout layout = elf::BuildElf(spec);
  Sparse sparse;
  sparse.size = 52 * kMiB;
  MoveSegment(spec, layout.bytes, 2, 33 * kMiB, sparse);
  elf::PutNumber(layout.bytes, layout.dynamic_header + 32, 5 * kMiB, 8, true);  // p_filesz
  sparse.pieces[0] = layout.bytes;
  MemoryBudget budget(96 * kMiB);
  const FileFacts facts = Scan(sparse, budget);
  ASSERT_GE(facts.defects_size(), 1);
  EXPECT_EQ(facts.defects(0).kind(), Defect::LIMIT) << facts.defects(0).message();
}

TEST(KeptRanges, SmallObjectsAreHeldWhole) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, kWholeObject}) {
    const std::vector<Range> ranges = KeptRanges(
        "\x7f"
        "ELF",
        size);
    ASSERT_EQ(ranges.size(), 1u);
    EXPECT_EQ(ranges[0].begin, 0u);
    EXPECT_EQ(ranges[0].end, size);
  }
}

TEST(KeptRanges, LargeOnesAtBothEndsAndWhereHeadersPoint) {
  elf::ElfLayout layout = elf::BuildElf(LibrarySpec(true, true));
  const uint64_t size = 1000 * kMiB;
  elf::PutNumber(layout.bytes, layout.dynamic_header + 8, 500 * kMiB, 8, true);
  const std::vector<Range> ranges = KeptRanges(layout.bytes, size);
  ExpectSortedAndDisjoint(ranges, size);
  EXPECT_TRUE(Holds(ranges, 0, 32 * kMiB));
  EXPECT_TRUE(Holds(ranges, size - 12 * kMiB, size));
  EXPECT_TRUE(Holds(ranges, 500 * kMiB, 500 * kMiB + 16));
  EXPECT_LE(Total(ranges), kWholeObject);
  // A head too short for the header, and any bytes at all.
  ExpectSortedAndDisjoint(KeptRanges(layout.bytes.substr(0, 20), size), size);
}

// Whatever the program headers say: sorted, disjoint, inside the file, within the bound.
TEST(KeptRanges, HostileHeaders) {
  const uint64_t kHuge[] = {0,
                            1,
                            0x40,
                            33 * kMiB,
                            60 * kMiB - 1,
                            60 * kMiB,
                            uint64_t{1} << 63,
                            ~uint64_t{0},
                            ~uint64_t{0} - 63};
  const uint64_t size = 60 * kMiB;
  for (uint64_t table : kHuge) {
    for (uint64_t entry : {0, 31, 32, 56, 57, 0xffff}) {
      for (uint64_t offset : kHuge) {
        for (uint64_t length : kHuge) {
          std::string head = elf::BuildElf(LibrarySpec(true, true)).bytes;
          head.resize(4096);
          elf::PutNumber(head, 32, table, 8, true);
          elf::PutNumber(head, 54, entry, 2, true);
          elf::PutNumber(head, 56, 0xffff, 2, true);
          for (uint64_t at = 64; at + 56 <= head.size(); at += 56) {
            elf::PutNumber(head, at, 4, 4, true);  // PT_NOTE
            elf::PutNumber(head, at + 8, offset, 8, true);
            elf::PutNumber(head, at + 32, length, 8, true);
          }
          const std::vector<Range> ranges = KeptRanges(head, size);
          ExpectSortedAndDisjoint(ranges, size);
          EXPECT_LE(Total(ranges), kWholeObject);
          EXPECT_TRUE(Holds(ranges, 0, 32 * kMiB));
        }
      }
    }
  }
}

TEST(MemoryBudget, NeverMoreThanThereIs) {
  MemoryBudget budget(1000);
  std::atomic<uint64_t> held = 0, most = 0;
  std::vector<std::thread> threads;
  for (uint64_t wanted : {100, 400, 700, 1000, 5000}) {
    threads.emplace_back([&, wanted] {
      for (int i = 0; i < 200; ++i) {
        const uint64_t taken = budget.Acquire(wanted);
        EXPECT_EQ(taken, std::min<uint64_t>(wanted, 1000));
        const uint64_t now = held += taken;
        uint64_t seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        held -= taken;
        budget.Release(taken);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 1000u);
  EXPECT_GT(most, 0u);
  EXPECT_EQ(budget.Acquire(1000), 1000u);
}

}  // namespace
}  // namespace lre_audit
