// The loader's search, behaviour by behaviour, on trees in memory: each row is something that a
// well-known tool gets wrong, or one of libtree's own cases.
#include "elf/search.h"

#include <elf.h>

#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/elf/fake_view.h"

namespace lre_audit::elf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGlibc[] = "/glibc/lib/ld-linux-x86-64.so.2";
constexpr char kMusl[] = "/musl/lib/ld-musl-x86_64.so.1";

ElfSpec GlibcLoader() {
  ElfSpec spec;
  spec.soname = "ld-linux-x86-64.so.2";
  using namespace std::string_literals;
  spec.rodata =
      "\0/sys/lib/\0/sys/usr/lib/\0\0"
      "ORIGIN\0PLATFORM\0LIB\0lib/multi\0"
      "/glibc/etc/ld.so.cache\0/etc/ld-nix.so.preload\0"
      "ld.so (GNU libc) stable release version 2.42.\n\0"s;
  return spec;
}

ElfSpec MuslLoader() {
  ElfSpec spec;
  using namespace std::string_literals;
  spec.rodata = "\0/etc/ld-musl-x86_64.path\0/lib:/usr/local/lib:/usr/lib\0001.2.3\0"s;
  return spec;
}

ElfSpec Program(std::vector<std::string> needed, const char* interpreter = kGlibc) {
  ElfSpec spec;
  spec.interpreter = interpreter;
  spec.needed = std::move(needed);
  return spec;
}

ElfSpec Lib(std::vector<std::string> needed = {}) {
  ElfSpec spec;
  spec.needed = std::move(needed);
  return spec;
}

ElfSpec With(ElfSpec spec, const std::function<void(ElfSpec&)>& change) {
  change(spec);
  return spec;
}
ElfSpec Rpath(ElfSpec spec, const char* path) {
  spec.rpath = path;
  return spec;
}
ElfSpec Runpath(ElfSpec spec, const char* path) {
  spec.runpath = path;
  return spec;
}

struct Row {
  const char* name;
  std::function<void(FakeView&)> fill;  // /p/bin/main is the program
  const char* library;
  const char* path;  // "" where it is not found
  FoundBy found_by;
};

class TableTest : public testing::TestWithParam<Row> {};

TEST_P(TableTest, Finds) {
  const Row& row = GetParam();
  FakeView view;
  view.Add(kGlibc, GlibcLoader());
  view.Add(kMusl, MuslLoader());
  row.fill(view);
  SearchOptions options;
  options.working_directory = "/cwd";
  const auto process = Load(view, "/p/bin/main", options);
  ASSERT_TRUE(process.ok()) << process.status();
  for (const Library& library : process->libraries) {
    if (library.name != row.library) continue;
    EXPECT_EQ(library.path, row.path) << library.problem;
    EXPECT_EQ(FoundByName(library.found_by), FoundByName(row.found_by));
    return;
  }
  ADD_FAILURE() << row.library << " was never asked for";
}

const Row kRows[] = {
    {"GrandparentsRpath",
     [](FakeView& v) {
       v.Add("/p/bin/main", Rpath(Program({"liba.so"}), "/r"));
       v.Add("/r/liba.so", Lib({"libb.so"}));
       v.Add("/r/libb.so", Lib());
     },
     "libb.so", "/r/libb.so", FoundBy::kRpath},
    {"IntermediateParentsRpath",
     [](FakeView& v) {
       v.Add("/p/bin/main", Rpath(Program({"liba.so"}), "/r"));
       v.Add("/r/liba.so", Rpath(Lib({"libb.so"}), "/mid"));
       v.Add("/mid/libb.so", Lib({"libc.so"}));
       v.Add("/mid/libc.so", Lib());
     },
     "libc.so", "/mid/libc.so", FoundBy::kRpath},
    {"OwnRunpathHidesAncestorsRpath",
     [](FakeView& v) {
       v.Add("/p/bin/main", Rpath(Program({"liba.so"}), "/r"));
       v.Add("/r/liba.so", Runpath(Lib({"libb.so"}), "/none"));
       v.Add("/r/libb.so", Lib());
     },
     "libb.so", "", FoundBy::kNotFound},
    {"AncestorsRpathIsVoidIfItHasRunpath",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Rpath(Program({"liba.so"}), "/r"), "/run"));
       v.Add("/run/liba.so", Lib({"libb.so"}));
       v.Add("/r/libb.so", Lib());
     },
     "libb.so", "", FoundBy::kNotFound},
    {"BothTagsOnOneObject",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Rpath(Program({"liba.so"}), "/r"), "/run"));
       v.Add("/r/liba.so", Lib());
       v.Add("/run/liba.so", Lib());
     },
     "liba.so", "/run/liba.so", FoundBy::kRunpath},
    {"RunpathIsNotInherited",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/run"));
       v.Add("/run/liba.so", Lib({"libb.so"}));
       v.Add("/run/libb.so", Lib());
     },
     "libb.so", "", FoundBy::kNotFound},
    {"RpathOrder",
     [](FakeView& v) {
       v.Add("/p/bin/main", Rpath(Program({"liba.so"}), "/1:/2"));
       v.Add("/1/liba.so", Lib());
       v.Add("/2/liba.so", Lib());
     },
     "liba.so", "/1/liba.so", FoundBy::kRpath},
    {"EmptyComponentIsTheWorkingDirectory",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), ":/run"));
       v.Add("/cwd/liba.so", Lib());
       v.Add("/run/liba.so", Lib());
     },
     "liba.so", "/cwd/liba.so", FoundBy::kRunpath},
    {"WhollyEmptyStringIsIgnored",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), ""));
       v.Add("/cwd/liba.so", Lib());
       v.Add("/sys/lib/liba.so", Lib());
     },
     "liba.so", "/sys/lib/liba.so", FoundBy::kDefault},
    {"Origin",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "$ORIGIN/../lib"));
       v.Add("/p/lib/liba.so", Lib());
     },
     "liba.so", "/p/bin/../lib/liba.so", FoundBy::kRunpath},
    {"OriginInBraces",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "${ORIGIN}x"));
       v.Add("/p/binx/liba.so", Lib());
     },
     "liba.so", "/p/binx/liba.so", FoundBy::kRunpath},
    {"OriginalIsNotOrigin",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/x/$ORIGINAL"));
       v.Add("/x/$ORIGINAL/liba.so", Lib());
     },
     "liba.so", "/x/$ORIGINAL/liba.so", FoundBy::kRunpath},
    {"LibIsTheInterpretersOwn",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/x/$LIB"));
       v.Add("/x/lib/multi/liba.so", Lib());
     },
     "liba.so", "/x/lib/multi/liba.so", FoundBy::kRunpath},
    {"UnknownPlatformDiscardsItsElementOnly",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/x/$PLATFORM:/y"));
       v.Add("/x//liba.so", Lib());
       v.Add("/y/liba.so", Lib());
     },
     "liba.so", "/y/liba.so", FoundBy::kRunpath},
    {"OriginInNeeded",
     [](FakeView& v) {
       v.Add("/p/bin/main", Program({"$ORIGIN/x.so"}));
       v.Add("/p/bin/x.so", Lib());
     },
     "$ORIGIN/x.so", "/p/bin/x.so", FoundBy::kAbsolute},
    {"AbsoluteNeeded",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"/abs/x.so"}), "/run"));
       v.Add("/abs/x.so", Lib());
     },
     "/abs/x.so", "/abs/x.so", FoundBy::kAbsolute},
    {"WrongClassIsPassedOver",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/32:/64"));
       v.Add("/32/liba.so", With(Lib(), [](ElfSpec& s) { s.is_64 = false; }));
       v.Add("/64/liba.so", Lib());
     },
     "liba.so", "/64/liba.so", FoundBy::kRunpath},
    {"WrongMachineIsPassedOver",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/arm:/64"));
       v.Add("/arm/liba.so", With(Lib(), [](ElfSpec& s) { s.machine = EM_AARCH64; }));
       v.Add("/64/liba.so", Lib());
     },
     "liba.so", "/64/liba.so", FoundBy::kRunpath},
    {"BadMagicEndsTheSearch",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/bad:/64"));
       v.AddBytes("/bad/liba.so", "INPUT(libreal.so)");
       v.Add("/64/liba.so", Lib());
     },
     "liba.so", "", FoundBy::kNotFound},
    {"NodeflibDropsSystemDirectories",
     [](FakeView& v) {
       v.Add("/p/bin/main", With(Program({"liba.so"}), [](ElfSpec& s) {
               s.more_tags = {{DT_FLAGS_1, DF_1_NODEFLIB}};
             }));
       v.Add("/sys/lib/liba.so", Lib());
     },
     "liba.so", "", FoundBy::kNotFound},
    {"SonameOfALoadedLibrary",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"/abs/other-name.so", "libreal.so.1"}), "/run"));
       v.Add("/abs/other-name.so", With(Lib(), [](ElfSpec& s) { s.soname = "libreal.so.1"; }));
       v.Add("/run/libreal.so.1", Lib());
     },
     "libreal.so.1", "/abs/other-name.so", FoundBy::kLoaded},
    {"LoaderNoteBeforeRunpath",
     [](FakeView& v) {
       v.Add("/p/bin/main", With(Runpath(Program({"liba.so"}), "/run"), [](ElfSpec& s) {
               s.notes = {{"NixOS", 0x63a86cb6,
                           LdCacheDescriptor({{"libz.so", "=/z"}, {"liba.so", "=/evil/a.so"}})}};
             }));
       v.Add("/run/liba.so", Lib());
       v.Add("/evil/a.so", Lib());
     },
     "liba.so", "/evil/a.so", FoundBy::kLdCacheNote},
    {"LoaderNoteDirectory",
     [](FakeView& v) {
       v.Add("/p/bin/main", With(Program({"liba.so"}), [](ElfSpec& s) {
               s.notes = {{"NixOS", 0x63a86cb6, LdCacheDescriptor({{"liba.so", "?$ORIGIN/l"}})}};
             }));
       v.Add("/p/bin/l/liba.so", Lib());
     },
     "liba.so", "/p/bin/l/liba.so", FoundBy::kLdCacheNote},
    {"RpathBeforeLoaderNote",
     [](FakeView& v) {
       v.Add("/p/bin/main", With(Rpath(Program({"liba.so"}), "/r"), [](ElfSpec& s) {
               s.notes = {{"NixOS", 0x63a86cb6, LdCacheDescriptor({{"liba.so", "=/evil/a.so"}})}};
             }));
       v.Add("/r/liba.so", Lib());
       v.Add("/evil/a.so", Lib());
     },
     "liba.so", "/r/liba.so", FoundBy::kRpath},
    {"InterpreterDecidesTheDefaults",
     [](FakeView& v) {
       v.Add("/p/bin/main", Program({"liba.so"}));
       v.Add("/lib64/liba.so", Lib());
       v.Add("/usr/lib/liba.so", Lib());
     },
     "liba.so", "", FoundBy::kNotFound},
    // The filtee's RPATH finds libb.so before its sibling's turn.
    {"FilteesComeRightBehindTheirFilter",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so", "libz.so"}), "/run"));
       v.Add("/run/liba.so", With(Runpath(Lib(), "/run"), [](ElfSpec& s) {
               s.more_strings = {{DT_FILTER, "libf.so"}};
             }));
       v.Add("/run/libz.so", Runpath(Lib({"libb.so"}), "/late"));
       v.Add("/run/libf.so", Runpath(Lib({"libb.so"}), "/early"));
       v.Add("/early/libb.so", Lib());
       v.Add("/late/libb.so", Lib());
     },
     "libb.so", "/early/libb.so", FoundBy::kRunpath},
    {"AFilteeThatWasDueLaterComesEarlier",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so", "libz.so", "libf.so"}), "/run"));
       v.Add("/run/liba.so", With(Lib(), [](ElfSpec& s) {
               s.more_strings = {{DT_AUXILIARY, "libf.so"}};
             }));
       v.Add("/run/libz.so", Runpath(Lib({"libb.so"}), "/late"));
       v.Add("/run/libf.so", Runpath(Lib({"libb.so"}), "/early"));
       v.Add("/early/libb.so", Lib());
       v.Add("/late/libb.so", Lib());
     },
     "libb.so", "/early/libb.so", FoundBy::kRunpath},
    {"AMissingFilteeIsNotFound",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/run"));
       v.Add("/run/liba.so", With(Lib(), [](ElfSpec& s) {
               s.more_strings = {{DT_FILTER, "libf.so"}, {DT_AUXILIARY, "libx.so"}};
             }));
     },
     "libf.so", "", FoundBy::kNotFound},
    {"MuslInheritsRunpath",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}, kMusl), "/run"));
       v.Add("/run/liba.so", Lib({"libb.so"}));
       v.Add("/run/libb.so", Lib());
     },
     "libb.so", "/run/libb.so", FoundBy::kRunpath},
    {"MuslSkipsEmptyElements",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}, kMusl), ":/run"));
       v.Add("/cwd/liba.so", Lib());
       v.Add("/run/liba.so", Lib());
     },
     "liba.so", "/run/liba.so", FoundBy::kRunpath},
    {"MuslVoidsAPathWithAnotherToken",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"liba.so"}, kMusl), "/run:/x/$LIB"));
       v.Add("/run/liba.so", Lib());
       v.Add("/usr/lib/liba.so", Lib());
     },
     "liba.so", "/usr/lib/liba.so", FoundBy::kDefault},
    {"MuslsLibmIsTheLoader",
     [](FakeView& v) {
       v.Add("/p/bin/main", Runpath(Program({"libm.so.6"}, kMusl), "/run"));
       v.Add("/run/libm.so.6", Lib());
     },
     "libm.so.6", kMusl, FoundBy::kLoaded},
    {"MuslPathFileBesideItsPrefix",
     [](FakeView& v) {
       v.Add("/p/bin/main", Program({"liba.so"}, kMusl));
       v.AddBytes("/musl/etc/ld-musl-x86_64.path", "/one\n/two:/three\n");
       v.Add("/usr/lib/liba.so", Lib());
       v.Add("/three/liba.so", Lib());
     },
     "liba.so", "/three/liba.so", FoundBy::kDefault},
};

INSTANTIATE_TEST_SUITE_P(Loader, TableTest, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(SearchTest, InodeDeduplicates) {
  FakeView view;
  view.Add(kGlibc, GlibcLoader());
  view.Add("/p/bin/main", Runpath(Program({"liba.so", "libalias.so"}), "/run"));
  view.Add("/run/liba.so", Lib({"libb.so"}));
  view.Link("/run/libalias.so", "/run/liba.so");
  const auto process = Load(view, "/p/bin/main", {});
  ASSERT_TRUE(process.ok());
  // liba.so's own libb.so is asked for once: the alias is the same object.
  ASSERT_EQ(process->libraries.size(), 3);
  EXPECT_EQ(process->libraries[1].path, "/run/liba.so");
}

TEST(SearchTest, HardwareDirectoriesComeFirstAndOnlyForThisProcessor) {
  FakeView view;
  view.Add(kGlibc, GlibcLoader());
  view.Add("/p/bin/main", Runpath(Program({"liba.so"}), "/run"));
  view.Add("/run/liba.so", Lib());
  view.Add("/run/glibc-hwcaps/x86-64-v3/liba.so", Lib());
  view.Add("/run/haswell/liba.so", Lib());  // legacy: not tried since 2.37
  SearchOptions options;
  EXPECT_EQ(Load(view, "/p/bin/main", options)->libraries[0].path, "/run/liba.so");
  options.processor.levels = {"x86-64-v4", "x86-64-v3"};
  options.processor.legacy = {"haswell"};
  EXPECT_EQ(Load(view, "/p/bin/main", options)->libraries[0].path,
            "/run/glibc-hwcaps/x86-64-v3/liba.so");
}

TEST(SearchTest, LibraryPathBetweenRpathAndRunpath) {
  SearchOptions options;
  options.library_path = {"/env"};
  for (bool is_runpath : {false, true}) {
    FakeView view;
    view.Add(kGlibc, GlibcLoader());
    view.Add("/p/bin/main",
             is_runpath ? Runpath(Program({"liba.so"}), "/r") : Rpath(Program({"liba.so"}), "/r"));
    view.Add("/r/liba.so", Lib());
    view.Add("/env/liba.so", Lib());
    EXPECT_EQ(Load(view, "/p/bin/main", options)->libraries[0].path,
              is_runpath ? "/env/liba.so" : "/r/liba.so");
  }
}

TEST(SearchTest, MissingVersions) {
  FakeView view;
  view.Add(kGlibc, GlibcLoader());
  ElfSpec program = Runpath(Program({"libc.so.6", "libneeds.so", "libbare.so"}), "/run");
  program.version_needs = {{"libc.so.6", "GLIBC_2.38"},       {"libc.so.6", "GLIBC_2.99"},
                           {"libc.so.6", "GLIBC_WEAK", true}, {"libneeds.so", "NEEDS_1"},
                           {"libbare.so", "BARE_1"},          {"libbare.so", "BARE_WEAK", true}};
  view.Add("/p/bin/main", program);
  view.Add("/run/libc.so.6", With(Lib(), [](ElfSpec& s) {
             s.version_definitions = {"libc.so.6", "GLIBC_2.38"};
           }));
  // Without definitions anything is accepted, unless the symbols have no versions at all.
  view.Add("/run/libneeds.so", With(Lib(), [](ElfSpec& s) {
             s.version_needs = {{"libc.so.6", "GLIBC_2.38"}};
           }));
  view.Add("/run/libbare.so", Lib());
  const auto process = Load(view, "/p/bin/main", {});
  ASSERT_TRUE(process.ok());
  ASSERT_EQ(process->missing_versions.size(), 2);
  EXPECT_EQ(process->missing_versions[0].version, "GLIBC_2.99");
  EXPECT_EQ(process->missing_versions[0].library_path, "/run/libc.so.6");
  EXPECT_EQ(process->missing_versions[1].version, "BARE_1");
  EXPECT_EQ(process->missing_versions[1].library_path, "/run/libbare.so");
}

TEST(SearchTest, HardProblemsSayWhy) {
  FakeView view;
  view.Add(kGlibc, GlibcLoader());
  view.Add("/p/bin/main", Runpath(Program({"liba.so", "libb.so"}), "/bad"));
  view.AddBytes("/bad/liba.so", "not ELF");
  view.Add("/bad/libb.so", With(Lib(), [](ElfSpec& s) { s.is_little_endian = false; }));
  const auto process = Load(view, "/p/bin/main", {});
  ASSERT_TRUE(process.ok());
  EXPECT_THAT(process->libraries[0].problem, HasSubstr("not an ELF object: /bad/liba.so"));
  EXPECT_THAT(process->libraries[1].problem, HasSubstr("wrong byte order: /bad/libb.so"));
}

TEST(SearchTest, DirectoryOfTheLibrarysNameEndsTheSearch) {
  for (const bool is_musl : {false, true}) {
    FakeView view;
    view.Add(is_musl ? kMusl : kGlibc, is_musl ? MuslLoader() : GlibcLoader());
    view.Add("/p/bin/main",
             Runpath(Program({"liba.so", "libb.so", "/dir/c.so"}, is_musl ? kMusl : kGlibc),
                     "/first:/second"));
    view.AddDirectory("/first/liba.so");
    view.AddDirectory("/dir/c.so");
    view.Add("/first/libb.so", Lib());
    view.Add("/second/liba.so", Lib());
    view.AddDirectory("/second/libb.so");
    const auto process = Load(view, "/p/bin/main", {});
    ASSERT_TRUE(process.ok());
    EXPECT_EQ(process->libraries[0].found_by, FoundBy::kNotFound);
    EXPECT_EQ(process->libraries[0].problem, "is a directory: /first/liba.so");
    EXPECT_EQ(process->libraries[1].path, "/first/libb.so");
    EXPECT_EQ(process->libraries[2].problem, "is a directory: /dir/c.so");
  }
}

std::vector<std::string> Searched(const Library& library) {
  std::vector<std::string> places;
  for (const Library::Place& place : library.searched) {
    places.push_back(std::string(FoundByName(place.by)) + " " + place.path);
  }
  return places;
}

TEST(SearchTest, ListsWhereItSearched) {
  FakeView view;
  view.Add(kGlibc, GlibcLoader());
  view.AddBytes("/glibc/etc/ld.so.cache", "");
  view.Add("/p/bin/main", Rpath(Program({"liba.so"}), "/r:$ORIGIN/../lib:$NONE/x"));
  view.Add("/r/liba.so", Rpath(Lib({"libgone.so", "libb.so"}), "/own:/r"));
  view.Add("/sys/lib/libb.so", Runpath(Lib({"libgone2.so"}), "/run"));
  SearchOptions options;
  options.processor.levels = {"x86-64-v2"};
  auto process = Load(view, "/p/bin/main", options);
  EXPECT_THAT(process->libraries[1].searched, IsEmpty());  // nobody asked

  options.list_searched = true;
  process = Load(view, "/p/bin/main", options);
  ASSERT_EQ(process->libraries.size(), 4);
  EXPECT_THAT(Searched(process->libraries[0]), IsEmpty());  // found
  EXPECT_THAT(
      Searched(process->libraries[1]),
      ElementsAre("RPATH /own", "RPATH /r", "RPATH /p/bin/../lib", "RPATH $NONE/x",
                  "CACHE /glibc/etc/ld.so.cache", "DEFAULT /sys/lib", "DEFAULT /sys/usr/lib"));
  EXPECT_THAT(Searched(process->libraries[3]),
              ElementsAre("RUNPATH /run", "CACHE /glibc/etc/ld.so.cache", "DEFAULT /sys/lib",
                          "DEFAULT /sys/usr/lib"));
}

TEST(SearchTest, ListsWhereMuslSearched) {
  FakeView view;
  view.Add(kMusl, MuslLoader());
  view.Add("/p/bin/main", Runpath(Program({"liba.so"}, kMusl), "/r"));
  view.Add("/r/liba.so", Rpath(Lib({"libgone.so"}), "/own"));
  SearchOptions options;
  options.list_searched = true;
  const auto process = Load(view, "/p/bin/main", options);
  ASSERT_TRUE(process.ok());
  EXPECT_THAT(Searched(process->libraries[1]),
              ElementsAre("RPATH /own", "RUNPATH /r", "DEFAULT /lib", "DEFAULT /usr/local/lib",
                          "DEFAULT /usr/lib"));
}

TEST(SearchTest, MissingInterpreterAndMissingFile) {
  FakeView view;
  view.Add("/p/bin/main", Program({"liba.so"}, "/gone/ld.so"));
  view.Add("/usr/lib64/liba.so", Lib());
  const auto process = Load(view, "/p/bin/main", {});
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(process->interpreter, "/gone/ld.so");
  EXPECT_THAT(process->interpreter_path, IsEmpty());
  EXPECT_EQ(process->libraries[0].path, "/usr/lib64/liba.so");
  EXPECT_TRUE(absl::IsNotFound(Load(view, "/p/bin/nothing", {}).status()));
}

TEST(LoaderDefaultsTest, AreReadFromTheBytes) {
  const Object object = ReadObject(Bytes(BuildElf(GlibcLoader()).bytes));
  ASSERT_TRUE(object.loader_defaults);
  std::vector<std::string> directories;
  for (const Text& text : object.loader_defaults->system_directories) {
    directories.push_back(text.value);
  }
  EXPECT_THAT(directories, ElementsAre("/sys/lib", "/sys/usr/lib"));
  EXPECT_EQ(object.loader_defaults->cache->value, "/glibc/etc/ld.so.cache");
  EXPECT_EQ(object.loader_defaults->preload.at(0).value, "/etc/ld-nix.so.preload");
  EXPECT_EQ(object.loader_defaults->lib, "lib/multi");
  EXPECT_EQ(object.loader_defaults->version, "2.42");
}

}  // namespace
}  // namespace lre_audit::elf
