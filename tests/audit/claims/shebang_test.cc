#include "audit/claims/shebang.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/audit/claims/extract.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

using namespace std::string_literals;

// A program that prints its arguments, one per line in brackets: what Linux made of the #! line.
class ShebangTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), 0755);
    return path;
  }

  // Linux's answer: "interpreter|argument", or "ENOEXEC" and the like.
  std::string Execute(const std::string& script) {
    int out[2];
    EXPECT_EQ(pipe(out), 0);
    const pid_t child = fork();
    if (child == 0) {
      dup2(out[1], 1);
      close(out[0]);
      execl(script.c_str(), script.c_str(), nullptr);
      const std::string error = errno == ENOEXEC ? "ENOEXEC" : errno == ENOENT ? "ENOENT" : "?";
      (void)!write(1, error.data(), error.size());
      _exit(1);
    }
    close(out[1]);
    std::string answer;
    char buffer[4096];
    for (ssize_t n; (n = read(out[0], buffer, sizeof buffer)) > 0;) answer.append(buffer, n);
    close(out[0]);
    waitpid(child, nullptr, 0);
    return answer;
  }

  const TemporaryDirectory temporary_;
  const std::string directory_ = temporary_.path();
};

TEST(Shebang, Table) {
  const struct {
    std::string text, interpreter, argument;
  } kCases[] = {
      {"#!/bin/sh\necho", "/bin/sh", ""},
      {"#!/bin/sh", "/bin/sh", ""},
      {"#! /bin/sh -eu\n", "/bin/sh", "-eu"},
      {"#! \t /usr/bin/env   -S python3 -I  \t\n", "/usr/bin/env", "-S python3 -I"},
      {"#!python\n", "python", ""},
      {"#!/bin/sh\r\n", "/bin/sh\r", ""},
      {"#!/bin/sh\0-x\n"s, "/bin/sh", ""},
      {"#!\n/bin/sh\n", "", ""},
      {"#!   \t\n", "", ""},
      {"#!", "", ""},
      {"#", "", ""},
      {" #!/bin/sh\n", "", ""},
      {"#![allow(dead_code)]\n", "", ""},
  };
  for (const auto& c : kCases) {
    const auto shebang = ParseShebang(c.text);
    EXPECT_EQ(shebang.has_value(), !c.interpreter.empty()) << c.text;
    if (!shebang.has_value()) continue;
    EXPECT_EQ(shebang->interpreter, c.interpreter);
    EXPECT_EQ(shebang->argument, c.argument);
    EXPECT_EQ(c.text.substr(shebang->offset, c.interpreter.size()), c.interpreter);
  }
}

// The kernel of this machine is the oracle, around its limit above all.
TEST_F(ShebangTest, AgreesWithLinux) {
  // The interpreter is this shell script's #! line: /bin/echo prints its arguments.
  const std::string echo = directory_ + "/echo";
  symlink("/bin/echo", echo.c_str());
  for (int length = 240; length <= 270; ++length) {
    for (const std::string& end : {"\n"s, ""s, "\n:\n"s, " \n"s, " x y\n"s, "\t x"s}) {
      // echo's name padded with slashes to `length` bytes after "#!".
      std::string name = echo;
      name.insert(directory_.size(), length - name.size(), '/');
      const std::string text = "#!" + name + end;
      const std::string script = Write("script", text);
      const auto shebang = ParseShebang(text);
      ASSERT_TRUE(shebang.has_value());
      EXPECT_EQ(shebang->interpreter, name);
      const std::string argument(shebang->argument);
      const std::string expected =
          shebang->too_long ? "ENOEXEC" : argument + (argument.empty() ? "" : " ") + script + "\n";
      EXPECT_EQ(Execute(script), expected) << length << " " << end;
    }
    // An argument that crosses the limit is cut.
    const std::string text = "#!" + echo + " " + std::string(length - echo.size(), 'a') + "bcd\n";
    const std::string script = Write("script", text);
    const auto shebang = ParseShebang(text);
    ASSERT_TRUE(shebang.has_value());
    EXPECT_EQ(Execute(script), std::string(shebang->argument) + " " + script + "\n") << length;
  }
}

TEST(Shebang, EveryFileThatHasOneMakesTheClaim) {
  for (const char* path : {"/nix/store/x/share/notes.txt", "/nix/store/x/bin/tool"}) {
    for (const bool executable : {true, false}) {
      const FileFacts facts = Extract(path, "#! /usr/bin/env -S perl -w\nprint 1;\n", executable);
      ASSERT_EQ(facts.claims_size(), 1);
      const Claim& claim = facts.claims(0);
      EXPECT_EQ(claim.kind(), Claim::SHEBANG);
      EXPECT_EQ(claim.text(), "/usr/bin/env");
      EXPECT_EQ(claim.context(), "-S perl -w");
      EXPECT_EQ(claim.offset(), 3);
      EXPECT_EQ(claim.line(), 1);
      EXPECT_EQ(claim.excerpt(), "#! /usr/bin/env -S perl -w");
      EXPECT_EQ(claim.count(), 1);
    }
  }
}

TEST(Shebang, OfALongLineOnlyWhatTheKernelReads) {
  const std::string interpreter = "/nix/store/" + std::string(300, 'a') + "/bin/sh";
  const FileFacts facts = Extract("/nix/store/x/bin/y", "#!" + interpreter + "\n");
  EXPECT_EQ(facts.defects_size(), 0);
  ASSERT_EQ(facts.claims_size(), 1);
  const Claim& claim = facts.claims(0);
  EXPECT_EQ(claim.text(), interpreter.substr(0, 253));
  EXPECT_EQ(claim.offset(), 2);
  EXPECT_EQ(claim.context(), "cut at 255 bytes by the kernel");
  EXPECT_EQ(claim.excerpt().substr(0, 20), "#!/nix/store/aaaaaaa");
}

TEST(Shebang, OfALongArgumentOnlyWhatTheKernelPasses) {
  const FileFacts facts =
      Extract("/nix/store/x/bin/y", "#!/bin/sh -" + std::string(300, 'a') + "\n");
  EXPECT_EQ(facts.defects_size(), 0);
  ASSERT_EQ(facts.claims_size(), 1);
  EXPECT_EQ(facts.claims(0).text(), "/bin/sh");
  EXPECT_EQ(facts.claims(0).context(),
            "-" + std::string(244, 'a') + " (cut at 255 bytes by the kernel)");
  // One that fits is passed whole, and so is a path of 253 bytes.
  const std::string path = "/bin/" + std::string(248, 'a');
  const FileFacts whole = Extract("/nix/store/x/bin/y", "#!" + path + "\n");
  ASSERT_EQ(whole.claims_size(), 1);
  EXPECT_EQ(whole.claims(0).text(), path);
  EXPECT_EQ(whole.claims(0).context(), "");
}

TEST(Shebang, BlanksUpToTheKernelsLimitNameNothing) {
  const FileFacts facts = Extract("/nix/store/x/bin/y", "#!" + std::string(253, ' ') + "/bin/sh\n");
  EXPECT_EQ(facts.claims_size(), 0);
}

TEST(Shebang, TheAbsoluteProgramOfEnvIsAClaimToo) {
  const struct {
    const char *line, *program;
  } kCases[] = {
      {"#!/usr/bin/env -S /usr/bin/perl -w", "/usr/bin/perl"},
      {"#!/nix/store/aaa-coreutils/bin/env /usr/bin/perl", "/usr/bin/perl"},
      {"#! /nix/store/aaa-coreutils/bin/env -S FOO=/x B=1 /usr/bin/ruby", "/usr/bin/ruby"},
      {"#!/usr/bin/env -S -i -u /x -C /y -- A=/z /usr/bin/perl /q", "/usr/bin/perl"},
      {"#!/usr/bin/env -iS /usr/bin/perl", "/usr/bin/perl"},
      {"#!/usr/bin/env -S/usr/bin/perl", "/usr/bin/perl"},
      {"#!/usr/bin/env --split-string=/usr/bin/perl -w", "/usr/bin/perl"},
      {"#!/usr/bin/env -S --unset /x --chdir=/y --ignore-environment /usr/bin/perl",
       "/usr/bin/perl"},
      {"#!/usr/bin/env -S -uFOO -C/x /usr/bin/perl", "/usr/bin/perl"},
      {"#!/usr/bin/env -S - /nix/store/bbb-perl/bin/perl", "/nix/store/bbb-perl/bin/perl"},
      // No second claim.
      {"#!/usr/bin/env python3", nullptr},
      {"#!/usr/bin/env -S python3 /usr/share/x.py", nullptr},
      {"#!/usr/bin/env", nullptr},
      {"#!/usr/bin/env -S A=/usr/bin/x", nullptr},
      {"#!/usr/bin/env -S A=\"b /usr/bin/x\" perl", nullptr},
      {"#!/usr/bin/env -S ${HOME}/bin/perl /usr/bin/x", nullptr},
      {"#!/usr/bin/env -S -u /usr/bin/x", nullptr},
      {"#!/bin/sh /usr/bin/perl", nullptr},
      {"#!/usr/bin/envy /usr/bin/perl", nullptr},
  };
  for (const auto& c : kCases) {
    const std::string text = c.line + "\nx\n"s;
    const FileFacts facts = Extract("/nix/store/x/bin/y", text);
    ASSERT_EQ(facts.claims_size(), c.program == nullptr ? 1 : 2) << c.line;
    if (c.program == nullptr) continue;
    const Claim& claim = facts.claims(1);
    EXPECT_EQ(claim.kind(), Claim::SHEBANG);
    EXPECT_EQ(claim.text(), c.program);
    EXPECT_EQ(claim.context(), "env");
    EXPECT_EQ(claim.line(), 1);
    EXPECT_EQ(claim.offset(), text.find(c.program));
    EXPECT_EQ(claim.excerpt(), c.line);
  }
}

TEST(Shebang, InterpreterNames) {
  const auto name = [](std::string_view text) {
    return std::string(InterpreterName(*ParseShebang(text)));
  };
  EXPECT_EQ(name("#!/nix/store/abc-bash/bin/bash -e\n"), "bash");
  EXPECT_EQ(name("#!/usr/bin/env bash\n"), "bash");
  EXPECT_EQ(name("#!/usr/bin/env -S LANG=C /x/zsh -f\n"), "zsh");
  EXPECT_EQ(name("#!/usr/bin/env -S -u FOO bash\n"), "bash");
  EXPECT_EQ(name("#!/usr/bin/env\n"), "env");
}

}  // namespace
}  // namespace lre_audit
