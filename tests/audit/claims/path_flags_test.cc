#include "audit/claims/path_flags.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Paths(std::string_view flags) {
  std::vector<std::string> shown;
  for (const FlagPath& found : PathsOfFlags(flags)) shown.push_back(found.flag + " " + found.path);
  return shown;
}

TEST(PathsOfFlagsTest, EveryFormOfAnOptionAndItsPath) {
  EXPECT_THAT(
      Paths("-isystem /usr/include -L/usr/lib -rpath /usr/lib -Wl,-rpath,/x -B/y --sysroot=/z "
            "-I/w -fuse-ld=/v -dynamic-linker /u"),
      ElementsAre("-isystem /usr/include", "-L /usr/lib", "-rpath /usr/lib", "-rpath /x", "-B /y",
                  "--sysroot /z", "-I /w", "-fuse-ld /v", "-dynamic-linker /u"));
  EXPECT_THAT(Paths("-I /a --sysroot /b -Wl,--dynamic-linker=/c -Xlinker -rpath -Xlinker /d "
                    "-Wl,-rpath -Wl,/e -L  /f\n-idirafter /g"),
              ElementsAre("-I /a", "--sysroot /b", "--dynamic-linker /c", "-rpath /d", "-rpath /e",
                          "-L /f", "-idirafter /g"));
}

TEST(PathsOfFlagsTest, ListsOfDirectoriesAndRepetitionsAreTakenOneByOne) {
  EXPECT_THAT(Paths("-Wl,-rpath,/a:/b -L/a -L/a"),
              ElementsAre("-rpath /a", "-rpath /b", "-L /a", "-L /a"));
}

TEST(PathsOfFlagsTest, ObjectsToLinkHaveNoFlag) {
  EXPECT_THAT(Paths("-O2 /usr/lib/crt1.o -lm"), ElementsAre(" /usr/lib/crt1.o"));
}

TEST(PathsOfFlagsTest, WhatNamesNoAbsolutePath) {
  EXPECT_THAT(Paths(""), IsEmpty());
  EXPECT_THAT(Paths("-O2 -lfoo -Iinclude -I=/below/sysroot -I. -L$ORIGIN/../lib -fuse-ld=lld "
                    "-ffile-prefix-map=/build=. -fdebug-prefix-map=/build/source=/src "
                    "-DPREFIX=\"/usr\" -rpath $ORIGIN:lib -L -Wl,-rpath"),
              IsEmpty());
  EXPECT_THAT(Paths("-isystem -O2 --sysroot= -I/dev/null"), IsEmpty());
}

TEST(FindPathsInArgumentsTest, AnArgumentIsAPathWhateverItHolds) {
  std::vector<std::string> shown;
  FindPathsInArguments(
      {{"-I/a b", 0}, {"-L", 7}, {"/c*", 10}, {"/d e", 14}, {"-B/dev/x", 19}, {"-Ib c", 28}},
      /*bare=*/true, [&](std::string_view path, uint64_t offset, std::string_view option) {
        shown.push_back(std::string(option) + " " + std::string(path) + " " +
                        std::to_string(offset));
      });
  EXPECT_THAT(shown, ElementsAre("-I /a b 2", "-L /c* 10", " /d e 14"));
}

}  // namespace
}  // namespace lre_audit
