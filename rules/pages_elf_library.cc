// Pages of LRE1xx, second half: what an object makes the loader load.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre108[] =
    R"(The object needs a library (DT_NEEDED) that the loader does not find: not by
RPATH or RUNPATH, not in the cache or the default directories of its own
interpreter. As a warning: a library of that name is in the tree, and a plugin
may count on the program that loads it.

Or the loader finds a file of that name and refuses it: it is cut off, its header
is damaged, or it is a program or separate debug information. The loader stops
there, though a later directory may hold a whole one.

Why it matters: the program stops with "cannot open shared object file". The
classic cause is a linker that is not wrapped, lld or mold, which leaves RUNPATH
empty (nixpkgs#24744, nixpkgs#250898, rust#162781); it works on a developer's
machine whose /usr/lib has the library.

    error[LRE108]: library libfoo.so.1 is found nowhere
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_NEEDED at 0x4a1: libfoo.so.1
       = note: its search path: /nix/store/...-glibc-2.42/lib

To fix it: add the library's package to buildInputs and link through the wrapper;
for a binary built elsewhere, use autoPatchelfHook or "patchelf --add-rpath".
A file that is refused is to be replaced: "nix store repair", or a new build.
)";

const char kLre109[] =
    R"(A needed library is loaded from outside the store, or DT_NEEDED itself is a path
outside it.

Why it matters: this is the machine's library, not the build's. Local and remote
run different code under one cache key, and a system update changes results
without changing any key.

    error[LRE109]: library libxml2.so.2 comes from outside the store
      --> /nix/store/...-clang-16/bin/clang-16
       |  DT_NEEDED at 0x4a1: libxml2.so.2
       = note: found at /usr/lib/x86_64-linux-gnu/libxml2.so.2 by DEFAULT

xls#4566 is this case: a downloaded clang that needs the host's libxml and
libtinfo.

To fix it: add the library's package and its directory to RUNPATH;
"patchelf --replace-needed /usr/lib/libx.so libx.so" turns a path into a name.
)";

const char kLre110[] =
    R"(A needed library is found in a store path that the object's own package does not
refer to: some other object's RPATH, or the environment of the build, led there.

Why it matters: Nix copies what a package refers to. Copy this package alone, or
collect garbage, and the library is gone; in another process, with another main
program, it may never be found.

    error[LRE110]: library libz.so.1 comes from a package that /nix/store/...-tool-1.0 does not refer to
      --> /nix/store/...-tool-1.0/lib/libtool.so
       |  DT_NEEDED at 0x4a1: libz.so.1
       = note: found at /nix/store/...-zlib-1.3/lib/libz.so.1 by RPATH

To fix it: name the library's directory in this object's own RUNPATH. The path is
then in its bytes, Nix's scanner sees it, and the reference is recorded.
)";

const char kLre111[] =
    R"(The object needs a symbol version, such as GLIBC_2.38, that the library which the
loader takes does not define.

Why it matters: the loader refuses to start the program: "version `GLIBC_2.38' not
found". The object was linked against a newer library than it runs with, as
happens when two nixpkgs revisions meet in one image. A library that knows of no
versions at all is loaded, and ends the program with a failed assertion when the
first such symbol is looked up in it.

    error[LRE111]: libc.so.6 lacks symbol version GLIBC_2.38
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_VERNEED: GLIBC_2.38 of libc.so.6
       = note: the loader takes /nix/store/...-glibc-2.36/lib/libc.so.6

To fix it: build both from one nixpkgs, or name the newer library first in
RUNPATH. Versions that are only weakly needed are not reported.
)";

const char kLre112[] = R"(One process would load two different C libraries, by way of its libraries'
RUNPATHs.

Why it matters: two allocators, two sets of locks and of thread-local data. The
program crashes, or worse, does not (nixpkgs#333710). glibc's loader in
particular works only with the libc.so.6 that it was built with.

    error[LRE112]: one process would load 2 C libraries
      --> /nix/store/...-tool-1.0/bin/tool
       |  C libraries: /nix/store/...-glibc-2.42/lib/libc.so.6 and /nix/store/...-glibc-2.38/lib/libc.so.6

To fix it: build the program and all its libraries from one nixpkgs revision; or
wrap the foreign part into a process of its own.
)";

const char kLre114[] =
    R"(The object names an audit or filter module (DT_AUDIT, DT_DEPAUDIT, DT_FILTER,
DT_AUXILIARY) that lies outside the store.

Why it matters: an audit module is loaded before the program and may redirect
every library search and call (rtld-audit(7)); a filter replaces a library's
symbols. RUNPATH checks do not see either, which makes them a good back door.

    error[LRE114]: DT_AUDIT leads outside the store
      --> /nix/store/...-tool-1.0/bin/tool
       |  DT_AUDIT at 0x4a1: /usr/lib/audit/sotruss-lib.so

To fix it: link without --audit, --depaudit (-P), --filter (-F) and --auxiliary (-f),
or give them a path in the store.
)";

const char kLre115[] =
    R"(The note .note.nixos.ldcache, which patchelf can write and a patched glibc reads
before RUNPATH, leads outside the store, or to another file than RUNPATH would.

Why it matters: the note silently overrides a RUNPATH that looks clean. A tool
that changes RUNPATH later leaves an old note in place (patchelf#658,
patchelf#659), and the object goes on loading the old library.

    error[LRE115]: the note .note.nixos.ldcache finds libz.so.1 elsewhere than RUNPATH would
      --> /nix/store/...-tool-1.0/bin/tool
       |  libz.so.1: note /nix/store/...-zlib-1.2/lib, RUNPATH /nix/store/...-zlib-1.3/lib

To fix it: write the note after the last change of RUNPATH, or remove it.
)";

const char kLre116[] =
    R"(The object says in .note.dlopen (systemd's ELF dlopen metadata) that it opens a
library at run time, and no search path of the object finds it. An error where
the note marks it required.

Why it matters: dlopen() is invisible to ldd and to the linker, so nothing else
would tell that the feature fails on the worker (nixpkgs#282749).

    warning[LRE116]: libcryptsetup.so.12, which it loads at run time, is found nowhere
      --> /nix/store/...-systemd-257/lib/libsystemd-shared-257.so
       |  .note.dlopen at 0x2c8: libcryptsetup.so.12

To fix it: add the library's lib directory to RUNPATH ("patchelf --add-rpath" after
fixupPhase, which would shrink it away), or build without the feature.
)";

}  // namespace lre_audit::page
