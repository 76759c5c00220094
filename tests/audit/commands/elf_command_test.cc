// `lre-audit elf`: what it prints and how it exits, on files in a root of their own.
#include "audit/commands/elf_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/elf/elf_builder.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;
using elf::BuildElf;
using elf::ElfSpec;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Ran {
  int exit_code;
  std::string out, err;
};

class RunElfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    using namespace std::string_literals;
    ElfSpec loader;
    loader.soname = "ld-linux-x86-64.so.2";
    loader.rodata =
        "\0/sys/lib/\0\0ORIGIN\0PLATFORM\0LIB\0lib\0/etc/ld.so.cache\0"
        "ld.so (GNU libc) stable release version 2.42.\n\0"s;
    Write("/lib64/ld-linux-x86-64.so.2", loader);
  }

  void WriteBytes(const std::string& path, const std::string& bytes) {
    const fs::path file = root_ + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
  void Write(const std::string& path, const ElfSpec& spec) {
    WriteBytes(path, BuildElf(spec).bytes);
  }

  Ran Run(std::vector<std::string> files, bool json = false) const {
    ElfOptions options;
    options.files = std::move(files);
    options.root = root_;
    options.json = json;
    std::ostringstream out, err;
    const int exit_code = RunElf(options, out, err);
    return {exit_code, out.str(), err.str()};
  }

  const TemporaryDirectory temporary_;
  const std::string root_ = temporary_.path();
};

ElfSpec Program(std::vector<std::string> needed = {}) {
  ElfSpec spec;
  spec.interpreter = "/lib64/ld-linux-x86-64.so.2";
  spec.needed = std::move(needed);
  spec.runpath = "$ORIGIN/../lib";
  return spec;
}

ElfSpec Library(std::vector<std::string> needed = {}) {
  ElfSpec spec;
  spec.needed = std::move(needed);
  spec.runpath = "$ORIGIN";
  return spec;
}

TEST_F(RunElfTest, ShowsWhoAsksForWhat) {
  Write("/bin/tool", Program({"liba.so", "libc.so"}));
  Write("/lib/liba.so", Library({"libb.so", "libc.so"}));
  Write("/lib/libb.so", Library());
  Write("/lib/libc.so", Library());
  const Ran ran = Run({"/bin/tool"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out,
            "/bin/tool\n"
            "    interpreter /lib64/ld-linux-x86-64.so.2\n"
            "    ├── liba.so => /bin/../lib/liba.so [RUNPATH $ORIGIN/../lib]\n"
            "    │   ├── libb.so => /bin/../lib/libb.so [RUNPATH $ORIGIN]\n"
            "    │   └── libc.so => /bin/../lib/libc.so [LOADED]\n"
            "    └── libc.so => /bin/../lib/libc.so [RUNPATH $ORIGIN/../lib]\n");
}

// What scripts read: a change of these names breaks them.
TEST_F(RunElfTest, JsonHasThePromisedNames) {
  ElfSpec tool = Program({"liba.so", "libgone.so"});
  tool.version_needs = {{"liba.so", "A_2"}};
  Write("/bin/tool", tool);
  ElfSpec a = Library();
  a.version_definitions = {"A_1"};
  Write("/lib/liba.so", a);
  const Ran ran = Run({"/bin/tool"}, /*json=*/true);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(ran.out), nlohmann::json::parse(R"({"objects": [{
    "path": "/bin/tool",
    "real_path": "/bin/tool",
    "interpreter": "/lib64/ld-linux-x86-64.so.2",
    "interpreter_found": true,
    "machine": "x86-64",
    "libraries": [
      {"name": "liba.so", "tag": "DT_NEEDED", "requested_by": "/bin/tool",
       "path": "/bin/../lib/liba.so", "real_path": "/lib/liba.so", "found_by": "RUNPATH",
       "element": "$ORIGIN/../lib", "element_owner": "/bin/tool"},
      {"name": "libgone.so", "tag": "DT_NEEDED", "requested_by": "/bin/tool", "path": "",
       "found_by": "NOT_FOUND", "searched": [{"path": "/bin/../lib", "by": "RUNPATH"},
                                             {"path": "/sys/lib", "by": "DEFAULT"}]}],
    "missing_versions": [
      {"object": "/bin/tool", "library": "liba.so", "library_path": "/bin/../lib/liba.so",
       "version": "A_2"}],
    "defects": []}]})"));
}

TEST_F(RunElfTest, WaysToBeFoundHaveTheirNames) {
  ElfSpec tool = Program({"/abs/x.so", "librun.so", "libsys.so", "librun.so"});
  Write("/bin/tool", tool);
  Write("/abs/x.so", Library());
  Write("/lib/librun.so", Library());
  Write("/sys/lib/libsys.so", Library());
  ElfSpec old = Program({"librun.so"});
  old.rpath = old.runpath;
  old.runpath.reset();
  Write("/bin/old", old);
  ElfSpec noted = Program({"libnoted.so"});
  noted.notes = {{"NixOS", 0x63a86cb6, elf::LdCacheDescriptor({{"libnoted.so", "=/abs/x.so"}})}};
  Write("/bin/noted", noted);
  const auto report =
      nlohmann::json::parse(Run({"/bin/tool", "/bin/old", "/bin/noted"}, /*json=*/true).out);
  std::vector<std::string> ways;
  for (const auto& object : report["objects"]) {
    for (const auto& library : object["libraries"]) ways.push_back(library["found_by"]);
  }
  EXPECT_THAT(ways,
              ElementsAre("ABSOLUTE", "RUNPATH", "DEFAULT", "LOADED", "RPATH", "LDCACHE_NOTE"));
}

TEST_F(RunElfTest, WhatIsMissingExitsWith1) {
  Write("/bin/library", Program({"libgone.so"}));
  Ran ran = Run({"/bin/library"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("    └── libgone.so => NOT FOUND\n"
                                 "        searched: /bin/../lib (RUNPATH), /sys/lib (default)\n"));

  ElfSpec no_loader = Program();
  no_loader.interpreter = "/gone/ld.so";
  Write("/bin/interpreter", no_loader);
  ran = Run({"/bin/interpreter"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("interpreter /gone/ld.so NOT FOUND\n"));

  ElfSpec newer = Program({"liba.so"});
  newer.version_needs = {{"liba.so", "A_2"}};
  Write("/bin/version", newer);
  ElfSpec a = Library();
  a.version_definitions = {"A_1"};
  Write("/lib/liba.so", a);
  ran = Run({"/bin/version"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out,
              HasSubstr("version A_2 NOT FOUND in /bin/../lib/liba.so, needed by /bin/version\n"));

  // A long search path is cut.
  ElfSpec many = Program({"libgone.so"});
  many.runpath = "/1:/2:/3:/4:/5:/6:/7:/8";
  Write("/bin/many", many);
  WriteBytes("/etc/ld.so.cache", "");
  EXPECT_THAT(Run({"/bin/many"}).out,
              HasSubstr("searched: /1, /2, /3, /4, /5, /6 and 2 more (RUNPATH), "
                        "/etc/ld.so.cache (cache), /sys/lib (default)\n"));

  // One that is there but cannot be used says why.
  WriteBytes("/lib/libgone.so", "INPUT(libreal.so)");
  ran = Run({"/bin/library"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("libgone.so => NOT FOUND (refused: not an ELF object: "
                                 "/bin/../lib/libgone.so)\n"));
  fs::remove(root_ + "/lib/libgone.so");
  fs::create_directory(root_ + "/lib/libgone.so");
  ran = Run({"/bin/library"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("libgone.so => NOT FOUND (is a directory: "
                                 "/bin/../lib/libgone.so)\n"));
}

TEST_F(RunElfTest, FilesThatAreNoneExitWith2) {
  fs::create_directories(root_ + "/directory");
  fs::create_symlink("nowhere", root_ + "/dangling");
  ASSERT_EQ(mkfifo((root_ + "/fifo").c_str(), 0600), 0);
  const struct {
    const char *path, *message;
  } rows[] = {
      {"/missing", "error: /missing: no such file in the root "},
      {"/directory", "error: /directory: is a directory; name the files in it\n"},
      {"/dangling", "error: /dangling: is a symlink to nowhere, which leads to no file\n"},
      {"/fifo", "error: /fifo: is not a regular file\n"},
      {"", "error: : no such file\n"},
  };
  for (const auto& row : rows) {
    const Ran ran = Run({row.path});
    EXPECT_EQ(ran.exit_code, 2) << row.path;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith(row.message));
  }
  const Ran none = Run({});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_EQ(none.err, "error: which files? lre-audit elf FILE...\n");
}

TEST_F(RunElfTest, FilesThatAreNotElfExitWith3AndSayWhatTheyAre) {
  using namespace std::string_literals;
  const struct {
    std::string contents, message;
  } rows[] = {
      {"", "not an ELF object: the file is empty\n"},
      {"text", "not an ELF object\n"},
      {"#! /bin/sh -e\necho\n", "not an ELF object but a script, run by /bin/sh -e\n"},
      {"#!/bin/\x1b[2J", "not an ELF object but a script, run by /bin/\\x1b[2J\n"},
      {"#!", "not an ELF object but a script, run by \n"},
      {"!<arch>\n", "not an ELF object but a static archive: "},
      {"/* GNU ld script */ GROUP ( /lib/libc.so.6 )", "not an ELF object but a linker script: "},
      {"\xcf\xfa\xed\xfe"s + std::string(28, '\0'), "not an ELF object but a Mach-O object "},
  };
  for (const auto& row : rows) {
    WriteBytes("/file", row.contents);
    const Ran ran = Run({"/file"});
    EXPECT_EQ(ran.exit_code, 3) << row.message;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith("error: /file: " + row.message));
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1);
  }
}

TEST_F(RunElfTest, ADamagedObjectExitsWith3AndShowsWhatCouldBeRead) {
  elf::ElfLayout tool = BuildElf(Program({"libgone.so"}));
  for (int field : {8, 16}) {  // p_offset, p_vaddr
    elf::PutNumber(tool.bytes, tool.dynamic_header + field, uint64_t{1} << 40, 8, true);
  }
  WriteBytes("/bin/tool", tool.bytes);
  const Ran ran = Run({"/bin/tool"});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("error: /bin/tool: program header "));
  EXPECT_THAT(ran.err, HasSubstr("0x10000000000"));
  // It is not said to need nothing: that is not known.
  EXPECT_EQ(ran.out, "/bin/tool\n    interpreter /lib64/ld-linux-x86-64.so.2\n");
  const auto report = nlohmann::json::parse(Run({"/bin/tool"}, /*json=*/true).out);
  EXPECT_THAT(report["objects"][0]["defects"], Not(IsEmpty()));
}

TEST_F(RunElfTest, BadFilesDoNotStopTheOthersAndTheHighestExitWins) {
  Write("/bin/good", Program());
  Write("/bin/incomplete", Program({"libgone.so"}));
  WriteBytes("/text", "text");
  EXPECT_EQ(Run({"/bin/good", "/bin/incomplete"}).exit_code, 1);
  EXPECT_EQ(Run({"/bin/incomplete", "/missing", "/bin/good"}).exit_code, 2);
  const Ran ran = Run({"/text", "/missing", "/bin/incomplete", "/bin/good"});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("/text: "));
  EXPECT_THAT(ran.err, HasSubstr("/missing: "));
  EXPECT_THAT(ran.out, HasSubstr("/bin/incomplete\n"));
  EXPECT_THAT(ran.out, HasSubstr("/bin/good\n"));
  // JSON holds the objects that could be read, and is JSON whatever else happened.
  const auto report = nlohmann::json::parse(Run({"/text", "/bin/good"}, /*json=*/true).out);
  ASSERT_EQ(report["objects"].size(), 1u);
  EXPECT_EQ(report["objects"][0]["path"], "/bin/good");
  EXPECT_EQ(Run({"/text"}, /*json=*/true).out, "{\n  \"objects\": []\n}\n");
}

TEST_F(RunElfTest, ObjectsWithoutLibrariesSayWhy) {
  ElfSpec relocatable;
  relocatable.type = 1;  // ET_REL
  Write("/o", relocatable);
  EXPECT_EQ(Run({"/o"}).out, "/o\n    relocatable object: linkers read it, no loader does\n");
  ElfSpec static_program;
  static_program.type = 2;  // ET_EXEC
  Write("/static", static_program);
  EXPECT_EQ(Run({"/static"}).out, "/static\n    statically linked: nothing to load\n");
  ElfSpec core;
  core.type = 4;  // ET_CORE
  Write("/core", core);
  EXPECT_EQ(Run({"/core"}).out, "/core\n    core dump: nothing loads it\n");
  Write("/lib/libx.so", Library());
  EXPECT_EQ(Run({"/lib/libx.so"}).out, "/lib/libx.so\n    needs no library\n");
}

// A library has no interpreter: the machine's usual one decides, and the report says so.
TEST_F(RunElfTest, LibrariesAreLoadedAsByTheUsualInterpreter) {
  Write("/lib/liba.so", Library({"libsys.so"}));
  Write("/sys/lib/libsys.so", Library());
  const Ran ran = Run({"/lib/liba.so"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out,
            "/lib/liba.so\n"
            "    no interpreter of its own; as /lib64/ld-linux-x86-64.so.2 would load it\n"
            "    └── libsys.so => /sys/lib/libsys.so [DEFAULT /sys/lib]\n");
}

TEST_F(RunElfTest, FiltersAreShownAsSuch) {
  ElfSpec filter = Library();
  filter.more_strings = {{0x7fffffff, "libreal.so"}};  // DT_FILTER
  Write("/lib/libfilter.so", filter);
  Write("/lib/libreal.so", Library());
  EXPECT_THAT(Run({"/lib/libfilter.so"}).out,
              HasSubstr("└── libreal.so (DT_FILTER) => /lib/libreal.so [RUNPATH $ORIGIN]\n"));
}

// No symlink and no ".." leads out of the root; relative names start at it.
TEST_F(RunElfTest, TheRootIsTheWholeWorld) {
  Write("/bin/tool", Program({"liba.so"}));
  Write("/lib/liba.so", Library());
  fs::create_symlink("/bin/tool", root_ + "/absolute");
  fs::create_symlink("../../../../../../bin/tool", root_ + "/up");
  for (const char* path : {"/absolute", "/up", "/../../bin/tool", "bin/tool"}) {
    const Ran ran = Run({path}, /*json=*/true);
    EXPECT_EQ(ran.exit_code, 0) << path << ran.err;
    const auto object = nlohmann::json::parse(ran.out)["objects"][0];
    EXPECT_EQ(object["path"], path);
    EXPECT_EQ(object["real_path"], "/bin/tool");
    EXPECT_EQ(object["libraries"][0]["real_path"], "/lib/liba.so");
  }
  // This test's own file is outside.
  EXPECT_EQ(Run({fs::canonical("/proc/self/exe")}).exit_code, 2);

  ElfOptions options;
  options.files = {"/bin/tool"};
  options.root = root_ + "/bin/tool";
  std::ostringstream out, err;
  EXPECT_EQ(RunElf(options, out, err), 2);
  EXPECT_THAT(err.str(), HasSubstr("/bin/tool is no directory\n"));
}

// Without a root, the host: this program runs, so its loader found everything.
TEST_F(RunElfTest, ThisProgramItself) {
  ElfOptions options;
  options.files = {"/proc/self/exe"};
  std::ostringstream out, err;
  EXPECT_EQ(RunElf(options, out, err), 0) << out.str() << err.str();
  EXPECT_THAT(out.str(), HasSubstr("libc.so.6 => "));
  EXPECT_EQ(err.str(), "");
}

TEST_F(RunElfTest, HostileNamesNeitherMoveTheCursorNorBreakJson) {
  ElfSpec tool = Program({"lib\x1b[2Ja\n.so", "lib\xff.so"});
  tool.runpath = "/\x1b]0;title\x07";
  Write("/bin/t\x1b[31mool\n", tool);
  Write("/\x1b]0;title\x07/lib\xff.so", Library());
  for (bool json : {false, true}) {
    const Ran ran = Run({"/bin/t\x1b[31mool\n", "/\x1b[5m"}, json);
    EXPECT_EQ(ran.exit_code, 2);
    for (const std::string& text : {ran.out, ran.err}) {
      EXPECT_THAT(text, Not(HasSubstr("\x1b")));
      EXPECT_THAT(text, Not(HasSubstr("\x07")));
      EXPECT_THAT(text, Not(HasSubstr("\xff")));
    }
    EXPECT_THAT(ran.out, HasSubstr(json ? "lib\\\\x1b[2Ja\\\\n.so" : "lib\\x1b[2Ja\\n.so => NOT"));
    EXPECT_THAT(ran.err, HasSubstr("/\\x1b[5m"));
    if (json) {
      const auto libraries = nlohmann::json::parse(ran.out)["objects"][0]["libraries"];
      EXPECT_EQ(libraries[1]["name"], "lib\\xff.so");
      EXPECT_EQ(libraries[1]["found_by"], "RUNPATH");
    }
  }
}

}  // namespace
}  // namespace lre_audit
