#include <gtest/gtest.h>

#include <string>

#include "audit/claims/claims.h"

namespace lre_audit {
namespace {

using namespace std::string_literals;

TEST(Classify, Table) {
  const struct {
    std::string path, head;
    bool executable;
    ClaimSource source;
  } kCases[] = {
      {"/nix/store/a-x/bin/x", "#!/bin/bash\n", true, ClaimSource::kShell},
      {"/nix/store/a-x/bin/x", "#!/usr/bin/env -S sh\n", false, ClaimSource::kShell},
      {"/nix/store/a-x/bin/x", "#!/usr/bin/python3\n", true, ClaimSource::kShebang},
      {"/nix/store/a-x/bin/x",
       "\x7f"
       "ELF",
       true, ClaimSource::kNone},
      {"/nix/store/a-x/bin/x", "plain", true, ClaimSource::kNone},
      {"/nix/store/a-x/bin/x-config", "#!/bin/sh\n", true, ClaimSource::kConfigScript},
      {"/nix/store/a-x/bin/x-config", "#!/usr/bin/perl\n", true, ClaimSource::kConfigScript},
      {"/nix/store/a-x/share/x-config", "#!/bin/sh\n", false, ClaimSource::kShell},
      {"/nix/store/a-x/nix-support/cc-cflags", "-B/x", false, ClaimSource::kNixSupport},
      {"/nix/store/a-x/share/nix-support/cc-cflags", "-B/x", false, ClaimSource::kNone},
      {"/usr/nix-support/cc-cflags", "-B/x", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/pkgconfig/x.pc", "prefix=/x", false, ClaimSource::kPkgConfig},
      {"/nix/store/a-x/lib/x.pc", "\0\1binary"s, false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/x.la", "# x.la", false, ClaimSource::kLibtool},
      {"/nix/store/a-x/lib/x.prl", "QMAKE", false, ClaimSource::kQtPrl},
      {"/nix/store/a-x/lib/cmake/FooConfig.cmake", "set(", false, ClaimSource::kCMake},
      {"/nix/store/a-x/lib/cmake/foo-config.cmake", "set(", false, ClaimSource::kCMake},
      {"/nix/store/a-x/lib/cmake/FooTargets-release.cmake", "set(", false, ClaimSource::kCMake},
      {"/nix/store/a-x/lib/cmake/LLVMExports.cmake", "set(", false, ClaimSource::kCMake},
      {"/nix/store/a-x/lib/cmake/FooConfigVersion.cmake", "set(", false, ClaimSource::kNone},
      {"/nix/store/a-x/share/cmake/Modules/FindX11.cmake", "set(", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/gcc/x/12/specs", "*asm:\n", false, ClaimSource::kGccSpecs},
      {"/nix/store/a-x/lib/musl-gcc.specs", "%rename cpp_options old\n", false,
       ClaimSource::kGccSpecs},
      {"/nix/store/a-x/share/specs", "describe()", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py", "# x", false,
       ClaimSource::kPythonSysconfig},
      {"/nix/store/a-x/lib/perl5/Config_heavy.pl", "# x", false, ClaimSource::kPerlConfig},
      {"/nix/store/a-x/lib/perl5/Config.pm", "package Config;", false, ClaimSource::kPerlConfig},
      {"/nix/store/a-x/lib/perl5/CPAN/Config.pm", "package X;", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/libc.so", "/* GNU ld script\n   x. */\nOUTPUT_FORMAT(elf64-x86-64)\n",
       false, ClaimSource::kLinkerScript},
      {"/nix/store/a-x/lib/libtinfo.so", "INPUT(-ltinfo)", false, ClaimSource::kLinkerScript},
      {"/nix/store/a-x/lib/libm.a", "\nGROUP ( a.a b.a )", false, ClaimSource::kLinkerScript},
      {"/nix/store/a-x/lib/libx.so", "GROUP", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/libx.so", "/* GNU ld script */ INPUTS(a)", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/libx.so", "the INPUT(/usr/lib/x.so)", false, ClaimSource::kNone},
      {"/nix/store/a-x/lib/libx.so",
       "\x7f"
       "ELF INPUT(",
       false, ClaimSource::kNone},
      {"/nix/store/a-x/share/x.so", "INPUT(-lx)", false, ClaimSource::kNone},
      {"/nix/store/a-x/share/libx.txt", "INPUT(-lx)", false, ClaimSource::kNone},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Classify(c.path, c.head, c.head.size(), c.executable), c.source) << c.path;
  }
}

TEST(Classify, LongScriptsAreNoWrappers) {
  EXPECT_EQ(Classify("/nix/store/a-x/bin/x", "#!/bin/sh\n", 2 << 20, true), ClaimSource::kShebang);
  EXPECT_EQ(MaxTextSize(ClaimSource::kShebang), kHeadSize);
  EXPECT_EQ(MaxTextSize(ClaimSource::kNone), 0);
}

TEST(Classify, AnEmptyFileMakesNoClaims) {
  EXPECT_EQ(Classify("/nix/store/a-x/lib/x.pc", "", 0, false), ClaimSource::kNone);
}

}  // namespace
}  // namespace lre_audit
