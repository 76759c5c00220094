// Pages of LRE5xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre501[] =
    R"(A generated toolchain names a tool outside the store: in tool_paths, as java_home, as a
repository's path, or as CC.

Why it matters: what /usr/bin/cpp is depends on the machine, and it is no input of the
action. Where it is missing the action fails; where it is another version the build
succeeds with another result, under the same cache key.

    error[LRE501]: tool is outside the store
      --> generated-cc/cc/BUILD:139:17
       |  "cpp": "/usr/bin/cpp",

Stubs count too: "/bin/false" for a target that nobody builds is a tool as any other
until the policy allows it.

To fix it: put the tool's package into the PATH of the Env under which the toolchain
is generated, and generate it anew. What is never run can be allowed:
exception { rule: "LRE501" referenced: "/bin/false" reason: "..." }.
)";

const char kLre502[] =
    R"(A tool's store path is there, in the image or locally, and the tool in it is not; or it
cannot run there: it is not executable, its interpreter or a library is missing.

Why it matters: the toolchain looks right, and every action that uses the tool fails
with "No such file or directory", which names neither the interpreter nor the library
that is meant. Locally it may work, where more of the store is around.

    error[LRE502]: tool is missing in the image oci:worker:t
      --> generated-cc/cc/BUILD:137:16
       |  "ar": "/nix/store/...-binutils-2.43/bin/ar",
       = note: its store path is there, the file is not

A store path that is not there at all is LRE601, LRE602 or LRE604. For a local store
that nobody named this is a warning.

To fix it: generate the toolchain anew with the packages that the image holds. If the
package is the right one, see what lost the file: LRE404 tells of layers that change
store paths.
)";

const char kLre503[] =
    R"(The toolchain lists a builtin include directory outside the store, in
cxx_builtin_include_directories, builtin_include_directory_paths or a module map.

Why it matters: Bazel lets a compiler read headers below these directories without
naming them as inputs. Headers outside the store then change what is compiled and
not the cache key: one machine's /usr/include reaches everybody's cache.

    error[LRE503]: include directory is outside the store
      --> generated-cc/cc/BUILD:121:10
       |  "/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk",

To fix it: remove the directory from the list, or generate the toolchain with a compiler
that has only store paths built in. Directories of another system are left by
generators that list all they know.
)";

const char kLre504[] =
    R"(A builtin include directory's store path is there, in the image or locally, and the
directory in it is not, or it is a file; or a module map's header is missing.

Why it matters: the compiler that runs has other directories built in than the toolchain
says. Bazel then refuses headers that are fine ("undeclared inclusion"), on one side
only.

    error[LRE504]: include directory is missing in the image oci:worker:t
      --> generated-cc/cc/builtin_include_directory_paths:4:1
       |  /nix/store/...-gcc-14.2.0/include/c++/14.1.0
       = note: its store path is there, the file is not

A store path that is not there at all is LRE601, LRE602 or LRE604. For a local store
that nobody named this is a warning.

To fix it: generate the toolchain anew with the compiler that the image holds.
)";

const char kLre505[] =
    R"(A flag of the toolchain names a path outside the store: -B, -L, -I, -isystem, --sysroot,
-fuse-ld=, -Wl,-rpath and their like.

Why it matters: a flag is part of every command line, so it is in the cache key as text;
what lies at that path is not. A -L or -B adds the machine's own libraries and tools
to the search, and an -rpath writes the path into what is built.

    error[LRE505]: flag names a path outside the store
      --> generated-cc/cc/BUILD:128:12
       |  "-B/usr/bin",

To fix it: take the flag out, or let it name a store path. Generators take such flags
from the environment they run in (NIX_LDFLAGS, CFLAGS): generate in a clean one.
)";

const char kLre506[] =
    R"(A script of the toolchain is run by an interpreter outside the store, or runs or passes
on something there.

Why it matters: cc_wrapper.sh stands between Bazel and the compiler. "#!/bin/bash" takes
whatever shell the machine has, and in an image of store paths there is none: the
action fails with "No such file or directory" although the script is there.

    error[LRE506]: script runs or names a path outside the store
      --> generated-cc/cc/cc_wrapper.sh:1:3
       |  #!/bin/bash

To fix it: write the interpreter's store path (patchShebangs does), and name commands by
their store paths.
)";

const char kLre507[] =
    R"(The toolchain declares another C library, or another version of it, than the one in the
closure of what it names: target_libc or abi_libc_version.

Why it matters: nothing checks these strings, and rules use them to choose. rbe_configs_gen
asks the machine it runs on, so that the string tells of the generator's host rather
than of the compiler's library. As text it is also part of the configuration: two
generations on two hosts do not share a cache.

    warning[LRE507]: target_libc declares glibc 2.38, and the toolchain's C library is glibc 2.42
      --> generated-cc/cc/BUILD:134:20
       |  target_libc = "glibc_2.38",
       = note: the glibc 2.42 (/nix/store/...-glibc-2.42-67-dev)

"local", "unknown" and "macosx" declare nothing.

To fix it: generate the toolchain with its own C library, or correct the string where
the generator's output is adjusted.
)";

const char kLre508[] =
    R"(A tool has no path ("None", or an empty string), or is a bare name that is no file beside
the BUILD file.

Why it matters: usually it does not. Bazel writes "None" for tools that it has not found,
such as gcov, and actions that need them are rare. A bare name is whatever the PATH of
the machine says, and would be found differently locally and remotely.

    note[LRE508]: tool gcov has no path
      --> generated-cc/cc/BUILD:142:18
       |  "gcov": "None",

To fix it: if the tool is needed (coverage needs gcov), put its package into the PATH of
the Env under which the toolchain is generated.
)";

}  // namespace lre_audit::page
