// Pages of LRE7xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre701[] =
    R"(The key of an action is the same on both sides, and the cache that was named with --cache
has no entry of it.

Why it matters: nothing is wrong with the action. It was executed again all the same,
because its result was never uploaded, was evicted, or was uploaded elsewhere.

    error[LRE701]: the key is the same on both sides, and the cache has no entry of it
      --> bazel-out/k8-fastbuild/bin/lib/liblib.a  (CppLink //lib:lib)
       |  key:    8a3f...
       = proof: PROVEN: both sides' key is the one that Bazel computed
       = actions: 12 actions

With --local-grpc-log and --remote-grpc-log it is what the cache said to Bazel (GetActionResult said
NOT_FOUND), and what became of the upload. Of two builds, the one that asked first could find
nothing, and is not blamed. A result whose blobs are gone counts, too, and one that names none of
the action's outputs: Bazel cannot use them. Caches of HTTP are not asked for each blob.

Where the logs have no digests (before Bazel 7) it is UNVERIFIED: then nobody says that the
key that was computed is the one that Bazel asked for.

To fix it: see that results are uploaded (--remote_upload_local_results, and an account
that may write), that both sides name one cache and one --remote_instance_name, and that
the cache keeps entries longer than builds are apart.
)";

const char kLre702[] =
    R"(The two builds asked different instances of the cache. Both gRPC logs show it, or the caches: where
several instances of one server are named with --cache, and the entries of one build are in the one,
those of the other build in the other. That one of them has none of the keys that both builds have is
a warning: both may use the other one.

Why it matters: an instance is a cache of its own, behind the same address. Whatever the keys, what
one build uploads the other cannot find, and no error says so. It is the commonest reason for not one
hit.

    error[LRE702]: the builds asked different instances of the cache, so that neither finds what the other has uploaded
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  (no name)
       |  remote: main

Two builds that ask several instances, and share one, are not told.

To fix it: the same --remote_instance_name on both sides, one that the server is set up with.
)";

const char kLre703[] =
    R"(The two builds use different digest functions, so no key of one can be a key of the other.

Why it matters: the keys are hashes. SHA-256 on one side and BLAKE3 on the other make two
caches of one, without any error.

    error[LRE703]: the digest functions differ, so that no key can be the same
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  SHA256
       |  remote: BLAKE3

Nothing else is compared then, for every digest of an input differs too. A cache named with
--cache that does not have the builds' function is told under this rule as well.

To fix it: give both sides the same startup option --digest_function, one that the cache
supports.
)";

const char kLre704[] =
    R"(Calls to the remote cache or executor failed, and none that was tried again succeeded: the
gRPC log (--local-grpc-log, --remote-grpc-log) says so.

Why it matters: Bazel goes on without the cache, with a warning that scrolls by. An action whose
lookup failed is executed, and one whose upload failed is executed elsewhere, however equal the keys
are. A lookup that finds nothing (NOT_FOUND) is no failure; see LRE701.

    error[LRE704]: calls failed with UNAVAILABLE in the local build, and were not repeated with success: GetActionResult
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       = note: what was said: connection refused
       = note: 60 calls failed so, until no retry was left

DEADLINE_EXCEEDED is a timeout, UNAVAILABLE an outage, PERMISSION_DENIED an account's,
RESOURCE_EXHAUSTED a limit's. What a retry mended is not told, nor is what Bazel cancelled itself.

To fix it: each status has its own advice in the finding.
)";

const char kLre705[] =
    R"(An action may be cached remotely on one side alone; or its key is the same and a result is
not cached: it failed, or its rule or tags say so.

Why it matters: what is kept out of the cache is executed each time, however equal the keys
are. do_not_cache is part of the key besides, so that the other side has another one.

    error[LRE705]: one side may cache the action remotely, and the other may not
      --> bazel-out/k8-fastbuild/bin/tools/local_only.txt  (Genrule //tools:local_only)
       |  local:  false
       |  remote: true

Where both sides agree that an action is not cached, nobody is surprised: it is a note.

To fix it: give both sides the same tags (no-cache, no-remote-cache, no-remote, local),
--modify_execution_info and --remote_upload_local_results, and repair what fails.
)";

const char kLre706[] =
    R"(PATH, or another variable whose name ends so (LD_LIBRARY_PATH, PYTHONPATH), has other
elements in an action's environment.

Why it matters: the environment is part of the key, byte for byte. Without
--incompatible_strict_action_env, Bazel hands the PATH of whoever calls it to actions, so that
each developer and each CI runner has keys of their own (bazel#3847, bazel#2574).

    error[LRE706]: PATH differs: /home/jane/bin in local alone
      --> bazel-out/k8-fastbuild/bin/gen/generated.h  (Genrule //gen:generated)
       |  local:  /home/jane/bin:/usr/bin:/bin
       |  remote: /usr/bin:/bin
       |  local key:  8a3f...
       |  remote key: 1bd9...
       = proof: PROVEN: with the remote's side of it, the local key was computed to be the remote's
       = actions: 1,412 actions have another key because of it; 38 min 02 s of execution

To fix it: --incompatible_strict_action_env, and --action_env=PATH=/nix/store/... in the
.bazelrc that both sides read. lre.bazelrc of Local Remote Execution does both.
)";

const char kLre707[] =
    R"(A variable of an action's environment has another value, or is set on one side alone.

Why it matters: the environment is part of the key. --action_env=NAME without a value takes
that of whoever calls Bazel, use_default_shell_env and rules' own env add others.

    error[LRE707]: the environment variable CI is in remote alone
      --> bazel-out/k8-fastbuild/bin/gen/generated.h  (Genrule //gen:generated)
       |  local:  (none)
       |  remote: true

Values are masked where the name or the value looks secret (--show-secrets shows them). A
secret in an action's environment is in the cache too, for all who may read it.

To fix it: --action_env=NAME=VALUE with one value for all, or --incompatible_strict_action_env
and no --action_env at all; for repository rules --repo_env is enough.
)";

const char kLre708[] =
    R"(A platform property (exec_properties, --remote_default_exec_properties) differs.

Why it matters: properties choose the workers, and are part of the key. With Local Remote
Execution container-image is docker://NAME:HASH, the hash of the image's Nix derivation: local
and remote have the same key only if both name the image that is deployed.

    error[LRE708]: the platform property container-image differs
      --> bazel-out/k8-fastbuild/bin/gen/generated.h  (Genrule //gen:generated)
       |  local:  docker://lre-cc:0149364m0mn6dzbv434535bliabj7s06
       |  remote: docker://lre-cc:1a1s2d3f4g5h6j7k8l9zxcvbnm0qwp1r

To fix it: generate the platform from the image that is deployed (LRE606 compares them), and
let local builds use the same platform.
)";

const char kLre709[] =
    R"(The command line names another tool, or other store paths of the same packages, on each side.

Why it matters: a store path is its own version: two hashes of one package are two builds of
it, and two keys. It happens when flake.lock and MODULE.bazel pin different commits, when an
image is older than the toolchain, or when Bazel found a compiler in PATH.

    error[LRE709]: glibc 2.42-67 here, 2.42-61 there
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  /nix/store/8nri6b...-glibc-2.42-67
       |  remote: /nix/store/vcb1sp...-glibc-2.42-61

One package that moved is one cause, however many flags name it.

To fix it: take both toolchains from one pin, and build the image from it. "lre-audit check"
compares the pins, "lre-audit diff A B" the images.
)";

const char kLre710[] =
    R"(builtin_include_directory_paths differs: the list of the compiler's own include directories
that Bazel's automatic C++ toolchain writes, and an input of every compile and link.

Why it matters: the list comes from running the compiler on the machine where the repository
rule ran, under its environment (CPATH, CPLUS_INCLUDE_PATH, CC). One more directory on one
machine, and no C++ action is shared (bazel#10187).

    error[LRE710]: the compilers' builtin include directories differ: every compile and link reads their list
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  2f0a.../412
       |  remote: 77c1.../436

To fix it: use a toolchain that was generated once, from the store, on both sides, and
BAZEL_DO_NOT_DETECT_CPP_TOOLCHAIN=1.
)";

const char kLre711[] =
    R"(Actions that run a shell command are run by different shells.

Why it matters: the shell is the first argument of every genrule and run_shell action. Bazel
looks for it on the machine it runs on (BAZEL_SH, --shell_executable, PATH), and a bash of the
store has another path for each version (nixpkgs#445779).

    error[LRE711]: the shell differs: /bin/bash and /nix/store/...-bash-5.2p37/bin/bash
      --> bazel-out/k8-fastbuild/bin/gen/generated.h  (Genrule //gen:generated)
       |  local:  /bin/bash
       |  remote: /nix/store/...-bash-5.2p37/bin/bash

To fix it: register one sh_toolchain of the store for all platforms, or give both sides the
same --shell_executable.
)";

const char kLre712[] =
    R"(An argument names a path of one machine: a home directory, Bazel's output base or execution
root, a build or temporary directory.

Why it matters: the path is in the key. Who has another user name, or another workspace
directory, shares nothing.

Files that a rule or repository rule writes can name one, too: with --cache, and where it has both
sides' contents, they are told under this rule.

    error[LRE712]: an argument names a path of one machine: /home/jane and /home/ci
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  -I/home/jane/src/include
       |  remote: -I/home/ci/src/include

To fix it: name what lies in the workspace relative to the execution root, and tools through a
toolchain. -fdebug-prefix-map=DIR=. is such an argument itself; use -ffile-compilation-dir=.
)";

const char kLre713[] =
    R"(The same action is of another configuration: the directory below bazel-out differs.

Why it matters: the directory is in the arguments, the outputs and the inputs. Its name says
what the configuration is for (k8-fastbuild, host, k8-opt-exec-2B5CBBC6), and the hash at its
end changes with the execution platform: tools that are the same bytes are built apart
(bazel#26357).

    error[LRE713]: the configuration differs: k8-fastbuild and k8-opt
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  k8-fastbuild
       |  remote: k8-opt

To fix it: build both sides with the same --platforms, --host_platform, --compilation_mode and
extra execution platforms; --experimental_output_paths=strip helps those actions that support
path mapping.
)";

const char kLre714[] =
    R"(An action reads bazel-out/stable-status.txt or volatile-status.txt, and they differ.

Why it matters: a stamped action has the commit, the host name or the time in its inputs, so it
is another one in every build, and so is all that reads what it makes.

    error[LRE714]: the build's status differs, and the action reads it: bazel-out/stable-status.txt
      --> bazel-out/k8-fastbuild/bin/tools/stamped.txt  (Genrule //tools:stamped)
       |  local:  91f2.../58
       |  remote: 0c77.../58

To fix it: --nostamp for builds that are to be shared, or stamp in one last action. Keys of the
workspace status that do not begin with STABLE_ do not run an action again locally.
)";

const char kLre715[] =
    R"(The keys differ in what a log does not say: the salt of the action, or the form in which
another release of Bazel writes its messages.

Why it matters: since 6.4 a salt keeps apart actions that may run remotely and those that may
not, and workspaces with differentiate-workspace-cache; since 7 outputs are written in another
field. Two releases of Bazel can have no key in common.

    error[LRE715]: the keys are made by different recipes
      --> bazel-out/k8-fastbuild/bin/gen/generated.h  (Genrule //gen:generated)
       |  local:  output_files and output_directories, no salt
       |  remote: output_paths, salt

To fix it: pin one release in .bazelversion, and use the same tags and options on both sides
(no-remote-exec, --experimental_remote_scrubbing_config).
)";

const char kLre716[] =
    R"(The timeout of an action differs.

Why it matters: it is part of the key, in whole seconds, although it changes no result. Timeouts
are those of tests, for the most part.

    error[LRE716]: the timeout differs: 300000 ms and 900000 ms
      --> bazel-out/k8-fastbuild/testlogs/lib/lib_test/test.log  (TestRunner //lib:lib_test)
       |  local:  300000 ms
       |  remote: 900000 ms

To fix it: the same --test_timeout on both sides, and the same timeout or size of the target.
)";

const char kLre717[] =
    R"(An action declares other outputs, or a directory where it declared a file.

Why it matters: what an action is to make is part of its key. It differs with options that add
an output (.d files, .dwo, coverage), and with versions of the rules.

    error[LRE717]: the output bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.dwo is in local alone
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  file
       |  remote: (none)

To fix it: the same options (--fission, --collect_code_coverage, --features) and the same
versions of rules on both sides.
)";

const char kLre718[] =
    R"(An action has an input on one side alone, or inputs are marked as tools on one side alone.

Why it matters: all that an action may read is in the key, read or not.

    error[LRE718]: the input lib/local_config.h is in local alone
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  5e1b.../120
       |  remote: (none)

To fix it: find who adds it: a glob that finds what is not checked in, a dependency of one
configuration, toolchain files of another version. "bazel aquery" lists an action's inputs.
)";

const char kLre719[] =
    R"(The contents of a source file differ.

Why it matters: it may be meant: two commits have two keys. It is not meant where a file was
changed and not committed, where git writes other line endings, or where a repository rule
generated it on each machine.

    error[LRE719]: the source file lib/lib.h differs
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  fb2e.../46
       |  remote: 90a1.../44

To fix it: build one commit without changes on both sides (git status), pin external
repositories, and give repository rules nothing of the machine to depend on.
)";

const char kLre720[] =
    R"(The command line has the same arguments in another order.

Why it matters: the key is made of the list, in its order. A rule that goes through a directory,
a set of strings or a tree artifact's files as they come makes another list each time.

    error[LRE720]: the arguments are the same in another order
      --> bazel-out/k8-fastbuild/bin/gen/all.txt  (Concatenate //gen:all)
       |  local:  a.txt
       |  remote: b.txt

To fix it: sort where the command is built.
)";

const char kLre721[] =
    R"(An input is a symlink on one side, and a file or directory on the other.

Why it matters: a key tells them apart, even where they lead to the same bytes. Checkouts without
symlinks, archives that do not keep them and other versions of a rule make the difference.

    error[LRE721]: the input lib/current.h is a symlink or directory on one side, and not on the other
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  symlink to v2.h
       |  remote: 90a1.../44

To fix it: let both sides make it in one way (git's core.symlinks, declare_symlink, --windows_enable_symlinks).
)";

const char kLre722[] =
    R"(A generated input differs, and the logs do not show why: the action that makes it is in
neither of them, or in one alone.

Why it matters: the cause lies further up. Where the logs have the maker, it is followed, and the
cause is told there, once.

    error[LRE722]: the generated input bazel-out/k8-fastbuild/bin/gen/generated.h differs
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  999d.../21
       |  remote: 4f10.../21
       = note: no spawn of the local log makes it: it was up to date there, or Bazel wrote it itself

To fix it: log both builds after bazel clean, so that all actions are in the logs, and explain
them again.
)";

const char kLre723[] =
    R"(An action with one key made other outputs on each side.

Why it matters: it is not reproducible. Whoever uploads first decides what all get, and where both
sides execute it, all that reads its outputs has another key from there on.

    error[LRE723]: the key is the same, and the output bazel-out/k8-fastbuild/bin/tools/random.txt differs
      --> bazel-out/k8-fastbuild/bin/tools/random.txt  (Genrule //tools:random)
       |  key:    8a3f...
       = proof: PROVEN: both sides' key is the one that Bazel computed
       = actions: 1 action, and 37 that have another key for reading what it makes

To fix it: no time of day, random numbers, process ids, absolute paths or order of a directory in
the output (__DATE__, ar without D, zip, gzip without -n); or declare the input that is missing.

With --cache, where it has both outputs, a note says what differs first: a timestamp, a build path,
the order of lines or of an archive's members, their mtime, uid, gid or mode; else the byte.
)";

const char kLre724[] =
    R"(An action read a file that is not in its key: the list of headers that the compiler wrote (the
.d output) names an absolute path that is neither an input nor in the store.

Why it matters: keys know inputs. Where /usr/include differs between a developer's machine and a
worker, both compute one key, and each uploads what its own headers made: the other gets a false hit
(bazel#4558, bazel#9296, bazel#16179). A path of the store is no such leak, for it is its own version.

    warning[LRE724]: actions read files of /usr/include, which their keys do not know
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       = note: /usr/include/stdc-predef.h
       = actions: 2 actions

It is a warning, since the files may be the same on both sides by chance or by one image: nobody
can say from the logs. It is an error where both sides have one key and their .d files name
different files outside the inputs: then they did read something else. --fail-on warning makes a
gate of it. It takes --cache, for .d files are outputs and logs have but their digests.

To fix it: a compiler and a C library of the store with its own include directories
(-nostdinc, --sysroot), and no cxx_builtin_include_directories outside the store.
)";

const char kLre725[] =
    R"(An argument of the command line differs, or stands on one side alone, and is neither a tool's
path nor one of a machine.

Why it matters: the two builds were asked for different things: another --copt, --define,
--config, feature or select().

    error[LRE725]: an argument is in remote alone
      --> bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.o  (CppCompile //lib:lib)
       |  local:  (none)
       |  remote: -DNEW=1

Long command lines are in parameter files (.params), which are inputs and whose contents no log
has. Where a cache that is named has them, as those of remote executors do, their arguments are
told as if they stood on the command line; else that the file differs is told under this rule.

To fix it: the same options on both sides; "bazel build --announce_rc" shows which they are.
)";

const char kLre726[] =
    R"(An action is in one of the logs alone, so that nothing can be said of its key.

Why it matters: it need not: what Bazel has up to date it does not log, and neither what was not
asked for. But a cause may lie there.

    note[LRE726]: 3 actions are in the local log alone
      --> bazel-out/k8-fastbuild/bin/gen/generated.h
       = note: the remote log has none of its outputs: ...

Actions are paired by what they make; then by that without the configuration; then by label,
mnemonic and arguments.

To fix it: log both builds after bazel clean, of the same targets.
)";

const char kLre727[] =
    R"(The two builds were asked for with other options: their build events (--local-bep, --remote-bep)
say so.

Why it matters: it need not, for most options are in no key. But --action_env, --copt, --platforms
and their like are what makes actions differ, and rc files and --config hide them.

    note[LRE727]: the builds were asked for with other options: 1 difference
      --> local.bep
       = note: --copt=-DNEW=1 is in remote alone

An option that a cause is about is told there, too. What says how a build is shown, logged or
scheduled is passed over.

To fix it: write what both need into a .bazelrc that both read.
)";

}  // namespace lre_audit::page
