// Pages of LRE2xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre201[] =
    R"(The first line of an executable script names an interpreter outside the store. For
a script that is not executable it is a note: somebody else chooses how to run it.

Why it matters: the script runs with whatever the machine has there: another
bash, another Python, or none on a worker (rules_nixpkgs#647: #!/bin/bash in a
toolchain's wrapper). "#!/usr/bin/env python3" adds PATH to what decides.

    error[LRE201]: the script's interpreter is outside the store
      --> /nix/store/...-tool-1.0/bin/tool
       |  line 1: #!/usr/bin/python3

/bin/sh and /usr/bin/env are warnings by default, and nothing at all where the
image links them into the store.

To fix it: add the interpreter to buildInputs (nativeBuildInputs for build scripts)
and let patchShebangs run; it skips files that are not executable in time.
)";

const char kLre202[] =
    R"(A script's interpreter is a store path, or a file of one, that the tree does not
hold.

Why it matters: the kernel answers "No such file or directory" about the script.
It is what remains when a closure is copied in part, or when Nix's own bash is
baked into an action and absent where it runs (nixpkgs#445779).

    error[LRE202]: the script's interpreter is not in the image
      --> /nix/store/...-tool-1.0/bin/tool
       |  line 1: #!/nix/store/...-bash-5.2/bin/bash

To fix it: copy the whole closure. If patchShebangs chose an interpreter of the
build platform, put the right one into buildInputs.
)";

const char kLre203[] = R"(A symlink inside the store leads to a path outside it.

Why it matters: every tool that opens the link gets the machine's file under the
store's name; its hash in the closure covers the link, not what is behind it
(rules_nixpkgs#180).

    error[LRE203]: a symlink of the store leads outside it
      --> /nix/store/...-tool-1.0/lib/libssl.so.3
       |  symlink: /usr/lib/x86_64-linux-gnu/libssl.so.3

Links to what is the machine's by nature (/etc/resolv.conf, /proc, /dev,
certificates) are allowed by the default policy.

To fix it: link to the store path of the package that has the file, or copy it.
)";

const char kLre204[] =
    R"(A symlink leads to a store path that is not there, or to a file that its store
path does not have. A warning inside one package, where such links are mostly
forgotten manual pages; an error between packages, and from /bin into the store.

Why it matters: what the link stands for is missing, and only the first action that
uses it will tell.

    error[LRE204]: a symlink leads to a store path that is not there
      --> /bin/bash
       |  symlink: /nix/store/...-bash-5.2/bin/bash

To fix it: add the store path to the tree (the link's package refers to it, so its
closure has it), or remove the link; nixpkgs' noBrokenSymlinks hook finds them.
)";

const char kLre205[] =
    R"(A wrapper script runs or passes a path outside the store, or a file of nix-support
(flags for the compiler wrapper, propagated inputs) names one.

Why it matters: a wrapper is how nixpkgs says which tools and flags a program
gets. A path of the machine in it is used on every run; in nix-support it becomes
a flag of every compilation.

    error[LRE205]: a wrapper script runs or passes a path outside the store
      --> /nix/store/...-tool-1.0/bin/tool
       |  line 3: export PATH="/usr/local/bin:$PATH"

To fix it: use lib.makeBinPath with packages in makeWrapper's --prefix and --set; look
for $HOME, $TMPDIR and /usr in what generated the file.
)";

const char kLre206[] =
    R"(A file that build systems read (.pc, .la, .cmake, .prl, *-config, GCC specs, Python's
_sysconfigdata) names a path outside the store.

Why it matters: whoever compiles against the package inherits the path as -I, -L or
-rpath, and it leaks one package further on. Known carriers: libtool's
dependency_libs (nixpkgs#41819), /usr/bin/file in libtool (nixpkgs#98440),
_sysconfigdata (nixpkgs#51668), specs (nixpkgs#8543), Perl's Config
(nixpkgs#5895).

    warning[LRE206]: build metadata names a path outside the store
      --> /nix/store/...-foo-dev/lib/pkgconfig/foo.pc
       |  line 2: libdir=/usr/lib

To fix it: configure with --prefix=$out, --libdir and --includedir, or substitute the
path in postInstall. "${prefix}/${CMAKE_INSTALL_LIBDIR}" doubles absolute paths
(nixpkgs#144170).
)";

const char kLre207[] = R"(A binary holds paths outside the store as strings. One note per file.

Why it matters: mostly it does not. Compilers, linkers and shells carry lists of
conventional places (/usr/lib, /etc/profile) that they never open in a Nix build.
It matters where the program does open the path: clang without a sysroot looks
into /usr/lib (nixpkgs#24697).

    note[LRE207]: the file embeds 3 paths outside the store
      --> /nix/store/...-tool-1.0/bin/tool
       |  string at 0x20f1: /usr/share/tool
       = note: embedded: /etc/tool.conf, /usr/share/tool and /var/lib/tool

To find out: run the program under "strace -f -e trace=file". To fix it, configure
with --prefix, --sysconfdir and --localstatedir.
)";

const char kLre208[] =
    R"(A file of the store is setuid or setgid, or has capabilities as an extended
attribute.

Why it matters: Nix never writes such a file, so something else did. Everybody who
can run actions on the worker can run it with its owner's rights.

    error[LRE208]: a file of the store is setuid or setgid
      --> /nix/store/...-tool-1.0/bin/tool
       |  mode 4755, owner 0:0

To fix it: find the layer or command that ran chmod or setcap on it. On NixOS,
security.wrappers makes such programs outside the store.
)";

const char kLre209[] =
    R"(Files or directories of a store path can be written to. One finding per store path,
at its first such file.

Why it matters: the store is the same everywhere because nobody changes it. An
action that runs as the owner can, and every later action on that worker sees it:
wrong results, cached for all.

    warning[LRE209]: 812 files and directories of a store path are writable
      --> /nix/store/...-gcc-12.3.0
       |  mode 0755

To fix it: let dockerTools or nix2container write the image; with other builders,
"chmod -R a-w" in the step that copies the store. Mounting the store read-only
helps at run time.
)";

const char kLre210[] = R"(A store path holds a device, a fifo or a socket.

Why it matters: Nix's archive format knows files, directories and symlinks, nothing
else. So this was not built by Nix, cannot be copied or hashed by it, and a tool
that opens it may block or reach hardware.

    error[LRE210]: a special file is in the store
      --> /nix/store/...-tool-1.0/run/control
       |  fifo

To fix it: remove it from the layer that adds it; sockets are left behind by programs
that ran while the image was built.
)";

const char kLre211[] =
    R"(The modification time, owner or mode of files in a store path is not what Nix
writes: time 1 (0 is accepted too), owner 0:0, mode 0444 or 0555, no extended
attributes. One note per store path. Write bits are LRE209.

Why it matters: contents are not affected. Layers with other metadata have other
digests, so that two builds of one image do not share them (nix2container#23,
nix2container#127), and tools that compare times (make, Python's .pyc) behave
otherwise.

    note[LRE211]: metadata of 812 files of a store path is not what Nix writes
      --> /nix/store/...-gcc-12.3.0
       |  mtime 1700000000, owner 1000:100, mode 0555

To fix it: build the image with dockerTools or nix2container, or pass tar
--mtime=@1 --owner=0 --group=0 --numeric-owner --sort=name.
)";

}  // namespace lre_audit::page
