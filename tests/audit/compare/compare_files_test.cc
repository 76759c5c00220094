// Two trees in memory that differ in one thing each time.
#include "audit/compare/compare_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audit/scan/fake_tree.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "path: what a -> b", with line or offset where there is one.
std::vector<std::string> Differences(const FakeTree& a, const FakeTree& b,
                                     const ElfFacts* elf_a = nullptr,
                                     const ElfFacts* elf_b = nullptr) {
  const ContentIndex in_a = ReadContentIndex(a, {}), in_b = ReadContentIndex(b, {});
  const FilesSide side_a{&a, &in_a, [&](const std::string&) { return elf_a; }};
  const FilesSide side_b{&b, &in_b, [&](const std::string&) { return elf_b; }};
  std::vector<std::string> lines;
  for (const FileDifference& file : CompareFiles(side_a, side_b, 2)) {
    for (const Change& change : file.changes()) {
      std::string line = file.path() + ": " + change.what();
      if (change.line() > 0) {
        line += " line " + std::to_string(change.line());
      } else if (change.what() == "contents") {
        line += " at " + std::to_string(static_cast<int>(change.offset()));
      }
      lines.push_back(line + " " + change.a() + " -> " + change.b());
    }
  }
  return lines;
}

void Fill(FakeTree& tree, const std::string& program) {
  tree.Layer().Directory("/s").Executable("/s/bin", program).File("/s/text", "a\nb\nc\n");
  tree.Symlink("/s/link", "text");
}

TEST(CompareFiles, TheSame) {
  FakeTree a, b;
  Fill(a, "program");
  Fill(b, "program");
  EXPECT_THAT(Differences(a, b), IsEmpty());
}

TEST(CompareFiles, TheFirstLineThatDiffers) {
  FakeTree a, b;
  a.Layer().File("/text", "a\nb\nc\nd\n");
  b.Layer().File("/text", "a\nb\nx\ny\n");
  EXPECT_THAT(Differences(a, b), ElementsAre("/text: contents line 3 c -> x"));
}

TEST(CompareFiles, ALineOnOneSideOnly) {
  FakeTree a, b, empty;
  a.Layer().File("/text", "a\nb\n");
  b.Layer().File("/text", "a\nb\nmore\n");
  empty.Layer().File("/text", "");
  EXPECT_THAT(Differences(a, b), ElementsAre("/text: contents line 3  -> more"));
  EXPECT_THAT(Differences(empty, a), ElementsAre("/text: contents line 1  -> a"));
}

// Wherever the difference lies to the blocks in which contents are digested.
TEST(CompareFiles, LinesAndOffsetsFarIntoAFile) {
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += "line " + std::to_string(i) + "\n";
  for (const size_t offset :
       {size_t{0}, size_t{100}, size_t{kContentBlock - 1}, size_t{kContentBlock},
        size_t{2 * kContentBlock + 1}, text.size() - 2}) {
    std::string changed = text;
    changed[offset] = changed[offset] == '#' ? '!' : '#';
    const size_t begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
    const size_t end = text.find('\n', offset);
    const size_t changed_end = changed.find('\n', offset);
    const auto line = std::count(text.begin(), text.begin() + offset, '\n') + 1;
    FakeTree a, b;
    a.Layer().File("/f", text);
    b.Layer().File("/f", changed);
    EXPECT_THAT(Differences(a, b), ElementsAre("/f: contents line " + std::to_string(line) + " " +
                                               text.substr(begin, end - begin) + " -> " +
                                               changed.substr(begin, changed_end - begin)));

    // The same lines in a file that is no text.
    FakeTree binary_a, binary_b;
    binary_a.Layer().File("/f", text + '\0');
    binary_b.Layer().File("/f", changed + '\0');
    const std::vector<std::string> lines = Differences(binary_a, binary_b);
    ASSERT_EQ(lines.size(), 1);
    EXPECT_THAT(lines[0], ::testing::StartsWith("/f: contents at " + std::to_string(offset) + " "));
  }
}

TEST(CompareFiles, ALongLineIsShortened) {
  FakeTree a, b;
  const std::string head(5000, '<'), tail(5000, '>');
  a.Layer().File("/f", head + "A" + tail);
  b.Layer().File("/f", head + "B" + tail);
  const std::string shown_head(40, '<'), shown_tail(79, '>');
  EXPECT_THAT(Differences(a, b),
              ElementsAre("/f: contents line 1 ..." + shown_head + "A" + shown_tail + "... -> ..." +
                          shown_head + "B" + shown_tail + "..."));
}

TEST(CompareFiles, BinaryContents) {
  FakeTree a, b;
  a.Layer().File("/f", std::string("abc\0\1\2", 6));
  b.Layer().File("/f", std::string("abc\0\1\xff"
                                   "def",
                                   9));
  EXPECT_THAT(Differences(a, b), ElementsAre("/f: contents at 5 02 -> ff 64 65 66"));
}

TEST(CompareFiles, Modes) {
  FakeTree a, b;
  a.Layer().Directory("/s").File("/s/x", "x", 0555).File("/s/y", "y", 0444).File("/s/z", "", 0444);
  b.Layer().Directory("/s").File("/s/x", "x", 0755).File("/s/y", "y", 0555).File("/s/z", "", 0444);
  b.items(0)[0].entry.mode = 0755;
  EXPECT_THAT(Differences(a, b), ElementsAre("/s: mode 0555 -> 0755", "/s/x: mode 0555 -> 0755",
                                             "/s/y: executable bit 0444 -> 0555"));
}

TEST(CompareFiles, ADirectoryThatIsOnlyImpliedHasNoMode) {
  FakeTree a, b;
  a.Layer().Directory("/s").File("/s/x", "x");
  b.Layer().File("/s/x", "x");
  EXPECT_THAT(Differences(a, b), IsEmpty());
}

TEST(CompareFiles, SymlinksAndKinds) {
  FakeTree a, b;
  a.Layer()
      .Symlink("/link", "x")
      .Symlink("/other", "y")
      .Directory("/d")
      .File("/d/f", "")
      .File("/e", "");
  b.Layer()
      .Symlink("/link", "z")
      .File("/other", "y")
      .File("/d", "")
      .Directory("/e")
      .File("/e/g", "");
  EXPECT_THAT(Differences(a, b),
              ElementsAre("/d: kind directory -> file", "/e: kind file -> directory",
                          "/link: symlink target x -> z", "/other: kind symlink to y -> file"));
}

TEST(CompareFiles, OnOneSideOnly) {
  FakeTree a, b;
  a.Layer().Directory("/d").File("/d/1", "").File("/d/2", "").File("/z", "");
  b.Layer().File("/m", "").File("/z", "");
  EXPECT_THAT(Differences(a, b),
              ElementsAre("/d: presence directory of 2 entries -> ", "/m: presence  -> file"));
}

TEST(CompareFiles, ObjectsDifferInWhatTheLoaderReads) {
  FakeTree a, b;
  Fill(a, std::string("\x7f\0program", 9));
  Fill(b, std::string("\x7f\0another", 9));
  ElfFacts elf_a, elf_b;
  elf_a.mutable_runpath()->set_value("/nix/store/a/lib");
  elf_b.mutable_runpath()->set_value("/nix/store/b/lib");
  elf_a.add_needed()->set_value("libc.so.6");
  elf_b.add_needed()->set_value("libc.so.6");
  elf_b.add_needed()->set_value("libz.so.1");
  elf_b.set_build_id("abcd");
  elf_a.mutable_interpreter()->set_value("/lib/ld.so");
  EXPECT_THAT(
      Differences(a, b, &elf_a, &elf_b),
      ElementsAre("/s/bin: interpreter /lib/ld.so -> ",
                  "/s/bin: RUNPATH /nix/store/a/lib -> /nix/store/b/lib",
                  "/s/bin: NEEDED libc.so.6 -> libc.so.6, libz.so.1", "/s/bin: build ID  -> abcd"));
  // Equal to the loader: then it is a matter of bytes.
  EXPECT_THAT(Differences(a, b, &elf_a, &elf_a),
              ElementsAre(::testing::StartsWith("/s/bin: contents at ")));
}

// What ends early is its side's problem: nobody knows whether it differs.
TEST(CompareFiles, ContentsThatCannotBeRead) {
  FakeTree a, b;
  a.Layer().Truncated("/f", "abc", 10);
  b.Layer().File("/f", "abcdefghij");
  EXPECT_THAT(Differences(a, b), IsEmpty());
}

// More files than are opened: all are told.
TEST(CompareFiles, VeryManyFiles) {
  FakeTree a, b;
  a.Layer(), b.Layer();
  for (int i = 0; i < 5000; ++i) {
    a.File("/f" + std::to_string(i), "a");
    b.File("/f" + std::to_string(i), "b");
  }
  EXPECT_EQ(Differences(a, b).size(), 5000);
}

}  // namespace
}  // namespace lre_audit
