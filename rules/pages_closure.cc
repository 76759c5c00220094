// Pages of LRE3xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre301[] =
    R"(The tree holds a store path that the closure named with --closure does not.

Why it matters: the closure is the promise of what developers and workers share.
What is beyond it was built otherwise, from another revision or by hand, and
actions that use it cannot be reproduced locally.

    error[LRE301]: the image holds a store path that the closure does not
      --> /nix/store/...-python3-3.11.9
       = note: the closure is from closure.json (nix path-info --json)

To fix it: make tree and closure from one evaluation. Often the image was built from
another commit, or has a base image with a store of its own. Without --closure,
such a path is only LRE604.
)";

const char kLre302[] = R"(The closure holds a store path that the tree does not.

Why it matters: something in the tree refers to it, directly or through others, and
will not find it: a program that fails to start, a header that is not there, but
only on the machine that has this tree.

    error[LRE302]: the closure holds a store path that the image does not, and /nix/store/...-gcc-wrapper refers to it
      --> /nix/store/...-glibc-2.42-dev

To fix it: copy the whole closure. Look for filters on the contents, for whiteouts in
later layers (LRE404), and for layers that were dropped when the image was
squashed or its size cut.
)";

const char kLre303[] =
    R"(A file of the tree contains the path of a store path that the tree does not hold.

Why it matters: what the file names is gone. If the program opens it, it fails here
and works where the path happens to exist, which is the way local and remote
results drift apart.

    error[LRE303]: the file refers to a store path that is not in the image
      --> /nix/store/...-gcc-wrapper/bin/cc
       |  at 0x1b2: /nix/store/...-coreutils-9.5

Where another rule says the same more exactly (a missing interpreter, a dangling
symlink), only that one is shown.

To fix it: add the path. If it is only mentioned, as build flags in a --version text
are, remove it at build time: remove-references-to, nuke-refs, or
disallowedReferences to be told.
)";

const char kLre304[] =
    R"(The contents of a store path refer to another one that its recorded references do
not list.

Why it matters: Nix copies and keeps alive what is recorded. With the record wrong,
copying the closure to a worker leaves the path out. A correct build records every
reference it can see, so contents and record come from different builds, or a file
was changed afterwards.

    warning[LRE304]: the contents refer to a store path that the recorded references omit
      --> /nix/store/...-tool-1.0/bin/tool
       = note: the references recorded of /nix/store/...-tool-1.0 do not list it, ...

To fix it: build the path again and register it anew; "nix-store --verify
--check-contents" tells whether the contents were changed.
)";

const char kLre305[] =
    R"(The contents of a store path, hashed as a NAR archive as Nix does, are not those
that the closure records.

Why it matters: same name, other bytes. Caches and people take the path for the
thing the closure says it is. Reasons seen: a file changed in place, a truncated
copy, a build that is not deterministic and was made twice.

    error[LRE305]: the contents of a store path are not those that the closure records
      --> /nix/store/...-zlib-1.3
       |  NAR hash sha256:5e1b..., recorded sha256:9ed9...

To fix it: on a store, "nix-store --repair-path PATH". For an image, copy the path
from the store that the closure describes; LRE404 and LRE209 may say who changed
it.
)";

const char kLre306[] =
    R"(A store path is named where Nix's own scan cannot see it, and leads outside the closure:
in something that is packed inside a file (gzip, xz, zstd, bzip2, zip, jar, whl, and
tar in any of them, up to four deep, also appended to a program), or in UTF-16 text.

Why it matters: Nix finds references by looking for their hashes in the bytes that it
stores. A jar that runs /nix/store/...-python3/bin/python3 has no reference to it, so
the path is not copied to workers, and not kept when garbage is collected. It works
on the machine that built it.

    warning[LRE306]: a reference that Nix's scan cannot see leads outside the closure
      --> /nix/store/...-bazel-7.4.1/bin/bazel
       |  in zip member tools/python/python_bootstrap_template.txt, at 0x2c: /nix/store/...-python3-3.11.9

A hidden reference to a path that is in the closure, whatever its package refers to, is
no finding. Other containers (7z, rar, squashfs, Java's jmod), encrypted members and
compressed sections of ELF objects are not looked into. Data that are damaged are searched as far
as they can be unpacked; where a limit stops the search, that is LRE902.

To fix it: make the reference visible ("echo $path > $out/nix-support/depends"), so
that it joins the closure; or remove it before packing, with remove-references-to.
)";

const char kLre307[] =
    R"(The store directory has an entry that is no store path: a lock, a temporary or
trash directory, a name that Nix would not accept.

Why it matters: it belongs to no closure, so nobody can say what is in it or rebuild
it. Locks and temporary paths are left by a Nix that was at work while its store
was copied; what is beside them may then be incomplete.

    error[LRE307]: an entry of the store directory is no store path
      --> /nix/store/tmp-1234-0
       |  temporary path of a build

To fix it: copy store paths one by one (nix copy, nix-store --export, closureInfo),
never the store directory. An empty .links directory is accepted.
)";

const char kLre308[] =
    R"(The closure's record of a store path (its NAR hash, its size and what it refers to)
is not the one that was signed, or the path's content address gives another path.

Why it matters: the hash that contents are compared with is only as good as the record
it stands in. A signature by a key that is known and that does not verify, or a path
that claims to be named by its contents and is not, says that somebody changed the
record: a broken cache at best.

    error[LRE308]: the closure's record of a store path is not to be believed
      --> /nix/store/...-zlib-1.3
       |  the signature by cache.example.org-1 is not of what is recorded: 1;/nix/store/...-zlib-1.3;sha256:0z9l...;124416;/nix/store/...-glibc-2.42

Known keys are those of --trusted-key, else trusted-public-keys of nix.conf. That a path
has no signature by a trusted key is told only with --trusted-key, and not of paths
that were built where the closure was written, or that are named by their contents:
they need none.

To fix it: fetch the path again from the cache that signs it, or build it. What is
your own: nix store sign --key-file KEY -r PATH.
)";

}  // namespace lre_audit::page
