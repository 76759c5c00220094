// Pages of LRE1xx, first half: what an object says about itself.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre101[] = R"(PT_INTERP is the path of the dynamic loader that the kernel starts for a
program. Here it is not in the store, after symlinks inside the audited tree.

Why it matters: the program starts only where somebody else installed that
loader. Remote workers without it answer "No such file or directory" about a
file that is there (nixpkgs#8543, nativelink#641). Where it exists, another C
library than the one the build was keyed on decides what runs.

    error[LRE101]: interpreter is outside the store
      --> /nix/store/...-make-4.3/bin/make
       |  PT_INTERP at 0x318: /lib64/ld-linux-x86-64.so.2
       = note: 41 other objects of this image use /nix/store/...-glibc-2.42/lib/ld-linux-x86-64.so.2

To fix it: link through nixpkgs' compiler wrapper; or pass
-Wl,--dynamic-linker=PATH; or, for a binary built elsewhere, run
"patchelf --set-interpreter PATH" or add autoPatchelfHook.
)";

const char kLre102[] =
    R"(PT_INTERP names a loader in the store, and the audited tree does not have it.

Why it matters: the program cannot start. It usually works for the developer,
whose store happens to hold that C library, and fails on every worker.

    error[LRE102]: interpreter is not in the image
      --> /nix/store/...-make-4.3/bin/make
       |  PT_INTERP at 0x318: /nix/store/...-glibc-2.40/lib/ld-linux-x86-64.so.2
       = note: its store path is not there: /nix/store/...-glibc-2.40

To fix it: copy the whole closure into the image (dockerTools and nix2container
do so by themselves; "nix-store --query --requisites" lists it). If only LRE102
appears and no path is missing, the C library was cut down by a later layer.
)";

const char kLre103[] = R"(An element of RPATH or RUNPATH is an absolute path outside the store.

Why it matters: the loader looks there before it looks in its cache. On a
machine that has a library of that name, another version is loaded than the one
that was built against, and results differ between machines that share one cache
(nix#10221 is about /usr/lib). Whether anything is there today is no comfort.

    error[LRE103]: an element of RUNPATH is outside the store
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_RUNPATH at 0x1f2: /usr/lib/x86_64-linux-gnu

/run/opengl-driver/lib is allowed by the default policy (the graphics driver
belongs to the machine), and a warning in compilers.

To fix it: find the -rpath flag that put it there, often a configure script's or
libtool's. "patchelf --shrink-rpath --allowed-rpath-prefixes /nix/store FILE"
drops it afterwards.
)";

const char kLre104[] = R"(An element of RPATH or RUNPATH is relative or empty. glibc takes an empty
element, as in "/a::/b" or after a trailing colon, for the current directory.

Why it matters: what is loaded depends on the directory that the program was
started in. Bazel starts actions in a directory full of build outputs, so a
library that an action has just written can end up in the compiler. Seen in
ledger#3229 and rpmlint#911 (empty) and hashcat#956 (relative).

    error[LRE104]: an empty element of RUNPATH stands for the current directory
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_RUNPATH at 0x1f2: (empty)

To fix it: look for "-rpath $VARIABLE:" with an empty variable. For a path
relative to the file, write $ORIGIN/../lib. "patchelf --shrink-rpath" drops it.
)";

const char kLre105[] =
    R"(An element of RPATH or RUNPATH names a directory that a build or a person made:
/build, /tmp, $TMPDIR, /home and the like.

Why it matters: the directory is gone, so whoever can create it decides what the
program loads; /tmp is writable by everybody. nixpkgs#22060 and patchelf#97 tell
how such elements survive, rpmlint#847 found builders' home directories.

    error[LRE105]: an element of RUNPATH names a build or home directory
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_RUNPATH at 0x1f2: /build/source/build/lib

To fix it: install with the build system's own install target (CMake rewrites
RPATH there; CMAKE_SKIP_BUILD_RPATH avoids it), or run "patchelf --shrink-rpath"
in preFixup. nixpkgs' audit-tmpdir.sh hook catches it for packages it builds.
)";

const char kLre106[] =
    R"(An element of RPATH or RUNPATH is written as a place in the store, and leads out
of it: too many ".." after $ORIGIN, or a symlink on the way.

Why it matters: it passes every check that only looks at how the path begins.
The loader follows it all the same, to whatever the machine has there.

    error[LRE106]: an element of RUNPATH leads out of the store
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_RUNPATH at 0x1f2: $ORIGIN/../../../../usr/lib
       = note: it leads to /usr/lib

To fix it: $ORIGIN is the directory of the object itself, so a program in bin/
reaches its libraries by $ORIGIN/../lib. For a symlink, see the package that
holds it: it is LRE203 there.
)";

const char kLre107[] =
    R"(An element of RPATH or RUNPATH names a store path that the tree does not hold. As
a note: the store path is there, and has no such directory.

Why it matters: nothing is loaded from there now. The element keeps a reference
alive, or shows that a closure was copied in part; on a machine that holds the
path, other libraries are found than here.

    warning[LRE107]: an element of RUNPATH names a store path that is not there
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_RUNPATH at 0x1f2: /nix/store/...-zlib-1.3/lib

To fix it: "patchelf --shrink-rpath" drops elements that no needed library comes
from. If the path is needed, add it to the tree.
)";

const char kLre113[] =
    R"(The section headers of an object tell another story than its program headers:
another RUNPATH, another interpreter, other needed libraries.

Why it matters: the loader reads program headers only; readelf and patchelf
print what the sections say. An object can so show /nix/store to a reviewer and
load from /usr/lib. Broken tools produce the same by accident.

    error[LRE113]: sections and segments disagree about DT_RUNPATH
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_RUNPATH: the loader reads "/usr/lib", readelf prints "/nix/store/...-zlib-1.3/lib"

To fix it: build the object again, and leave out the step that rewrote it. Until
then, believe "lre-audit elf FILE" or "LD_DEBUG=libs", not readelf.
)";

const char kLre117[] =
    R"(The file begins like an ELF object, a Mach-O object or an archive, and cannot be
read as one: a header points beyond the file, a table is cut short. What could
be read was audited.

Why it matters: a truncated copy fails at run time on the machine that got it,
and a linker may silently skip a damaged member. Some of what the file names may
have been missed.

    warning[LRE117]: the file is not what its magic says: program header 3: ...
      --> /nix/store/...-tool-1.0/lib/libx.so
       |  at 0xe8: program header 3: p_offset 0x9000 beyond the file's 0x4000 bytes

To fix it: compare the file's hash with the closure (LRE305) and build or fetch it
again. Test data that is broken on purpose can be allowed in the policy.
)";

const char kLre118[] =
    R"(A program, or a library that one loads, is for another machine than the tree's
platform.

Why it matters: it does not run there, or runs under an emulator on the one
machine that has one registered. A toolchain built for two platforms and packed
into one image fails only when the wrong half is used.

    warning[LRE118]: is for AArch64 in a tree for x86-64
      --> /nix/store/...-tool-1.0/bin/tool
       |  e_machine: AArch64

To fix it: take the package for the image's platform. What a cross compiler ships
for its target is meant to be foreign: allow it in the policy by path.
)";

const char kLre119[] =
    R"(DWARF debug information names a directory outside the store, usually the one the
object was compiled in.

Why it matters: objects compiled in two directories differ in their bytes, so
that nothing that depends on them hits the cache (bazel#1000,
rules_foreign_cc#1271). Nothing is opened at run time: it is a note.

    note[LRE119]: debug information names a directory outside the store
      --> /nix/store/...-tool-1.0/lib/libx.a
       |  DWARF directory: /build/source

To fix it: compile with -ffile-prefix-map=$PWD=. (or -fdebug-prefix-map), or strip
the object; nixpkgs strips by default, separateDebugInfo moves it elsewhere.
)";

const char kLre120[] =
    R"(The file is a dynamic loader whose built-in search directories or cache lie
outside the store, such as a distribution's own glibc.

Why it matters: every library that RUNPATH does not name is looked for in
/etc/ld.so.cache, /lib and /usr/lib of the machine. A RUNPATH that misses an
element goes unnoticed where the machine has the library, and fails, or loads
another version, where it does not. nixpkgs patches its glibc so that cache and
directories are in its own store path.

    warning[LRE120]: the loader itself searches outside the store
      --> /nix/store/...-glibc-2.36/lib/ld-linux-x86-64.so.2
       |  built-in cache at 0x2c1a0: /etc/ld.so.cache
       = note: it searches, or reads: /lib64, /usr/lib64 and /etc/ld.so.cache

To fix it: use nixpkgs' glibc or musl. With another one, see that LRE108 to LRE110
are clean: then each object finds what it needs before the loader asks the host.
)";

}  // namespace lre_audit::page
