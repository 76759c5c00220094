#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/toolchain/read_toolchain.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

size_t OffsetOf(std::string_view text, uint32_t line, uint32_t column) {
  size_t begin = 0;
  while (--line > 0) begin = text.find('\n', begin) + 1;
  return begin + column - 1;
}

// "line:column KIND path [context] system"
std::vector<std::string> Claims(const std::string& path, std::string_view text,
                                bool executable = false) {
  std::vector<std::string> shown;
  const ConfigFacts facts = ReadToolchainFile(path, text, executable);
  for (const Claim& claim : facts.claims()) {
    const size_t offset = OffsetOf(text, claim.line(), claim.column());
    EXPECT_EQ(offset, claim.offset()) << claim.text();
    EXPECT_TRUE(claim.text().empty() || text[offset] == claim.text()[0]) << claim.text();
    shown.push_back(absl::StrCat(
        claim.line(), ":", claim.column(), " ", Claim::Kind_Name(claim.kind()), " ", claim.text(),
        " [", claim.context(), "]", claim.system().empty() ? "" : " ", claim.system()));
  }
  return shown;
}

// "line:column KIND key = value [context]"
std::vector<std::string> Settings(std::string_view text) {
  std::vector<std::string> shown;
  const ConfigFacts facts = ReadToolchainFile("BUILD", text, false);
  for (const Setting& setting : facts.settings()) {
    shown.push_back(absl::StrCat(setting.line(), ":", setting.column(), " ",
                                 Setting::Kind_Name(setting.kind()), " ", setting.key(), " = ",
                                 setting.value(), " [", setting.context(), "]"));
  }
  return shown;
}

std::vector<std::string> Defects(const std::string& path, std::string_view text) {
  std::vector<std::string> shown;
  const ConfigFacts facts = ReadToolchainFile(path, text, false);
  for (const ConfigDefect& defect : facts.defects()) {
    shown.push_back(absl::StrCat(defect.line(), ":", defect.column(), " ", defect.message()));
  }
  return shown;
}

TEST(StarlarkClaims, ConfigurationOfBazelsCcToolchain) {
  EXPECT_THAT(
      Claims("cc/BUILD", R"(# /usr/bin/comment
"""Documents /usr/bin/gcc."""
load("/usr/label", "x")
cc_toolchain_config(
    name = "local",
    compile_flags = ["-Wall", "-isystem", "/usr/include/a", "-I/opt/b c"],
    cxx_builtin_include_directories = [
        "/usr/include",
        "%sysroot%/usr/include",
        "relative/include",
        '/opt/my sdk',
    ],
    extra_flags_per_feature = {"f": ["--sysroot=/opt/sysroot"]},
    link_flags = [
        "-fuse-ld=/usr/bin/ld.gold",
        "-B/usr/bin", "-Wl,-rpath,/usr/lib:/opt/lib", "-Wl,-z,relro",
        "-D__DATE__=\"redacted\"", "-D\"\" -L/opt/l", "-ffile-prefix-map=/build=.",
        "-DDIRECTORY=\"/opt/share\"", "-fplugin=/opt/p.so", "@/opt/args", "/usr/lib/crt1.o",
    ],
    deps = ["//x:y", "@a//b:c", ":d"],
    doc = "See /usr/share/doc.",
    tool_paths = {
        "ar": "/usr/bin/ar",
        "gcc": "/opt/my tools/gcc",
        "gcov": "None",
        "nm": "",
        "wrapper": "cc_wrapper.sh",
    },
)
)"),
      ElementsAre(
          "6:44 FLAG /usr/include/a [-isystem /usr/include/a]", "6:64 FLAG /opt/b c [-I/opt/b c]",
          "8:10 INCLUDE_DIRECTORY /usr/include [cxx_builtin_include_directories]",
          "11:10 INCLUDE_DIRECTORY /opt/my sdk [cxx_builtin_include_directories]",
          "13:49 FLAG /opt/sysroot [--sysroot=/opt/sysroot]",
          "15:19 FLAG /usr/bin/ld.gold [-fuse-ld=/usr/bin/ld.gold]",
          "16:12 FLAG /usr/bin [-B/usr/bin]", "16:35 FLAG /usr/lib [-Wl,-rpath,/usr/lib:/opt/lib]",
          "16:44 FLAG /opt/lib [-Wl,-rpath,/usr/lib:/opt/lib]", "17:46 FLAG /opt/l [-L/opt/l]",
          "18:24 FLAG /opt/share [-DDIRECTORY=\"/opt/share\"]",
          "18:49 FLAG /opt/p.so [-fplugin=/opt/p.so]", "18:63 FLAG /opt/args [@ /opt/args]",
          "18:76 FLAG /usr/lib/crt1.o [/usr/lib/crt1.o]", "23:16 TOOL /usr/bin/ar [ar]",
          "24:17 TOOL /opt/my tools/gcc [gcc]", "25:18 TOOL None [gcov]", "26:16 TOOL  [nm]",
          "27:21 TOOL cc_wrapper.sh [wrapper]"));
}

TEST(StarlarkClaims, RuleBodiesOfBzlFiles) {
  EXPECT_THAT(Claims("x.bzl", R"(
def _impl(ctx):
    """Runs /usr/bin/x."""
    if ctx.attr.cpu == "/usr/compared" or ctx.path.startswith("/usr/searched"):
        fail("no /usr/bin/message")
    tool_paths = [
        tool_path(name = "ar", path = "/usr/bin/ar"),
        tool_path(name = "ld", path = ctx.attr.root + "/bin/ld"),
        tool_path(name = "nm", path = "/opt" + "/bin/nm"),
    ] + [tool_path(name = n, path = "/bin/" + n) for n in ["gcc"]]
    dirs = {"/usr/key": ctx.attr.x["/usr/index"]}
    cxx_builtin_include_directories = ["/usr/include"] if ctx.attr.y else []
    env = [env_entry(key = "PATH", value = "/usr/bin:/bin"), env_entry("A", "CC=/usr/bin/cc")]
    flag = flag_group(flags = ["-isystem" , "{}/include".format("/opt/sdk")])
    builtin_sysroot = "/opt/sysroot"
    return "/usr/lib/x/include"
)"),
              ElementsAre("7:40 TOOL /usr/bin/ar [ar]", "9:40 TOOL /opt/bin/nm [nm]",
                          "10:38 TOOL /bin/ []", "11:14 TOOL /usr/key [dirs]",
                          "12:41 INCLUDE_DIRECTORY /usr/include [cxx_builtin_include_directories]",
                          "13:45 TOOL /usr/bin [PATH]", "13:54 TOOL /bin [PATH]",
                          "13:81 TOOL /usr/bin/cc [env]", "14:66 FLAG /opt/sdk [/opt/sdk]",
                          "15:24 FLAG /opt/sysroot [/opt/sysroot]",
                          "16:13 INCLUDE_DIRECTORY /usr/lib/x/include []"));
}

TEST(StarlarkClaims, WhatOnlyBeginsLikeAPath) {
  EXPECT_THAT(
      Claims("x.bzl",
             "msvc = flag_group(flags = ['/nologo', '/DNDEBUG', '/I%{include_paths}', '-O2'])\n"
             "platforms = ['@//:linux', '@//config:platform']\n"
             "patterns = ['/.*', '/*.h', '/.+/x']\n"
             "flags = ['-isystem', '/sdk', '/opt/a.o', '@/opt/args']\n"),
      ElementsAre("4:23 FLAG /sdk [-isystem /sdk]", "4:31 FLAG /opt/a.o [/opt/a.o]",
                  "4:44 FLAG /opt/args [@ /opt/args]"));
}

TEST(StarlarkClaims, OtherToolchains) {
  EXPECT_THAT(Claims("java/BUILD",
                     "local_java_runtime(\n    name = 'jdk',\n"
                     "    java_home = '/usr/lib/jvm/java 17',\n)\n"),
              ElementsAre("3:18 TOOL /usr/lib/jvm/java 17 [java_home]"));
  EXPECT_THAT(
      Claims("BUCK",
             "system_cxx_toolchain(\n  name = 'cxx',\n  compiler = '/usr/bin/clang',\n"
             "  compiler_type = 'clang',\n  linker = '/usr/bin/clang++',\n"
             "  cxx_flags = ['-I', '/usr/include'],\n)\n"),
      ElementsAre("3:15 TOOL /usr/bin/clang [compiler]", "5:13 TOOL /usr/bin/clang++ [linker]",
                  "6:23 FLAG /usr/include [-I /usr/include]"));
  EXPECT_THAT(Claims("x/BUILD.bazel",
                     "genrule(cmd = \"PATH=/bin X=1 /usr/bin/python3 -B $(location //x) > $@ && "
                     "/opt/x -I/opt/i\")"),
              ElementsAre("1:21 TOOL /bin [cmd]", "1:30 TOOL /usr/bin/python3 [cmd]",
                          "1:74 TOOL /opt/x [cmd]", "1:83 FLAG /opt/i [-I]"));
  EXPECT_THAT(Claims("x.bzl", "f(content = '''#!/bin/sh\nexec x''')"),
              ElementsAre("1:18 TOOL /bin/sh [content]"));
}

TEST(StarlarkClaims, SystemIsThatOfTheRepositoryTheFileOrTheConstraints) {
  const std::string_view text =
      "new_local_repository(name = 'rs-aarch64-darwin', path = '/nix/store/a')\n"
      "local_repository(name = 'rs', path = '/nix/store/b')\n"
      "r(x = select({'//t:x86_64-unknown-linux-gnu': '/nix/store/c', '//d': '/nix/store/d'}))\n"
      "t(exec_compatible_with = ['@platforms//cpu:aarch64', '@platforms//os:macos'],\n"
      "  y = '/nix/store/e')\n";
  EXPECT_THAT(
      Claims("x/rust.BUILD", text),
      ElementsAre("1:58 TOOL /nix/store/a [rs-aarch64-darwin] aarch64-darwin",
                  "2:39 TOOL /nix/store/b [rs]", "3:48 TOOL /nix/store/c [x] x86_64-linux",
                  "3:71 TOOL /nix/store/d [x]", "5:8 TOOL /nix/store/e [y] aarch64-darwin"));
  EXPECT_THAT(Claims("x/x86_64-linux.BUILD.bazel", "f(a = '/nix/store/a')"),
              ElementsAre("1:8 TOOL /nix/store/a [a] x86_64-linux"));
}

TEST(StarlarkClaims, Settings) {
  EXPECT_THAT(Settings(R"(toolchain(
    name = "cc",
    exec_compatible_with = ["@platforms//os:linux"] + select({"//x": ["@platforms//os:none"]}),
    target_compatible_with = ["@platforms//cpu:x86_64"],
)
platform(
    name = "p",
    constraint_values = ["@platforms//cpu:arm64"],
    exec_properties = {"container-image": "docker://a:b", "OSFamily": "Linux"},
)
platform(name = "q", constraint_values = ["@platforms//cpu:wasm32"])
cc_toolchain_config(name = "local", cpu = "k8", target_libc = "glibc_2.38",
    abi_libc_version = "local", host_system_name = "x86_64-unknown-linux-gnu")
platform(name = "old", remote_execution_properties = """
  properties: {
    # name: "no"
    name: "container-image"
    value: "docker://c@sha256:d"
  }
  properties: { name: "OSFamily" value: "Linux" }
""")
)"),
              ElementsAre("3:30 CONSTRAINT exec = @platforms//os:linux [cc]",
                          "4:32 CONSTRAINT target = @platforms//cpu:x86_64 [cc]",
                          "8:27 CONSTRAINT exec = @platforms//cpu:arm64 [p]",
                          "9:44 CONTAINER_IMAGE container-image = docker://a:b [p]",
                          "9:72 EXEC_PROPERTY OSFamily = Linux [p]",
                          "11:44 CONSTRAINT target = @platforms//cpu:wasm32 [q]",
                          "12:44 SYSTEM_NAME target_cpu = k8 [local]",
                          "12:64 LIBC target_libc = glibc_2.38 [local]",
                          "13:25 LIBC abi_libc_version = local [local]",
                          "13:53 SYSTEM_NAME host_system_name = x86_64-unknown-linux-gnu [local]",
                          "18:13 CONTAINER_IMAGE container-image = docker://c@sha256:d [old]",
                          "20:42 EXEC_PROPERTY OSFamily = Linux [old]"));
}

TEST(StarlarkClaims, ExcerptIsTheLineOrThePartAroundThePath) {
  const ConfigFacts facts = ReadToolchainFile(
      "BUILD",
      absl::StrCat("f(\n\ta = \"/usr/bin/a\",\r\n", "  b = [\"", std::string(5000, 'x'),
                   "\", \"/usr/bin/b\", \"", std::string(5000, 'y'), "\"])\n"),
      false);
  ASSERT_EQ(facts.claims_size(), 2);
  EXPECT_EQ(facts.claims(0).excerpt(), "a = \"/usr/bin/a\",");
  EXPECT_LE(facts.claims(1).excerpt().size(), 130u);
  EXPECT_THAT(facts.claims(1).excerpt(), testing::HasSubstr("xx\", \"/usr/bin/b\", \"yy"));
}

TEST(StarlarkClaims, ErrorsAreDefectsAndTheRestIsRead) {
  const std::string_view text = "f(a = '/usr/bin/a'\n\ng(b = '/usr/bin/b')\nc = '/usr/bin/c\n";
  EXPECT_THAT(Defects("BUILD", text),
              ElementsAre("1:2 unclosed '('", "4:6 string has no end before the line ends"));
  EXPECT_THAT(
      Claims("BUILD", text),
      ElementsAre("1:8 TOOL /usr/bin/a [a]", "3:8 TOOL /usr/bin/b [b]", "4:6 TOOL /usr/bin/c [c]"));
}

TEST(IncludeDirectoryList, NamesTheCompilerAndOneDirectoryInALine) {
  EXPECT_THAT(
      Claims("cc/builtin_include_directory_paths_clang",
             "This file is generated by cc_configure and contains builtin include directories\n"
             "that /opt/my tools/clang reported. This file is a dependency of every action and\n"
             "changes to it will be reflected in the action cache key. /usr/prose\n\n"
             "/usr/include\r\n  /opt/a b/include\n%sysroot%/include\nrelative\n\n/last"),
      ElementsAre("2:6 TOOL /opt/my tools/clang [compiler]",
                  "5:1 INCLUDE_DIRECTORY /usr/include [builtin_include_directory_paths]",
                  "6:3 INCLUDE_DIRECTORY /opt/a b/include [builtin_include_directory_paths]",
                  "10:1 INCLUDE_DIRECTORY /last [builtin_include_directory_paths]"));
}

TEST(ModuleMap, HeadersAndUmbrellas) {
  const std::string_view text =
      "// header \"/no\"\n/* header\n\"/no\" */\n"
      "module \"/no\" [system] {\n"
      "  textual header \"/usr/include/a b.h\" { size 3 }\n"
      "  private textual header \"/usr/include/\\\"c\\\".h\"\n"
      "  umbrella \"/usr/include/d\"\n  umbrella header \"relative.h\"\n"
      "  link \"/no\"\n  export *\n  exclude header \"/usr/include/e.h\"\n}\n"
      "extern module x.y \"/usr/include/f.modulemap\"\n";
  EXPECT_THAT(Claims("cc/module.modulemap", text),
              ElementsAre("5:19 INCLUDE_DIRECTORY /usr/include/a b.h [header]",
                          "6:27 INCLUDE_DIRECTORY /usr/include/\"c\".h [header]",
                          "7:13 INCLUDE_DIRECTORY /usr/include/d [header]",
                          "11:19 INCLUDE_DIRECTORY /usr/include/e.h [header]",
                          "13:20 INCLUDE_DIRECTORY /usr/include/f.modulemap [header]"));
  EXPECT_THAT(Defects("module.modulemap", text), IsEmpty());
  EXPECT_THAT(Defects("module.modulemap", "module a {\n header \"/x\n}\n}\n/* x"),
              ElementsAre("2:9 string has no end before the line ends", "4:1 '}' closes nothing",
                          "5:1 comment has no end"));
  EXPECT_THAT(Defects("module.modulemap", "module a {{\n"),
              ElementsAre("2:1 2 unclosed '{' at the end"));
}

TEST(ModuleMap, ThousandsOfHeaders) {
  std::string text = "module \"crosstool\" [system] {\n";
  for (int i = 0; i < 15'000; ++i)
    absl::StrAppend(&text, "  textual header \"/usr/include/", i, ".h\"\n");
  const ConfigFacts facts = ReadToolchainFile("module.modulemap", text + "}\n", false);
  EXPECT_THAT(facts.defects(), IsEmpty());
  ASSERT_EQ(facts.claims_size(), 15'000);
  EXPECT_EQ(facts.claims(14'999).line(), 15'001u);
}

TEST(ToolchainScript, EveryPathCounts) {
  EXPECT_THAT(
      Claims("cc/cc_wrapper.sh", R"(#!/bin/bash
# /usr/bin/comment
set -eu
function f() {
  /usr/bin/in_function "$1"
}
if [[ -x /usr/bin/tested ]]; then
  "/opt/my tools/gcc" -B/usr/lib/x -isystem /usr/include "$@"
fi
DUPLICATES=$("/usr/bin/nm" "$1" | sed -E 's/.*\[([^][]+)\]/x/' | LC_ALL=C sort)
CC=/usr/bin/cc
echo "/usr/bin/printed" > /dev/null
exec $CC /usr/lib/crt1.o
)"),
      ElementsAre("1:3 SHEBANG /bin/bash []", "5:3 WRAPPER /usr/bin/in_function [command]",
                  "8:4 WRAPPER /opt/my tools/gcc [command]", "8:25 WRAPPER /usr/lib/x [-B]",
                  "8:45 WRAPPER /usr/include [-isystem]", "10:15 WRAPPER /usr/bin/nm [command]",
                  "11:4 WRAPPER /usr/bin/cc [CC]", "13:10 WRAPPER /usr/lib/crt1.o [argument]"));
  EXPECT_THAT(Claims("wrapper", "#!/usr/bin/env python3\nx = '/usr/bin/x'\n", /*executable=*/true),
              ElementsAre("1:3 SHEBANG /usr/bin/env [python3]"));
  EXPECT_THAT(Claims("wrapper", "#!/usr/bin/env python3\n", /*executable=*/false), IsEmpty());
  EXPECT_THAT(Defects("x.sh", "#!/bin/sh\nif true; then\n"),
              ElementsAre("0:0 is not a shell script that can be read: its quotes, branches or "
                          "substitutions do not end, or it holds a NUL"));
}

TEST(CMakeToolchain, VariablesSayWhatTheirValuesAre) {
  const std::string_view text = R"(# set(X /no)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER "/opt/my tools/gcc")
set(CMAKE_CXX_COMPILER /usr/bin/g++)
set(CMAKE_SYSROOT /opt/sysroot)
set(CMAKE_C_FLAGS "-B/usr/bin -isystem /usr/include ${X}" CACHE STRING "doc")
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES /usr/include/c++;/usr/include ${Y}/include)
include_directories(SYSTEM "/opt/a b")
add_link_options(-fuse-ld=/usr/bin/ld)
list(APPEND CMAKE_PREFIX_PATH /opt/prefix)
find_program(AR NAMES ar PATHS /usr/sbin)
message(STATUS "/no")
if(EXISTS /no)
endif()
)";
  EXPECT_THAT(
      Claims("x/toolchain.cmake", text),
      ElementsAre(
          "3:23 TOOL /opt/my tools/gcc [CMAKE_C_COMPILER]",
          "4:24 TOOL /usr/bin/g++ [CMAKE_CXX_COMPILER]", "5:19 FLAG /opt/sysroot [/opt/sysroot]",
          "6:22 FLAG /usr/bin [-B/usr/bin]", "6:40 FLAG /usr/include [-isystem /usr/include]",
          "7:44 INCLUDE_DIRECTORY /usr/include/c++ [CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES]",
          "7:61 INCLUDE_DIRECTORY /usr/include [CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES]",
          "8:29 INCLUDE_DIRECTORY /opt/a b [SYSTEM]",
          "9:27 FLAG /usr/bin/ld [-fuse-ld=/usr/bin/ld]",
          "10:31 TOOL /opt/prefix [CMAKE_PREFIX_PATH]", "11:32 TOOL /usr/sbin [PATHS]"));
  EXPECT_THAT(Defects("toolchain.cmake", "set(A b)\nset(B \"/usr/bin/b\nset(C d)"),
              ElementsAre("2:4 is not closed before the file ends"));
}

// Whatever the bytes are, a reader comes to their end.
TEST(ToolchainFiles, MutationsAndTruncationsAreRead) {
  const std::pair<std::string, std::string_view> files[] = {
      {"BUILD", "f(a = [\"-I/usr\", '/b'], tool_paths = {\"x\": r\"/c\"} + select({}))\n# d\n"},
      {"module.modulemap",
       "module \"a\" [system] {\n textual header \"/b\\\"\" // c\n /* d */\n}\n"},
      {"x.sh", "#!/bin/sh\nif [ -x \"/a\" ]; then exec /b \"$@\" <<E\nc\nE\nfi\n"},
      {"x.cmake", "set(A \"/b;c\" [=[d]=]) # e\n#[[ f ]]\nif(EXISTS /g)\nendif()\n"},
      {"builtin_include_directory_paths", "This\nthat /a reported. x\n\n/b\n"}};
  for (const auto& [path, whole] : files) {
    for (size_t i = 0; i <= whole.size(); ++i) {
      EXPECT_EQ(ReadToolchainFile(path, whole.substr(0, i), true).path(), path);
      for (char c : "\0\n\"'\\(){}[]#<\xff"sv) {
        std::string text(whole);
        text.insert(i, 1, c);
        EXPECT_EQ(ReadToolchainFile(path, text, true).path(), path);
      }
    }
  }
}

}  // namespace
}  // namespace lre_audit
