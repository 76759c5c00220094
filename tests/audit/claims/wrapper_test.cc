#include "audit/claims/wrapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/audit/claims/extract.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const char kBin[] = "/nix/store/7gw8n8l0q0x8a6nq0cqk4wq1ycz3bh0p-tool-1.0/bin/tool";

// What nixpkgs' makeShellWrapper writes for
// --prefix PATH : DIR --set JAVA_HOME /usr/lib/jvm --set-default X DIR --add-flags "-L/usr/lib".
TEST(Wrapper, MakeShellWrapper) {
  const FileFacts facts = Extract(kBin, R"(#! /nix/store/aaa-bash-5.2/bin/bash -e
PATH=${PATH:+':'$PATH':'}
PATH=${PATH/':''/nix/store/bbb-coreutils/bin'':'/':'}
PATH='/nix/store/bbb-coreutils/bin'$PATH
PATH=${PATH#':'}
PATH=${PATH%':'}
export PATH
XDG_DATA_DIRS=${XDG_DATA_DIRS:+':'$XDG_DATA_DIRS':'}
XDG_DATA_DIRS='/usr/share'$XDG_DATA_DIRS
export XDG_DATA_DIRS
export JAVA_HOME='/usr/lib/jvm'
export CACHE=${CACHE-'/opt/cache'}
export GREETING='read /usr/share/doc'
exec -a "$0" "/nix/store/7gw-tool-1.0/bin/.tool-wrapped"  -L/usr/lib --data /usr/share/x "$@"
)");
  EXPECT_THAT(
      Claims(facts),
      ElementsAre("WRAPPER /nix/store/bbb-coreutils/bin PATH", "WRAPPER /usr/share XDG_DATA_DIRS",
                  "WRAPPER /usr/lib/jvm JAVA_HOME", "WRAPPER /opt/cache CACHE",
                  "WRAPPER /nix/store/7gw-tool-1.0/bin/.tool-wrapped exec", "WRAPPER /usr/lib -L",
                  "WRAPPER /usr/share/x argument"));
  const Claim& claim = facts.claims(3);
  EXPECT_EQ(claim.text(), "/usr/lib/jvm");
  EXPECT_EQ(claim.line(), 11);
  EXPECT_EQ(claim.excerpt(), "export JAVA_HOME='/usr/lib/jvm'");
}

// The older makeWrapper.
TEST(Wrapper, MakeWrapperOfOld) {
  EXPECT_THAT(Paths(Extract(kBin, R"(#! /nix/store/aaa-bash/bin/bash -eu
declare -a extraFlagsArray=()
export PATH='/usr/local/bin'${PATH:+':'$PATH}
export PATH+=${PATH:+':'}'/opt/bin'
export LD_LIBRARY_PATH='/usr/lib:/nix/store/ccc-z/lib'
set +u
exec -a '$0' '/nix/store/7gw-tool/bin/.tool-wrapped' "${extraFlagsArray[@]}" "$@"
)")),
              ElementsAre("/usr/local/bin", "/opt/bin", "/usr/lib", "/nix/store/ccc-z/lib",
                          "/nix/store/7gw-tool/bin/.tool-wrapped"));
}

// cc-wrapper: a long script, its exec in both branches.
TEST(Wrapper, CcWrapper) {
  const std::string text = R"(#! /nix/store/aaa-bash/bin/bash
set -eu -o pipefail +o posix
path_backup="$PATH"
if [[ -n "/nix/store/bbb-coreutils" && -n "/nix/store/ddd-grep" ]]; then
    PATH="/nix/store/bbb-coreutils/bin:/usr/bin"
fi
source /nix/store/7gw-gcc-wrapper/nix-support/utils.bash
while (( "$n" < "$nParams" )); do
    p=${params[n]}
    case "$p" in
        -[cSEM] | -MM) dontLink=1 ;;
        -[IL]/*) path=${p:2} ;;
        /nix/store/* | /lib/*) skip=1 ;;
    esac
done
skip () { echo "skipping impure path /usr/lib" >&2; /usr/bin/never; }
extraBefore+=("-Wl,-dynamic-linker=/lib64/ld-linux-x86-64.so.2" "-B/usr/lib/gcc" "-L$out/lib")
if (( "${NIX_DEBUG:-0}" >= 1 )); then
    printf "  %q\n" ${extraBefore+"${extraBefore[@]}"}  >&2
fi
if (( "${NIX_CC_USE_RESPONSE_FILE:-0}" >= 1 )); then
    responseFile=$(/nix/store/bbb-coreutils/bin/mktemp "${TMPDIR:-/tmp}/cc-params.XXXXXX")
    exec /usr/bin/gcc "@$responseFile"
else
    exec /usr/bin/gcc \
       ${extraBefore+"${extraBefore[@]}"} \
       ${params+"${params[@]}"}
fi
)";
  EXPECT_THAT(
      Claims(Extract("/nix/store/7gw8n8l0q0x8a6nq0cqk4wq1ycz3bh0p-gcc-wrapper/bin/gcc", text)),
      ElementsAre("WRAPPER /nix/store/bbb-coreutils/bin PATH", "WRAPPER /usr/bin PATH",
                  "WRAPPER /nix/store/7gw-gcc-wrapper/nix-support/utils.bash source",
                  "WRAPPER /lib64/ld-linux-x86-64.so.2 extraBefore -dynamic-linker",
                  "WRAPPER /usr/lib/gcc extraBefore -B",
                  "WRAPPER /nix/store/bbb-coreutils/bin/mktemp command",
                  "WRAPPER /usr/bin/gcc exec"));
}

TEST(Wrapper, Commands) {
  const struct {
    const char* body;
    std::vector<std::string> expected;
  } kCases[] = {
      {"exec /usr/bin/gcc -isystem /usr/include \"$@\"",
       {"WRAPPER /usr/bin/gcc exec", "WRAPPER /usr/include -isystem"}},
      {"exec env -i PATH=/usr/bin FOO=bar /bin/true",
       {"WRAPPER /usr/bin PATH", "WRAPPER /bin/true exec"}},
      {"/usr/bin/env -u X PATH=/opt/bin tool",
       {"WRAPPER /usr/bin/env command", "WRAPPER /opt/bin PATH"}},
      {"LD_PRELOAD=/usr/lib/libx.so exec tool", {"WRAPPER /usr/lib/libx.so LD_PRELOAD"}},
      {"exec ld --sysroot=/ -rpath /opt/a:/opt/b -Wl,-rpath,/opt/c",
       {"WRAPPER /opt/a -rpath", "WRAPPER /opt/b -rpath", "WRAPPER /opt/c -rpath"}},
      {". /opt/env.sh\nexec tool", {"WRAPPER /opt/env.sh source"}},
      {"if test \"$A\"; then\n exec /opt/a\nelse\n exec /opt/b\nfi",
       {"WRAPPER /opt/a exec", "WRAPPER /opt/b exec"}},
      {"x=$(/usr/bin/uname -m)\nexec tool", {"WRAPPER /usr/bin/uname command"}},
      // Variables that are executed.
      {"CC=\"/usr/bin/cc\"\nexec \"$CC\" \"$@\"", {"WRAPPER /usr/bin/cc exec $CC"}},
      {"CC=/usr/bin/cc\n$CC \"$@\"", {"WRAPPER /usr/bin/cc command $CC"}},
      {"readonly CC=/usr/bin/cc\nif test \"$A\"; then exec ${CC} -c; fi",
       {"WRAPPER /usr/bin/cc exec $CC"}},
      {"exec ${FOO:-/usr/bin/foo} \"$@\"", {"WRAPPER /usr/bin/foo exec $FOO"}},
      {"exec \"${FOO:=${BAR-/usr/bin/foo}}\"", {"WRAPPER /usr/bin/foo exec $BAR"}},
      {"FOO=/opt/foo\nexec ${FOO:-/usr/bin/foo}", {"WRAPPER /opt/foo exec $FOO"}},
      {"E=/opt/env.sh\n. $E\nexec tool", {"WRAPPER /opt/env.sh source $E"}},
      {"CC=/usr/bin/cc\nexec tool", {}},
      {"CC=/usr/bin/cc\necho $CC\nexec tool \"$CC\"", {}},
      {"exec $CC\nCC=/usr/bin/cc", {}},
      {"if test $A; then CC=/usr/bin/cc; fi\nexec $CC", {}},
      {"CC=/usr/bin/cc\nCC=$1\nexec $CC", {}},
      {"CC=/usr/bin/cc\ntest $A && CC=$A\nexec $CC", {}},
      {"CC=/usr/bin\nCC+=/cc\nexec $CC", {}},
      {"CC=/usr/bin/cc\nread -r CC\nexec $CC", {}},
      {"CC=/usr/bin/cc\nunset CC\nexec $CC", {}},
      {"CC=/usr/bin/cc\nf() { CC=$1; }\nf x\nexec $CC", {}},
      {"CC=/usr/bin/cc\nfor CC in a b; do exec $CC; done", {}},
      {"for CC in a b; do exec ${CC:-/usr/bin/cc}; done", {}},
      {"x=$(CC=/usr/bin/cc; echo $CC)\n(CC=/usr/bin/cc)\nexec $CC", {}},
      {"CC=/usr/bin/cc make\nexec $CC", {"WRAPPER /usr/bin/cc CC"}},  // make's environment
      {"CC=/usr/bin/cc\n[ -x \"$CC\" ] || exit 1\nexec $CC", {}},
      {"CC=/usr/bin/cc\nexec $CC-12", {}},
      {"CC=/usr/bin/cc\nexec ${CC##*/}", {}},
      {"CC=/opt/$x/cc\nexec $CC", {}},
      {"exec ${FOO:+/usr/bin/foo} tool", {}},
      {"exec ${FOO:-foo} --x=${BAR:-/usr/bin/bar}", {}},
      {"FOO=$out/bin/foo\nexec ${FOO:-/usr/bin/foo}", {}},
      {"[ -n \"$FOO\" ] || exit 1\nexec ${FOO:-/usr/bin/foo}", {}},
      // Conditions that are constant.
      {"true && /usr/bin/gcc \"$@\"", {"WRAPPER /usr/bin/gcc command"}},
      {": && true &&\n /usr/bin/gcc", {"WRAPPER /usr/bin/gcc command"}},
      {"if true; then /usr/bin/gcc \"$@\"; fi", {"WRAPPER /usr/bin/gcc command"}},
      {"if :\nthen\n /usr/bin/a\nelse\n /usr/bin/b\nfi\n/usr/bin/c",
       {"WRAPPER /usr/bin/a command", "WRAPPER /usr/bin/c command"}},
      {"true || /usr/bin/gcc", {}},
      {"false && /usr/bin/gcc", {}},
      {"! true && /usr/bin/gcc", {}},
      {"test $A && true && /usr/bin/gcc", {}},
      {"true && test $A && /usr/bin/gcc", {}},
      {"false | true && /usr/bin/gcc", {}},
      {"true >/x && /usr/bin/gcc", {}},
      {"if true && test $A; then /usr/bin/gcc; fi", {}},
      {"if ! true; then /usr/bin/gcc; fi", {}},
      {"if $(true); then /usr/bin/gcc; fi", {}},
      {"if test $A; then true; elif true; then /usr/bin/gcc; fi", {}},
      {"if test $A; then if true; then /usr/bin/gcc; fi; fi", {}},
      {"test $A && if true; then /usr/bin/gcc; fi", {}},
      {"f() if true; then /usr/bin/gcc; fi\nexec tool", {}},
      {"while true; do /usr/bin/gcc; done", {}},
      // Backquotes.
      {"x=`/usr/bin/uname -m`\nexec tool", {"WRAPPER /usr/bin/uname command"}},
      {"exec \"`/usr/bin/which gcc`\" -c", {"WRAPPER /usr/bin/which command"}},
      {"test $A && x=`/usr/bin/uname`\ntest $A && y=$(/usr/bin/uname)\nexec tool", {}},
      {"echo '`/usr/bin/a`' \\`/usr/bin/b\\`\nexec tool", {}},
      {"x=`expr \\`/usr/bin/a\\``\nexec tool", {}},
      {"x=`broken 'quote`\nexec /usr/bin/a", {"WRAPPER /usr/bin/a exec"}},
      // What is sourced.
      {"source /etc/profile.d/x.sh\nexec tool", {"WRAPPER /etc/profile.d/x.sh source"}},
      {"[ -f /etc/default/x ] && . /etc/default/x\nexec tool", {}},
      {"if [ -r /etc/rc ]; then . /etc/rc; fi\n. ./x.sh\n. $HOME/.rc\nexec tool", {}},
      // No claims.
      {"exec \"$out/bin/x\" -L$out/lib --config=/etc/x \"/usr/$x\"", {}},
      {"exec tool -m 'reads /usr/lib -L/usr/lib' --file=/etc/x /etc/y", {}},
      {"exec tool > /dev/null 2>/usr/x < /usr/y", {}},
      {"[ -x /usr/bin/a ] && exec /usr/bin/a\nexec tool", {}},
      {"test -x /usr/bin/a || exit 1\nexec /usr/bin/a", {}},
      {"if [ -d /usr/lib/jvm ]; then\n export JAVA_HOME=/usr/lib/jvm\nfi\nexec tool", {}},
      {"echo 'run /usr/bin/a -L/usr/lib'\nprintf '/usr/%s' x\nexec tool", {}},
      {"sed -e 's,/usr/lib,/opt,' x\ngrep '^/usr/bin' y\nexec tool", {}},
      {"cat <<EOF\n/usr/bin/a\nexport PATH=/usr/bin\nEOF\nexec tool", {}},
      {"# /usr/bin/a\n: # exec /usr/bin/b\nexec tool", {}},
      {"f() { exec /usr/bin/a; PATH=/usr/bin; }\nexec tool", {}},
      {"export TMPDIR=/tmp HISTFILE=/dev/null\nCONFIG=/usr/share/x\nexec tool", {}},
      {"exec tool\n/usr/bin/after", {}},
      {"command -v /usr/bin/a\nexec tool", {}},
      {"export PATH=/opt/$x/bin\nexec tool", {}},
      {"exec /dev/fd/3", {}},
      {"broken 'quote\nexec /usr/bin/a", {}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Claims(Extract(kBin, absl::StrCat("#!/nix/store/aaa-bash/bin/sh\n", c.body, "\n"))),
              c.expected)
        << c.body;
  }
}

TEST(Wrapper, AVariablesClaimStandsAtItsAssignment) {
  const FileFacts facts = Extract(kBin, "#!/bin/sh\n\nCC=\"/usr/bin/cc\"\nexec \"$CC\" \"$@\"\n");
  ASSERT_EQ(facts.claims_size(), 2);
  EXPECT_EQ(facts.claims(1).line(), 3);
  EXPECT_EQ(facts.claims(1).offset(), 15);
  EXPECT_EQ(facts.claims(1).excerpt(), "CC=\"/usr/bin/cc\"");
}

TEST(Wrapper, ShortScriptsOfBinRunPrograms) {
  const std::string text = "#!/bin/sh\n/usr/bin/make \"$@\"\n";
  EXPECT_THAT(Paths(Extract(kBin, text)), ElementsAre("/usr/bin/make"));
  EXPECT_THAT(Paths(Extract("/nix/store/7gw-x/share/example.sh", text)), IsEmpty());
}

// After ldd, gunzip, git's and autoconf's scripts: programs of their own.
TEST(Wrapper, GeneralScriptsMakeNoClaims) {
  std::string ldd = R"(#!/bin/bash
TEXTDOMAIN=libc
TEXTDOMAINDIR=/usr/share/locale
RTLDLIST="/lib/ld-linux.so.2 /lib64/ld-linux-x86-64.so.2 /libx32/ld-linux-x32.so.2"
warn=
while test $# -gt 0; do
  case "$1" in
  --vers | --version)
    echo 'ldd (Debian GLIBC 2.36)'
    printf $"Written by %s.
" "Roland McGrath"
    exit 0
    ;;
  *) break ;;
  esac
done
try_trace() (
  output=$(eval $add_env '"$@"' 2>&1; rc=$?; printf 'x'; exit $rc)
  rc=$?
)
for file do
  test $single -eq 1 || echo "${file}:"
  case "$file" in
  */*) : ;;
  *) file=./$file ;;
  esac
  for rtld in ${RTLDLIST}; do
    if test -x $rtld; then
      dummy=`$rtld 2>&1`
    fi
  done
done
exit $result
)";
  EXPECT_THAT(Paths(Extract("/nix/store/7gw-glibc-bin/bin/ldd", ldd)), IsEmpty());

  std::string configure = R"(#! /bin/sh
exec 7<&0 </dev/null 6>&1
PATH_SEPARATOR=:
(PATH='/bin;/bin'; FPATH=$PATH; sh -c :) >/dev/null 2>&1
ac_default_prefix=/usr/local
test -x /usr/bin/file || :
if test -x /usr/bin/uname; then
  /usr/bin/uname -p
fi
cat >conftest.$ac_ext <<_ACEOF
#include "/usr/include/stdio.h"
_ACEOF
)";
  for (int i = 0; i < 60; ++i)
    configure += absl::StrCat("v", i, "=`expr ", i, " + 1`\n/bin/uname\n");
  EXPECT_THAT(Paths(Extract("/nix/store/7gw-src/bin/configure", configure)), IsEmpty());
}

TEST(NixSupport, Files) {
  const std::string directory =
      "/nix/store/7gw8n8l0q0x8a6nq0cqk4wq1ycz3bh0p-gcc-wrapper/nix-support/";
  const struct {
    const char *name, *text;
    std::vector<std::string> expected;
  } kCases[] = {
      {"cc-cflags",
       " -B/nix/store/ggg-gcc/lib/ -isystem /usr/include -fPIC\n",
       {"NIX_SUPPORT /nix/store/ggg-gcc/lib/ -B", "NIX_SUPPORT /usr/include -isystem"}},
      {"libc-ldflags",
       "-L/nix/store/lll-glibc/lib -rpath /lib64",
       {"NIX_SUPPORT /nix/store/lll-glibc/lib -L", "NIX_SUPPORT /lib64 -rpath"}},
      {"dynamic-linker",
       "/lib64/ld-linux-x86-64.so.2",
       {"NIX_SUPPORT /lib64/ld-linux-x86-64.so.2 dynamic-linker"}},
      {"orig-cc", "/nix/store/ggg-gcc\n", {"NIX_SUPPORT /nix/store/ggg-gcc orig-cc"}},
      {"propagated-build-inputs",
       " /nix/store/a-a /nix/store/b-b ",
       {"NIX_SUPPORT /nix/store/a-a propagated-build-inputs",
        "NIX_SUPPORT /nix/store/b-b propagated-build-inputs"}},
      {"add-flags.sh",
       "if [ -e /nix/store/g/nix-support/cc-cflags ]; then\n"
       "    NIX_x_CFLAGS_COMPILE=\"$(< /nix/store/g/nix-support/cc-cflags) $X\"\nfi\n"
       "NIX_x_CFLAGS_COMPILE=\"-B/usr/bin/ $NIX_x_CFLAGS_COMPILE\"\n",
       {"NIX_SUPPORT /usr/bin/ NIX_x_CFLAGS_COMPILE -B"}},
      {"setup-hook",
       "addCVars () {\n  if [ -d $1/include ]; then NIX_LDFLAGS+=\" -L/usr/lib\"; fi\n}\n"
       "export CC=/usr/bin/gcc\n",
       {"NIX_SUPPORT /usr/bin/gcc CC"}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Claims(Extract(directory + c.name, c.text, false)), c.expected) << c.name;
  }
}

TEST(ConfigScript, PrefixesAndOptions) {
  EXPECT_THAT(Claims(Extract("/nix/store/7gw-x/bin/x-config", R"(#!/bin/sh
prefix=/usr
exec_prefix=${prefix}
# libdir=/old
includedir="/opt/include"
sysconfdir=/etc
case "$1" in
  --libs) echo "-L/usr/lib -Wl,-rpath,/usr/lib/x -lx" ;;
  --cflags) echo -I$includedir ;;
esac
)")),
              ElementsAre("BUILD_METADATA /usr prefix", "BUILD_METADATA /opt/include includedir",
                          "BUILD_METADATA /usr/lib -L", "BUILD_METADATA /usr/lib/x -rpath"));
  EXPECT_THAT(Paths(Extract("/nix/store/7gw-x/bin/y-config",
                            "#!/usr/bin/perl\n# -L/old\nprint \"-L/usr/lib \", '-I/opt/i';\n")),
              ElementsAre("/usr/lib", "/opt/i"));
}

}  // namespace
}  // namespace lre_audit
