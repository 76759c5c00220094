// Pages of LRE6xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre601[] =
    R"(The toolchain names a store path that the image lacks.

Why it matters: the toolchain was generated from another build than the image. Every
remote action that uses the tool fails, and nobody's local build does, because the
path is in the local store. No tag or name shows it.

    error[LRE601]: the toolchain names a store path that the image oci:worker:t lacks
      --> generated-cc/cc/BUILD:140:16
       |  "gcc": "/nix/store/...-customClang/bin/customClang",
       = note: named 14 times in the toolchain: gcc, cpp and 12 more

It is one finding for each image and store path, at the first place that names it. A
flag's file that the image's store path does not have is told here too.

To fix it: generate the toolchain and build the image from one commit, in that order or
in the other, and deploy both.
)";

const char kLre602[] =
    R"(The toolchain names a store path that the local closure lacks: the closure or store that
was named with --closure, or as "local" in lre-audit.textproto.

Why it matters: what runs remotely cannot run locally, so that builds with a local
fallback, and all that run locally on purpose, fail for developers. If they have
another version of the path instead, local and remote results have different keys.

    error[LRE602]: the toolchain names a store path that the local side closure.json lacks
      --> generated-cc/cc/BUILD:140:16
       |  "gcc": "/nix/store/...-customClang/bin/customClang",

The same for a local store that nobody named is LRE604, a warning.

To fix it: let the development shell take its toolchain from the flake input that
generated the Bazel toolchain; the paths of both then are one evaluation's.
)";

const char kLre603[] =
    R"(A store path is both local and in the image, with different contents.

Why it matters: the path is all that Bazel sees, so that a local and a remote result share
one cache key and are not the same. Whoever built first decides what everybody gets.
Reasons seen: a package that does not build reproducibly and was built twice, a file
changed in place, a layer that alters the path.

    error[LRE603]: the contents of a store path differ between store:/ and oci:worker:t
      --> /nix/store/...-binutils-2.43
       |  bin/ld: contents
       = note: store:/: NAR hash sha256:5e1b...
       = note: oci:worker:t: NAR hash sha256:9ed9...

Against a closure that the user named for the image it is LRE305.

To fix it: build the path once and copy it (nix copy), instead of building it on both
sides. "nix-store --verify-path" says whether the local one is what Nix has written.
)";

const char kLre604[] =
    R"(A store path is on one side only: the image or the toolchain has it, and the local store,
which was compared because no closure was named, does not know it.

Why it matters: what developers do not have they cannot run, so an action that uses
it runs remotely only, and its cache key may never be reached locally. But nobody
promised that the local store is complete, so this is a warning.

    warning[LRE604]: the image holds a store path that the closure does not
      --> /nix/store/...-python3-3.11.9
       = note: the closure is from the local store

To fix it: realise the path locally, or name the closure that the tree is meant to
have (--closure, or "local" in lre-audit.textproto); a path that it lacks is then
LRE301, or LRE602 for a toolchain's, an error.
)";

const char kLre605[] =
    R"(lre.bazelrc lists other store paths of a package than the toolchain names. Its commented
Env block is what the developer's shell has put into the local store; the toolchain's
tool paths are what actions run.

Why it matters: the two come from two pins, a flake input and a Bazel module. When one
moves and the other does not, local actions lack the tools that the toolchain names,
or run others, and the remote cache is missed without a word.

    error[LRE605]: the Env of lre.bazelrc and the toolchain name different store paths of customClang
      --> generated-cc/cc/BUILD:140:16
       |  "gcc": "/nix/store/n4rz...-customClang/bin/customClang",
       = note: lre.bazelrc:7:6: CC=/nix/store/7a1b...-customClang/bin/customClang

Packages are compared by their names without hash and version; one that only one of
the two names is no difference. Where an image agrees with the toolchain, lre.bazelrc
is the file shown.

To fix it: move both pins to one commit (LRE607 checks them), and enter the development
shell again, which writes lre.bazelrc.
)";

const char kLre606[] =
    R"(The string under "container-image" of a platform is advertised by no worker, or names
another tag than the image's own.

Why it matters: the scheduler compares the string byte for byte with what workers
advertise. Where none is equal, actions are not refused: they wait for ever. And a tag
that is not the image's means that toolchain and image come from two builds.

    error[LRE606]: the platform asks for docker://lre-cc:nz62..., and workers advertise docker://lre-cc:7a1b...: same name, other tag
      --> generated-cc/config/BUILD:43:29
       |  "container-image": "docker://lre-cc:nz62...",
       = note: worker.json5:94:18: docker://lre-cc:7a1b... (worker 1)

Variables of a worker's configuration take their values from the manifest that deploys
it, or from "environment" in lre-audit.textproto. A placeholder or an unset variable
counts only if nothing else is advertised; a value with a command in it, such as
$(nix eval ...), is believed if it can become the string.

To fix it: derive both strings from the image's own tag (imageTag in Nix).
)";

const char kLre607[] =
    R"(MODULE.bazel and flake.lock pin different commits of the same project.

Why it matters: the Bazel module brings the generated toolchain, the flake input brings
the packages and the Env that the toolchain was generated from. Nothing else checks
that the two are one commit.

    error[LRE607]: github.com/tracemachina/nativelink is pinned to 75105df... here, and to 1f0c9aa... in flake.lock
      --> MODULE.bazel:12:15
       |  commit = "75105df...",
       = note: flake.lock:148:17: 1f0c9aa... (nativelink)

Abbreviated commits are compared as far as they go, from seven digits. Tags and branches
are not compared with commits.

To fix it: nix flake lock --override-input with the module's commit, or the module's
commit set to the lock's.
)";

const char kLre608[] =
    R"(The processor or operating system that the toolchain's platform, its host_system_name, the
image and the tools' own objects are for is not the same.

Why it matters: Bazel chooses toolchain and worker by the platform's constraints and
never looks at the programs. If they are for another machine, actions fail with "Exec
format error", or run under an emulator, slowly and with other results.

    error[LRE608]: the constraint @platforms//cpu:aarch64 is for aarch64, and the image oci:worker:t is for x86_64
      --> generated-cc/config/BUILD:38:10
       |  "@platforms//cpu:aarch64",
       = note: the image oci:worker:t says x86_64-linux

It is one finding for each toolchain and image: the first pair that disagrees. A toolchain
for several machines agrees if one of them fits. What is compiled for (target
constraints, target_system_name) is another matter, and not compared.

To fix it: generate the toolchain in the image that will run it, and build the image for
the machine that the workers have.
)";

const char kLre609[] =
    R"(The image's Env is not the one that the toolchain was generated under: it has other store
paths, or none at all.

Why it matters: the toolchain calls its tools by their store paths, and these call others
by PATH. With another PATH the same compiler finds another assembler or linker. An
image that is built on a base image (the worker image on lre-cc) does not take over
the base's Env by itself, so that a loss is easy and shows late.

    error[LRE609]: the image has no Env, and its toolchain was generated under one
      --> oci:worker:t
       = note: lre.bazelrc:6:8: PATH=/nix/store/...-clang-wrapper-22.1.8/bin:...

The Env to compare with is that of lre.bazelrc, or else the toolchain's own tools. Where
the image agrees with one of the two, the other is LRE605.

To fix it: set config.Env of the final image from the one that the toolchain was generated
under (lre-cc.meta.Env).
)";

}  // namespace lre_audit::page
