#include "audit/trees/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Problem::Kind;

// One line per entry, from either reader.
using Listing = std::vector<
    std::tuple<std::string, char, std::string, uint64_t, unsigned, int64_t, uint64_t, std::string>>;

std::string Normal(const char* path) {
  return path == nullptr ? "" : NormalisedPath(path).value_or("?");
}

Listing ByLibarchive(const std::string& path) {
  Listing listing;
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  EXPECT_EQ(archive_read_open_filename(reader, path.c_str(), 10240), ARCHIVE_OK);
  archive_entry* entry;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    std::string contents;
    const void* data;
    size_t size;
    int64_t offset;
    while (archive_read_data_block(reader, &data, &size, &offset) == ARCHIVE_OK) {
      contents.resize(static_cast<size_t>(offset), '\0');
      contents.append(static_cast<const char*>(data), size);
    }
    const bool hardlink = archive_entry_hardlink(entry) != nullptr;
    char type = '?';
    std::string target;
    if (hardlink) {
      type = 'h';
      target = Normal(archive_entry_hardlink(entry));
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
      type = 'f';
      contents.resize(static_cast<size_t>(archive_entry_size(entry)), '\0');
    } else if (archive_entry_filetype(entry) == AE_IFDIR) {
      type = 'd';
    } else if (archive_entry_filetype(entry) == AE_IFLNK) {
      type = 'l';
      target = archive_entry_symlink(entry);
    } else if (archive_entry_filetype(entry) == AE_IFIFO) {
      type = 'p';
    }
    listing.emplace_back(Normal(archive_entry_pathname(entry)), type, target,
                         static_cast<uint64_t>(archive_entry_uid(entry)),
                         static_cast<unsigned>(archive_entry_perm(entry)),
                         archive_entry_mtime(entry), contents.size(), Sha256Of(contents));
  }
  archive_read_free(reader);
  return listing;
}

Listing ByOurs(const RecordingSink& sink) {
  Listing listing;
  for (const RecordingSink::File& file : sink.files()) {
    char type = '?';
    switch (file.entry.type) {
      case Entry::Type::kRegular:
        type = 'f';
        break;
      case Entry::Type::kDirectory:
        type = 'd';
        break;
      case Entry::Type::kSymlink:
        type = 'l';
        break;
      case Entry::Type::kHardlink:
        type = 'h';
        break;
      case Entry::Type::kFifo:
        type = 'p';
        break;
      default:
        break;
    }
    listing.emplace_back(file.entry.path, type, file.entry.target, file.entry.uid, file.entry.mode,
                         file.entry.mtime, file.bytes, Sha256Of(file.contents));
  }
  return listing;
}

// A tree with all that tar can hold, packed by the real tools.
class RealArchives : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(RealArchives, ReadsWhatLibarchiveReads) {
  const auto& [name, command] = GetParam();
  TemporaryDirectory scratch;
  const bool v7 = std::string_view(name).find("v7") != std::string_view::npos;
  Shell(
      "mkdir -p " + scratch / "t/sub/deep && cd " + scratch / "t" +
      " && echo hello > a && : > empty && head -c 100000 /dev/urandom > random && "
      "head -c 512 /dev/zero > block && ln a sub/hard && ln -s ../a sub/soft && mkfifo sub/fifo && "
      "chmod 4755 a && chmod 700 sub/deep && touch -d @1234567890.5 empty && "
      "truncate -s 300000 holes && printf begin | dd of=holes conv=notrunc status=none && "
      "printf middle | dd of=holes bs=1 seek=131072 conv=notrunc status=none");
  if (!v7) {
    Shell("cd " + scratch / "t" +
          " && d=$(printf 'd%.0s' $(seq 90)) && mkdir -p $d/$d && "
          "echo long > $d/$d/$(printf 'f%.0s' $(seq 60)) && "
          "ln -s $(printf 'target/%.0s' $(seq 40)) longlink");
  }
  // What the older formats cannot hold.
  if (v7) Shell("rm " + scratch / "t/sub/fifo");
  if (std::string_view(name).find("ustar") != std::string_view::npos) {
    Shell("cd " + scratch / "t" +
          " && rm longlink && mv ddd*/ddd* e && rm -r ddd* && "
          "mkdir -p $(printf 'p%.0s' $(seq 90)) && mv e ppp*/");
  }
  const std::string archive = scratch / "x.tar";
  Shell("cd " + scratch / "t" + " && " + command + " " + archive + " .");
  const std::string bytes = ReadFile(archive);
  const Listing expected = ByLibarchive(archive);
  ASSERT_GE(expected.size(), 9u);
  // However the archive is cut into pieces.
  for (const size_t piece : {size_t{1} << 20, size_t{4096}, size_t{511}, size_t{1}}) {
    const ReadTar read(bytes, piece);
    EXPECT_THAT(read.problems, IsEmpty()) << Describe(read.problems);
    EXPECT_EQ(ByOurs(read.sink), expected) << "pieces of " << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tools, RealArchives,
    testing::Values(
        std::tuple("gnu_v7", "tar --format=v7 -cf"),
        std::tuple("gnu_ustar", "tar --format=ustar -cf"),
        std::tuple("gnu_oldgnu", "tar --format=oldgnu -cf"),
        std::tuple("gnu_gnu", "tar --format=gnu -cf"),
        std::tuple("gnu_gnu_sparse", "tar --format=gnu --sparse -cf"),
        std::tuple("gnu_pax", "tar --format=pax -cf"),
        std::tuple("gnu_pax_sparse00", "tar --format=pax --sparse --sparse-version=0.0 -cf"),
        std::tuple("gnu_pax_sparse01", "tar --format=pax --sparse --sparse-version=0.1 -cf"),
        std::tuple("gnu_pax_sparse10", "tar --format=pax --sparse --sparse-version=1.0 -cf"),
        std::tuple("bsd_ustar", "bsdtar --format ustar -cf"),
        std::tuple("bsd_pax", "bsdtar --format pax -cf"),
        std::tuple("bsd_gnutar", "bsdtar --format gnutar -cf"),
        std::tuple("bsd_v7", "bsdtar --format v7 -cf")),
    [](const auto& instance) { return std::string(std::get<0>(instance.param)); });

TEST(TarReader, ManySparseRunsNeedExtensionBlocks) {
  TemporaryDirectory scratch;
  Shell(
      "cd " + scratch.path() +
      " && truncate -s 8M s && for i in $(seq 1 100); do printf x$i | dd of=s "
      "bs=1 seek=$((i*65536)) conv=notrunc status=none; done && tar --format=gnu -S -cf g.tar s && "
      "tar --format=pax -S -cf p.tar s && test $(stat -c %s g.tar) -lt 1000000");
  for (const char* name : {"g.tar", "p.tar"}) {
    const ReadTar read(ReadFile(scratch / name));
    EXPECT_THAT(read.problems, IsEmpty()) << Describe(read.problems);
    ASSERT_EQ(read.sink.files().size(), 1u);
    EXPECT_EQ(read.sink.files()[0].bytes, uint64_t{8} << 20);
    EXPECT_EQ(read.sink.files()[0].contents, ReadFile(scratch / "s").substr(0, 1 << 20));
  }
}

TEST(TarReader, ExtendedAttributes) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() + R"( && echo x > f && python3 -c "
import os
os.setxattr('f', 'user.one', b'1')
os.setxattr('f', 'user.two', b'\0binary=\n')
" && tar --format=pax --xattrs -cf x.tar f)");
  const ReadTar read(ReadFile(scratch / "x.tar"));
  ASSERT_EQ(read.sink.files().size(), 1u) << Describe(read.problems);
  EXPECT_THAT(
      read.sink.files()[0].entry.xattrs,
      testing::UnorderedElementsAre(testing::Pair("user.one", "1"),
                                    testing::Pair("user.two", std::string("\0binary=\n", 9))));
}

TEST(TarReader, NumbersBeyondOctal) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() +
        " && echo x > f && touch -d @-5 f && "
        "tar --format=gnu --owner=:3000000000 --group=:4000000000 -cf x.tar f");
  const ReadTar read(ReadFile(scratch / "x.tar"));
  ASSERT_EQ(read.sink.files().size(), 1u) << Describe(read.problems);
  EXPECT_EQ(read.sink.files()[0].entry.uid, 3000000000u);
  EXPECT_EQ(read.sink.files()[0].entry.gid, 4000000000u);
  EXPECT_EQ(read.sink.files()[0].entry.mtime, -5);
}

TEST(TarReader, Whiteouts) {
  const ReadTar read(TarBuilder()
                         .File("a/.wh.gone", "")
                         .File("a/.wh..wh..opq", "")
                         .File(".wh..wh..opq", "")
                         .File("a/.wh.", "")
                         .File("a/.wh...", "")
                         .File("a/.wh..", "")
                         .File("a/.wh..wh.plnk", "")
                         .File("a/.wh.b/c", "")
                         .File("fine", "")
                         .bytes());
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/a/gone", "/a", "/", "/fine"));
  EXPECT_EQ(read.sink.files()[0].entry.type, Entry::Type::kWhiteout);
  EXPECT_EQ(read.sink.files()[1].entry.type, Entry::Type::kOpaque);
  EXPECT_EQ(read.sink.files()[2].entry.type, Entry::Type::kOpaque);
  EXPECT_EQ(read.problems.size(), 5u) << Describe(read.problems);
}

TEST(TarReader, RefusesBadNamesAndGoesOn) {
  const ReadTar read(TarBuilder()
                         .File("../../etc/passwd", "evil")
                         .File("a/../b", "evil")
                         .File("", "evil")
                         .File("//x//./y", "good")
                         .Add({.name = "link", .type = '1', .link = "../outside"})
                         .Add({.name = "soft", .type = '2', .link = "../../outside"})
                         .Add({.name = "odd", .type = 'Z'}, "data of an unknown type")
                         .Add({.name = "owner", .uid = "9999999"}, "data")
                         .File("last", "end")
                         .bytes());
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/x/y", "/soft", "/last"));
  EXPECT_EQ(read.sink.Find("/last")->contents, "end");
  EXPECT_EQ(read.sink.Find("/soft")->entry.target, "../../outside");
  EXPECT_EQ(read.problems.size(), 6u) << Describe(read.problems);
  for (const Problem& problem : read.problems) EXPECT_EQ(problem.kind, Kind::kMalformed);
  EXPECT_EQ(read.problems[1].offset, 1024u);
}

// CVE-2025-62518: the PAX size counts, not the zero in the header, so the inner archive stays
// contents.
TEST(TarReader, PaxSizeOverridesTheHeader) {
  const std::string inner = TarBuilder().File("smuggled", "x").bytes();
  const std::string tar = TarBuilder()
                              .Pax({{"size", std::to_string(inner.size())}})
                              .Add({.name = "carrier", .size = "00000000000"})
                              .Raw(inner)
                              .File("after", "y")
                              .bytes();
  const ReadTar read(tar);
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/carrier", "/after"));
  EXPECT_EQ(read.sink.Find("/carrier")->contents, inner);
  EXPECT_THAT(read.problems, IsEmpty()) << Describe(read.problems);
}

// CVE-2026-53655: a PAX size is the next entry's, not that of a long-name header between.
TEST(TarReader, PaxSizeDoesNotApplyToLongNames) {
  const ReadTar read(
      TarBuilder()
          .Pax({{"size", "3"}})
          .Add({.name = "././@LongLink", .type = 'L'}, std::string("long-name\0", 10))
          .Add({.name = "short", .size = "00000000000"})
          .Raw(std::string("abc") + std::string(509, '\0'))
          .File("after", "y")
          .bytes());
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/long-name", "/after"));
  EXPECT_EQ(read.sink.Find("/long-name")->contents, "abc");
}

TEST(TarReader, MalformedExtensionsStopTheReading) {
  for (const std::string& data :
       {std::string("garbage"), std::string("8 path=x\n"), std::string("99999 path=x\n"),
        std::string("10 path=xx"), std::string("9 =abcde\n"), std::string("11 size=-1\n"),
        std::string("0 "), std::string("30 mtime=99999999999999999999\n"),
        std::string("12 path=a\0b\n", 12), std::string("23 GNU.sparse.map=1,2,3\n")}) {
    const ReadTar read(
        TarBuilder().Add({.name = "p", .type = 'x'}, data).File("hidden", "x").bytes());
    EXPECT_THAT(read.sink.Paths(), IsEmpty()) << data;
    EXPECT_TRUE(HasProblem(read.problems, Kind::kUnreadable, "PAX record at 0")) << data;
  }
}

TEST(TarReader, DataOnLinksAreReportedAndDoNotShiftTheRest) {
  TarBuilder::Header link{.name = "l", .type = '2', .link = "t", .size = "00000001000"};
  // With data behind it, and without.
  for (const std::string& data : {std::string(512, 'd'), std::string()}) {
    const ReadTar read(TarBuilder().Add(link).Raw(data).File("after", "x").bytes());
    EXPECT_THAT(read.sink.Paths(), ElementsAre("/l", "/after"));
    EXPECT_TRUE(HasProblem(read.problems, Kind::kMalformed, "readers disagree"));
  }
}

TEST(TarReader, BadChecksumStopsTheReading) {
  const ReadTar read(TarBuilder()
                         .File("good", "x")
                         .Add({.name = "bad", .checksum = "0000000"})
                         .File("unseen", "x")
                         .bytes());
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/good"));
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_EQ(read.problems[0].kind, Kind::kUnreadable);
  EXPECT_EQ(read.problems[0].offset, 1024u);
}

TEST(TarReader, DataAfterTheEnd) {
  const std::string archive = TarBuilder().File("a", "x").End().bytes();
  EXPECT_THAT(ReadTar(archive + std::string(9000, '\0')).problems, IsEmpty());
  const ReadTar read(archive + std::string(512, '\0') + TarBuilder().File("b", "y").bytes());
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/a"));
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_EQ(read.problems[0].kind, Kind::kTrailingData);
  EXPECT_EQ(read.problems[0].offset, archive.size() + 512);
}

TEST(TarReader, HugeClaimsAllocateNothing) {
  TreeLimits limits;
  const ReadTar long_name(
      TarBuilder().Add({.name = "L", .type = 'L', .size = "77777777777"}).bytes(), 4096, limits);
  EXPECT_TRUE(HasProblem(long_name.problems, Kind::kLimit, "extended headers"));
  const ReadTar file(TarBuilder().Add({.name = "f", .size = "77777777777"}, "short").bytes());
  ASSERT_EQ(file.sink.files().size(), 1u);
  EXPECT_FALSE(file.sink.files()[0].complete);
  EXPECT_TRUE(HasProblem(file.problems, Kind::kUnreadable, "bytes before the end of \"/f\""));
  const ReadTar negative(TarBuilder().Add({.name = "f", .size = std::string(12, '\xff')}).bytes());
  EXPECT_TRUE(HasProblem(negative.problems, Kind::kUnreadable, "size is negative"));
  const ReadTar sparse(
      TarBuilder()
          .Pax({{"GNU.sparse.size", "4611686018427387904"}, {"GNU.sparse.map", "0,1"}})
          .File("holes", "x")
          .File("after", "y")
          .bytes());
  EXPECT_TRUE(HasProblem(sparse.problems, Kind::kLimit, "holes"));
  EXPECT_FALSE(sparse.sink.Find("/holes")->complete);
  EXPECT_EQ(sparse.sink.Find("/after")->contents, "y");
}

TEST(TarReader, SparseMapsThatDoNotFit) {
  for (const char* map : {"0,2", "5,1,0,0", "0,1,0,1", "18446744073709551615,1", "99,1"}) {
    const ReadTar read(TarBuilder()
                           .Pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.map", map}})
                           .File("s", "x")
                           .bytes());
    EXPECT_THAT(read.sink.Paths(), IsEmpty()) << map;
    EXPECT_FALSE(read.problems.empty()) << map;
  }
}

TEST(TarReader, EntryLimit) {
  TreeLimits limits;
  limits.layer_entries = 2;
  const ReadTar read(TarBuilder().File("a", "").File("b", "").File("c", "").bytes(), 4096, limits);
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/a", "/b"));
  EXPECT_TRUE(HasProblem(read.problems, Kind::kLimit, "more than 2 entries"));
}

TEST(TarReader, MetadataLimit) {
  TreeLimits limits;
  limits.layer_metadata_bytes = 20;
  const ReadTar read(TarBuilder()
                         .File("a", "")
                         .Add({.name = "l", .type = '2', .link = "ten bytes!"})
                         .Pax({{"SCHILY.xattr.user.x", "y"}})
                         .File("b", "contents")
                         .File("c", "")
                         .bytes(),
                     4096, limits);
  EXPECT_THAT(read.sink.Paths(), ElementsAre("/a", "/l"));
  ASSERT_EQ(read.problems.size(), 1u) << Describe(read.problems);
  EXPECT_TRUE(HasProblem(read.problems, Kind::kLimit, "23 bytes up to \"/b\", more than 20"));
  limits.layer_metadata_bytes = 14;
  const ReadTar fits(
      TarBuilder().File("a", "").Add({.name = "l", .type = '2', .link = "ten bytes!"}).bytes(),
      4096, limits);
  EXPECT_THAT(fits.problems, IsEmpty());
}

TEST(TarReader, WhatCutTheArchiveIsOneProblemWithWhatWasOpen) {
  const std::string bytes = TarBuilder().File("a", std::string(2000, 'x')).File("b", "").bytes();
  for (const bool limit : {true, false}) {
    const absl::Status cut =
        limit ? absl::ResourceExhaustedError("too much") : absl::DataLossError("truncated");
    for (const size_t size : {1000, 2560}) {
      RecordingSink sink;
      std::vector<Problem> problems;
      TarReader reader("x.tar", TarReader::Flavour::kLayer, {}, sink, problems);
      reader.Push(std::string_view(bytes).substr(0, size));
      reader.Finish(cut);
      ASSERT_EQ(problems.size(), 1u) << Describe(problems);
      EXPECT_EQ(problems[0].kind, limit ? Kind::kLimit : Kind::kUnreadable);
      EXPECT_EQ(problems[0].message,
                (size == 1000 ? "the archive ends 1512 bytes before the end of \"/a\" (2000 "
                                "bytes): "
                              : "") +
                    std::string(cut.message()));
    }
  }
}

// Cut anywhere: no crash, and either a problem or, at the border of an entry, nothing amiss.
TEST(TarReader, TruncatedEverywhere) {
  TemporaryDirectory scratch;
  Shell("mkdir " + scratch / "t && cd " + scratch / "t && echo hello > a && ln -s a " +
        "$(printf 'n%.0s' $(seq 150)) && truncate -s 100000 holes && echo end >> holes && "
        "tar --format=gnu -S -cf ../g.tar . && tar --format=pax -S -cf ../p.tar .");
  for (const char* name : {"g.tar", "p.tar"}) {
    const std::string bytes = ReadFile(scratch / name);
    const size_t entries = ReadTar(bytes).sink.files().size();
    const size_t last = bytes.find_last_not_of('\0');
    for (size_t size = 0; size < bytes.size(); size += size % 512 == 511 || size % 64 ? 1 : 63) {
      const ReadTar read(std::string_view(bytes).substr(0, size));
      EXPECT_LE(read.sink.files().size(), entries);
      for (const auto& file : read.sink.files()) {
        if (file.complete) continue;
        EXPECT_TRUE(
            HasProblem(read.problems, Kind::kUnreadable, "\"" + file.entry.path.substr(0, 99)))
            << name << " cut at " << size << "\n"
            << Describe(read.problems);
      }
      if (size % 512 != 0 && size <= last) {
        EXPECT_FALSE(read.problems.empty()) << name << " cut at " << size;
      }
    }
  }
}

// What only overlayfs believes.
TEST(TarReader, AttributesOfOverlayfs) {
  for (const char* name : {"trusted.overlay.opaque", "trusted.overlay.redirect",
                           "user.overlay.metacopy", "user.fuseoverlayfs.opaque"}) {
    const ReadTar read(TarBuilder()
                           .Pax({{std::string("SCHILY.xattr.") + name, "y"}})
                           .Add({.name = "d/", .type = '5'})
                           .End()
                           .bytes());
    ASSERT_EQ(read.problems.size(), 1u) << name << Describe(read.problems);
    EXPECT_TRUE(HasProblem(read.problems, Kind::kViewsDisagree, name));
    EXPECT_THAT(read.sink.Paths(), ElementsAre("/d"));
  }
  for (const char* name : {"trusted.overlay.origin", "user.opaque", "security.capability"}) {
    const ReadTar read(TarBuilder()
                           .Pax({{std::string("SCHILY.xattr.") + name, "y"}})
                           .Add({.name = "d/", .type = '5'})
                           .End()
                           .bytes());
    EXPECT_THAT(read.problems, IsEmpty()) << name;
  }
}

// Any single byte changed: never a crash, never an unbalanced sink.
TEST(TarReader, CorruptedEverywhere) {
  const std::string good = TarBuilder()
                               .Pax({{"path", "p/q"}, {"SCHILY.xattr.user.x", "y"}})
                               .File("a", "hello")
                               .Add({.name = "l", .type = '1', .link = "a"})
                               .End()
                               .bytes();
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      const ReadTar read(bad);
      for (const auto& file : read.sink.files())
        EXPECT_EQ(file.entry.path.find(".."), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace lre_audit
