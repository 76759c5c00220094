// Pages of LRE4xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre401[] =
    R"(A blob of the image (manifest, configuration or layer) has another digest or size
than the descriptor that names it.

Why it matters: the digest is the image's identity, and the one thing that a registry,
a runtime and a cache agree on. Runtimes that check will refuse the image; those
that do not, run something else than was built.

    error[LRE401]: a blob is not what its descriptor says
      --> blobs/sha256/9ed96a33...
       |  expected sha256:9ed96a33..., found sha256:0b4c1f77...

To fix it: fetch the image again, then build and push it again. If it comes back,
look at what copies it: a proxy, a full disk.

Of a nix: image no blob is there yet: the layer is made of the store's files, as
nix2container would make it. Then the files are not those that it was described from;
nix-store --verify --check-contents says which path, and building the image anew
describes it anew.
)";

const char kLre402[] =
    R"(A layer, decompressed, does not have the diff_id that the image's configuration
lists, or there are more or fewer of one than of the other.

Why it matters: runtimes find unpacked layers by diff_id, so a machine that has a
layer of that id already will show other files than one that unpacks this blob.

    error[LRE402]: a layer's contents are not what the image's configuration says
      --> layer 3
       |  expected sha256:9ed96a33..., found sha256:0b4c1f77...

To fix it: write layers and configuration in one step. Tools that recompress or edit a
layer have to write the configuration anew. skopeo 1.9 (Debian 12's) leaves out the
zeros that fill an archive's last record when it writes zstd:chunked, and keeps the
diff_id: the files are the same, but who verifies refuses the layer. Push it with a
newer skopeo, or as zstd or gzip: skopeo copy --dest-compress-format zstd.
)";

const char kLre403[] =
    R"(The image holds a file outside the store: an error for programs, libraries and
executable scripts, a warning for other files and for symlinks that lead elsewhere
than into the store. Directories never count.

Why it matters: what is outside the store has no closure and no hash that anybody
compares. An action that finds /usr/bin/gcc or /usr/lib/libz.so uses it, and only
on this worker.

    error[LRE403]: the image holds a program or library outside the store
      --> /usr/bin/make
       |  ELF object for x86-64

Symlinks into the store (/bin/bash, /usr/bin/env) are fine, and the default policy
allows what a runtime needs: /etc/passwd, /etc/resolv.conf, certificates, /dev.

To fix it: start from an empty image instead of a distribution's, and put files
into store paths with writeTextDir or runCommand.
)";

const char kLre404[] =
    R"(A layer replaces, removes or adds a file in a store path that a lower layer holds, or
changes its metadata.

Why it matters: the store path keeps its name and loses its contents: the hash in its
name no longer says anything. RUN steps that patch, strip or clean up the store
("rm -rf /nix/store/*/share/doc") do it.

    error[LRE404]: layer 2 replaces a file of a store path that layer 1 holds
      --> /nix/store/...-gcc-12.3.0/bin/gcc
       |  layer 2 replaces /nix/store/...-gcc-12.3.0/bin/gcc

A layer that repeats a file with the same contents and metadata is not reported.

To fix it: change the derivation (overrideAttrs, a multiple-output package) and
build the image from that.
)";

const char kLre405[] =
    R"(A variable of the image's Env holds a path outside the store, a relative path or an
empty element.

Why it matters: every action inherits it unless its own environment replaces it. PATH
decides which tools scripts find; an empty element in it is the current directory,
where build outputs lie.

    error[LRE405]: PATH names a path outside the store
      --> PATH
       |  Env PATH: /usr/local/bin

HOME, TMPDIR and certificate variables may name the usual places.

To fix it: write Env from the same expression as the contents, such as
"PATH=${lib.makeBinPath [ coreutils bash ]}". A base image's Env may have been
inherited: look at its configuration.
)";

const char kLre406[] = R"(The image's Env sets a variable by which every program loads other code:
LD_LIBRARY_PATH, LD_PRELOAD, LD_AUDIT, LD_ORIGIN_PATH, GCONV_PATH, or DYLD_* on
macOS. Even a value in the store is an error; an empty one is nothing.

Why it matters: LD_LIBRARY_PATH comes before every RUNPATH, for every program of the
image and every one that an action builds and runs. What was proven of their
RUNPATHs no longer holds. A stray colon in it means the current directory
(nixpkgs#76802).

    error[LRE406]: Env sets LD_LIBRARY_PATH, which every program of the image obeys
      --> LD_LIBRARY_PATH
       |  Env LD_LIBRARY_PATH=/usr/lib

To fix it: unset it. A program that needs a library gets it by RUNPATH
(autoPatchelfHook), or by a wrapper around it alone.
)";

const char kLre407[] =
    R"(The program of Entrypoint or Cmd is outside the store or not in the image, or an
argument names a store path that is not. Other arguments are not judged: they may be
mounted when the container starts.

Why it matters: the worker does not start, or starts a program that no closure
describes.

    error[LRE407]: Entrypoint is not in the image
      --> Entrypoint
       |  Entrypoint: /nix/store/...-nativelink-0.5/bin/nativelink

To fix it: write the program's store path into the configuration by interpolation
("${pkgs.nativelink}/bin/nativelink"), so that it is in the image's closure too.
)";

const char kLre408[] =
    R"(The image holds a file that configures the dynamic loader for all programs:
/etc/ld.so.preload, /etc/ld-nix.so.preload (which nixpkgs' glibc reads instead),
/etc/ld.so.conf and ld.so.conf.d, /etc/ld.so.cache, or musl's /etc/ld-musl-*.path.

Why it matters: preload files put a library into every process. A cache or search path
answers for every library that RUNPATH misses, and so hides LRE108 in this image
until the program runs elsewhere.

    error[LRE408]: the image configures the dynamic loader
      --> /etc/ld.so.cache

The same files inside a glibc's own store path are how nixpkgs builds it, and fine.

To fix it: remove the file; it mostly comes with a distribution's base image.
)";

const char kLre409[] =
    R"(A variable of the image's Env names a store path, or a file of one, that is not in the
image.

Why it matters: tools that the variable should make available are not found, and the
next element of PATH answers instead, or nothing does.

    error[LRE409]: PATH names a store path that is not in the image
      --> PATH
       |  Env PATH: /nix/store/...-coreutils-9.5/bin

To fix it: strings in the configuration do not add contents in every image builder.
List the packages in the image's contents too, or build both from one list.
)";

const char kLre410[] =
    R"(The image is described twice, and the descriptions differ: manifest.json and index.json of
what `docker save` writes, the table of contents and the archive of a layer, a stored layer's
files and the archive that they were unpacked from, an index that offers the image for another
platform than its configuration is for, one path twice in a layer with other contents, or an
attribute in a layer that hides files from overlayfs alone.

Why it matters: which description is used depends on who loads the image. One machine then runs
other files than the other, while each finds its own digests to be right. Of a layer in eStargz or
zstd:chunked, runtimes that fetch files one by one (stargz-snapshotter, Podman) believe the table of
contents, all others the archive.

    error[LRE410]: two descriptions of the image differ
      --> index.json
       |  names 0 layers [], manifest.json 2 [sha256:5f..., sha256:a1...]

To fix it: build or save the image again with a release that writes both alike (Docker 25.0.0 to
25.0.3 did not), or copy it with skopeo to a form that has one description.
)";

const char kLre411[] = R"(A layer's archive ends, and bytes other than zeros follow.

Why it matters: one reader stops at the end mark, another reads on and finds more files
there. The image then has different contents for different runtimes, while every
digest is right.

    warning[LRE411]: bytes follow the end of a layer's archive
      --> layer 2

To fix it: write each layer with one run of one tar; archives that were concatenated
need tar --concatenate.
)";

}  // namespace lre_audit::page
