#include "audit/commands/help.h"

namespace lre_audit {

const CommandHelp kProgramHelp = {
    .name = "lre-audit",
    .usage = "COMMAND [OPTIONS] ...",
    .summary =
        "Proves that a Nix-built toolchain is hermetic and the same everywhere it runs: follows "
        "every path\nthat the generated toolchain, the container image and the local closure name, "
        "and fails when one\nleaks outside the store, is missing, or differs.",
    .footer = R"(Exit codes:
  0  clean
  1  findings at or above --fail-on
  2  bad usage or policy, or a report that could not be written
  3  incomplete: something asked for could not be audited (outranks 1)

Examples:
  lre-audit check
  lre-audit image oci:worker:latest --closure closure.json
  lre-audit toolchain generated-cc --image oci:worker:latest
  lre-audit diff store: oci:worker:latest
  lre-audit explain local.log.zst remote.log.zst
  lre-audit store $(nix-build toolchain.nix)
  lre-audit elf result/bin/gcc
  lre-audit rule LRE101

lre-audit COMMAND --help says more about each.)",
};

const CommandHelp kCheckHelp = {
    .name = "check",
    .usage = "[DIR] [OPTIONS]",
    .summary =
        "The gate: audits everything that lre-audit.textproto names, or what it finds in the "
        "repository.",
    .footer = R"(DIR:
  the repository; none means the current directory. Without a policy that names subjects, these
  are looked for in it: generated toolchains, images, bazelrc files, MODULE.bazel, flake.lock,
  worker configurations and manifests. The report names what was found.

Examples:
  lre-audit check
  lre-audit init && $EDITOR lre-audit.textproto && lre-audit check
  lre-audit check --policy ci/lre-audit.textproto --output json=report.json)",
};

const CommandHelp kInitHelp = {
    .name = "init",
    .usage = "[DIR] [OPTIONS]",
    .summary = "Writes a commented lre-audit.textproto from what it finds in the repository.",
    .footer = R"(Examples:
  lre-audit init
  lre-audit init --output -)",
};

const CommandHelp kImageHelp = {
    .name = "image",
    .usage = "REF... [OPTIONS]",
    .summary = "Audits container images: their layers, files, environment and entrypoint.",
    .footer = R"(REF:
  oci:DIR[:TAG]  oci-archive:FILE[:TAG]  docker-archive:FILE[:NAME]  dir:DIR  rootfs:DIR
  docker-daemon:NAME[:TAG]  containers-storage:[[DRIVER@]ROOT]NAME[:TAG]
  docker://HOST/NAME[:TAG|@DIGEST]  in a registry, with the credentials of skopeo or docker login
  nix:FILE  what nix2container writes instead of an image: its layers are made of the store's files
            as they are read, and their digests compared (--closure store:ROOT: of that store's)
  or a bare path, whose kind is found out. Nothing is extracted to disk. Each image is a subject of
  the one report; one of several that cannot be opened is a finding (LRE901).

Examples:
  nix path-info --json -r $(nix-build toolchain.nix) > closure.json
  lre-audit image oci:worker:latest --closure closure.json
  lre-audit image docker://registry.example.org/worker:latest --platform linux/arm64
  lre-audit image nix:$(nix build --print-out-paths .#worker)
  lre-audit image oci:worker:latest --closure https://cache.example.org --trusted-key @cache.pub
  lre-audit image oci-archive:worker.tar --format json | jq '.findings[].rule'
  lre-audit image oci:worker:latest docker-daemon:worker --all-platforms
  lre-audit image oci:worker --output json=report.json --fail-on warning)",
};

const CommandHelp kStoreHelp = {
    .name = "store",
    .usage = "[PATH...] [OPTIONS]",
    .summary = "Audits store paths and everything that they refer to.",
    .footer = R"(PATH:
  store paths, or links to them such as ./result; none means the whole store.

Examples:
  lre-audit store ./result
  lre-audit store --from https://cache.example.org /nix/store/...-toolchain
  lre-audit store --no-contents
  lre-audit store --root /mnt/chroot --closure store:/mnt/chroot)",
};

const CommandHelp kToolchainHelp = {
    .name = "toolchain",
    .usage = "DIR [OPTIONS]",
    .summary =
        "Audits one generated toolchain: every path that its files name, looked up where its "
        "tools run.",
    .footer = R"(DIR:
  what rbe_configs_gen or Local Remote Execution wrote for Bazel (BUILD, *.bzl, scripts), or the
  toolchain files of Buck2 or CMake.

Examples:
  lre-audit toolchain local-remote-execution/generated-cc
  lre-audit toolchain generated-cc --image oci:worker:latest --closure closure.json)",
};

const CommandHelp kDiffHelp = {
    .name = "diff",
    .usage = "A B [OPTIONS]",
    .summary = "Compares two sides: local and image, two images, two toolchains, two reports.",
    .footer = R"(A, B:
  store:[ROOT]  the local store, or another one   a closure file   any image REF
  a binary cache: file:///DIR, https://HOST   a nix-store --export
  a toolchain's directory   a saved JSON report

Exits with 0 if the sides are the same, with 1 if they differ.

Examples:
  lre-audit diff store: oci:worker:latest
  lre-audit diff oci:worker:old oci:worker:new
  lre-audit diff main/generated-cc generated-cc)",
};

const CommandHelp kExplainHelp = {
    .name = "explain",
    .usage = "LOCAL REMOTE [OPTIONS]",
    .summary =
        "Explains why a local and a remote build by Bazel do not share cache hits: what makes "
        "their keys differ, proven by computing them again.",
    .footer = R"(LOCAL, REMOTE:
  execution logs of both builds, of any format and any Bazel from 4 to 9, packed or not:
    bazel build --execution_log_compact_file=local.log.zst //...     (7.1 and later)
    bazel build --execution_log_json_file=local.json //...
    bazel build --execution_log_binary_file=local.log //...
  What Bazel has up to date it does not log: run "bazel clean" first.

More that can be said with more at hand:
  --cache           verifies keys of logs without digests, tells entries that are not there, and has
                    what actions made: what in it is not deterministic, and headers that no key knows
                    (.d files); parameter files, where actions were executed remotely
  --local-grpc-log, --remote-grpc-log
                    what Bazel asked its cache for (--remote_grpc_log, in 4 and 5
                    --experimental_remote_grpc_log): misses, instances, calls that failed
  --local-bep, --remote-bep
                    the options of both builds: which of them is behind a cause; labels, in 4
  --toolchain, --closure, --image
                    which of them has the local store path of a cause, and which the remote one

Causes are told once, those that change the keys of most actions first. PROVEN means: with the
remote's side of what differs, the local key was computed to be the remote's, and both are keys that
Bazel has computed. It says so in its logs from 7 on; for older ones, --cache names the cache of each
build. Values that look secret are masked.

REF of --cache:
  DIR                           a directory of --disk_cache
  grpc[s]://HOST:PORT/INSTANCE  a remote cache, and what --remote_instance_name says, if anything
  http[s]://HOST/PATH           a remote cache of HTTP; USER:PASSWORD@HOST, if it wants to know
--cert-dir and --tls-verify are for remote caches too. What is missing in all of them is LRE701.
A remote cache that does not answer is LRE901 (exit code 3), and the rest is explained without it.

Exits with 0 if there is no difference, with 1 if there is one: in keys, in what was made under the
same key, or in what a cache has of them.

Examples:
  lre-audit explain local.log.zst remote.log.zst
  lre-audit explain local.json remote.json --cache ~/.cache/bazel-disk --cache /mnt/remote-disk
  lre-audit explain local.log.zst remote.log.zst --local-grpc-log local.grpc --remote-grpc-log ci.grpc
  lre-audit explain local.log.zst remote.log.zst --toolchain generated-cc --image oci:worker:latest
  lre-audit explain local.json remote.json --cache grpcs://cache.example.org/main
  lre-audit explain local.log.zst remote.log.zst --action //lib:lib
  lre-audit explain local.log.zst remote.log.zst --format json | jq '.findings[].key_cause')",
};

const CommandHelp kWhyHelp = {
    .name = "why",
    .usage = "SUBJECT PATH [OPTIONS]",
    .summary =
        "Shows who names PATH: the chain that leads to it from an entrypoint, Env or tool path.",
    .footer = R"(SUBJECT:
  an image REF, a toolchain's directory, or a store path.

Exits with 1 when nothing leads there.

Examples:
  lre-audit why oci:worker:latest /usr/lib/libz.so.1
  lre-audit why result /nix/store/...-perl-5.40.0 --all)",
};

const CommandHelp kElfHelp = {
    .name = "elf",
    .usage = "FILE... [OPTIONS]",
    .summary =
        "Shows what the dynamic loader would do with each FILE: which libraries, asked for "
        "by whom, found how.",
    .footer = R"(Examples:
  lre-audit elf result/bin/gcc
  lre-audit elf --root ./rootfs /usr/bin/env
  lre-audit elf --format json result/bin/* | jq '.objects[].libraries[].path')",
};

const CommandHelp kRuleHelp = {
    .name = "rule",
    .usage = "[CODE|NAME] [OPTIONS]",
    .summary = "Lists the rules, or explains one: what it says, why it matters, how to fix it.",
    .footer = R"(Examples:
  lre-audit rule
  lre-audit rule LRE101
  lre-audit rule interpreter-outside-store)",
};

const CommandHelp kCacheHelp = {
    .name = "cache",
    .usage = "[show|prune|verify] [OPTIONS]",
    .summary = "Shows, prunes or verifies the facts that audits have kept of images' layers.",
    .footer =
        R"(An audit keeps what it finds in a layer, by the layer's digest. The next one of the same layer
verifies the digest, and need not read further; its report is the same, byte for byte.

  show    where, how many and how large; the default
  prune   removes what other versions of lre-audit have kept, and of the rest the least recently
          used above --max-size
  verify  reads every entry, removes those that are damaged; exits with 1 if there are any

Environment:
  LRE_AUDIT_CACHE_DIR    where; else $XDG_CACHE_HOME/lre-audit, else ~/.cache/lre-audit
  LRE_AUDIT_CACHE_SIZE   what is kept at most, such as 500M (2G); 0 keeps nothing

Examples:
  lre-audit cache
  lre-audit cache prune --max-size 500M
  lre-audit image oci:worker:latest --no-cache)",
};

}  // namespace lre_audit
