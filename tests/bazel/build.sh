#!/bin/bash
# Builds a small workspace with a real Bazel, offline, and keeps what it says of its actions:
#
#   build.sh DIR [OPTION...]
#
#   DIR/log.json, log.binary  execution logs of one build
#   DIR/grpc.log              with --remote
#   DIR/bep.json, bep.binary  its Build Event Protocol
#   DIR/cache                 --disk_cache
#   DIR/workspace             the sources
#
# Options plant a difference, each of which changes the keys of some actions:
#   --path=PATH               the client's PATH, which actions get
#   --action-env=NAME=VALUE   a variable that they all get
#   --image=NAME              the container-image of the exec_properties of the platform
#   --cc=FILE                 the C++ compiler
#   --include=DIR             a builtin include directory more
#   --header=TEXT             what the source header says
#   --stamp=TEXT              a stamped genrule, whose status says TEXT
#   --random                  genrules whose outputs are others each time: by chance, time, directory,
#                             order, and in an archive
#   --undeclared              a source file that includes a header of /usr/include
#   --copt=FLAG               a flag more for C++ sources
#   --linkopt=FLAG            a flag more for linking, which is in parameter files
#   --remote=URL              a remote cache instead of DIR/cache
#   --upload=URL              a remote cache besides DIR/cache, which gets all results
#   --instance=NAME           the instance of that
set -euo pipefail

die() { printf 'tests/bazel/build.sh: %s\n' "$*" >&2; exit 1; }
(($#)) || die "usage: build.sh DIR [OPTION...]"
mkdir -p "$1"
out=$(cd "$1" && pwd); shift

path=/usr/local/bin:/usr/bin:/bin cc=/usr/bin/gcc image=docker://lre-cc:0149364m0mn6dzbv434535bliabj7s06
header=planted include='' stamp='' random='' undeclared='' remote='' instance='' upload=''
action_env=() copt=() linkopt=()
for option; do
  value=${option#*=}
  case $option in
    --path=*) path=$value ;;
    --action-env=*) action_env+=("--action_env=$value") ;;
    --image=*) image=$value ;;
    --cc=*) cc=$value ;;
    --include=*) include=$value ;;
    --header=*) header=$value ;;
    --stamp=*) stamp=$value ;;
    --random) random=1 ;;
    --undeclared) undeclared=1 ;;
    --copt=*) copt+=("--copt=$value") ;;
    --linkopt=*) linkopt+=("--linkopt=$value") ;;
    --remote=*) remote=$value ;;
    --instance=*) instance=$value ;;
    --upload=*) upload=$value ;;
    *) die "unknown option: $option" ;;
  esac
done
command -v bazel > /dev/null || die "needs bazel (Debian: bazel-bootstrap)"

# Nothing of an earlier build: what Bazel has up to date, it does not log.
work=$out/workspace
[[ ! -d $out/base ]] || chmod -R u+w "$out/base"
rm -rf "$work" "$out/base" "$out/cache" "$out"/log.json "$out"/log.binary "$out"/grpc.log
mkdir -p "$work"/{app,lib,gen,tree,tools,platform}
cd "$work"

# --- what the build stands on: Bazel 4's own C++ rules ask for repositories that it would download
shares=/usr/share/bazel
mkdir -p "$out/rules_cc/cc"
echo 'workspace(name = "rules_cc")' > "$out/rules_cc/WORKSPACE"
: > "$out/rules_cc/BUILD"
: > "$out/rules_cc/cc/BUILD"
cat > "$out/rules_cc/cc/defs.bzl" << 'END'
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
objc_import = native.objc_import
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
END
for rule in action_names cc_toolchain_config_lib; do
  cp "$shares/embedded_tools/tools/cpp/$rule"*.bzl "$out/rules_cc/cc/" 2> /dev/null ||
    cp "$shares/embedded_tools/tools/build_defs/cc/$rule.bzl" "$out/rules_cc/cc/"
done
cp "$out/rules_cc/cc/cc_toolchain_config_lib.bzl" "$out/rules_cc/cc/cc_toolchain_config.bzl"

# --- the workspace
echo 'workspace(name = "keys")' > WORKSPACE
cat > lib/BUILD << 'END'
cc_library(
    name = "lib",
    srcs = ["lib.cc"],
    hdrs = ["lib.h"],
    visibility = ["//visibility:public"],
    deps = ["//gen:header"],
)
END
printf '// %s\n#pragma once\nint Lib();\n' "$header" > lib/lib.h
cat > lib/lib.cc << 'END'
#include "lib/lib.h"
#include "gen/generated.h"
int Lib() { return GENERATED; }
END
[[ -z $undeclared ]] || sed -i '1i #include <stdint.h>' lib/lib.cc

cat > gen/BUILD << 'END'
genrule(
    name = "generated",
    outs = ["generated.h"],
    cmd = "echo '#define GENERATED 42' > $@",
)
cc_library(
    name = "header",
    hdrs = ["generated.h"],
    visibility = ["//visibility:public"],
)
END
cat > app/BUILD << 'END'
cc_binary(
    name = "app",
    srcs = ["main.cc"],
    deps = ["//lib"],
)
END
cat > app/main.cc << 'END'
#include "lib/lib.h"
int main() { return Lib() != 42; }
END

# A tree artifact, who makes it and who reads it.
cat > tree/defs.bzl << 'END'
def _tree(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        arguments = [out.path],
        command = 'mkdir -p "$1/deep/er"; echo one > "$1/one"; echo two > "$1/deep/er/two"; : > "$1/empty"',
        mnemonic = "MakeTree",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]))]

tree = rule(implementation = _tree)

def _list_tree(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.run_shell(
        inputs = ctx.files.src,
        outputs = [out],
        arguments = [ctx.files.src[0].path, out.path],
        command = 'find "$1" -type f | sort > "$2"',
        mnemonic = "ListTree",
        execution_requirements = {"no-remote-exec": ""},
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]))]

list_tree = rule(implementation = _list_tree, attrs = {"src": attr.label()})
END
cat > tree/BUILD << 'END'
load(":defs.bzl", "list_tree", "tree")

tree(name = "tree")
list_tree(name = "list", src = ":tree")
END

# Tools: one that is a script alone, one with runfiles, whose paths the log of Bazel 4 gets wrong.
cat > tools/BUILD << 'END'
sh_binary(name = "plain", srcs = ["plain.sh"])
sh_binary(name = "with_data", srcs = ["plain.sh"], data = ["data.txt"])
genrule(
    name = "from_file",
    srcs = ["data.txt"],
    outs = ["from_file.txt"],
    cmd = "$(location plain.sh) $(location data.txt) > $@",
    exec_tools = ["plain.sh"],
)
genrule(
    name = "from_runfiles",
    srcs = ["data.txt"],
    outs = ["from_runfiles.txt"],
    cmd = "$(location :with_data) $(location data.txt) > $@",
    tools = [":with_data"],
)
genrule(
    name = "on_platform",
    srcs = ["data.txt"],
    outs = ["on_platform.txt"],
    cmd = "cat $< > $@",
    exec_properties = {"Pool": "small", "Arch": "x86-64"},
)
genrule(
    name = "local_only",
    outs = ["local_only.txt"],
    cmd = "echo local > $@",
    tags = ["no-remote-cache"],
)
END
printf '#!/bin/bash\ncat "$1"\n' > tools/plain.sh
chmod +x tools/plain.sh
echo 'some data' > tools/data.txt
if [[ -n $random ]]; then
  cat >> tools/BUILD << 'END'
genrule(
    name = "random",
    outs = ["random.txt"],
    cmd = "head -c 16 /dev/urandom | od -An -tx1 > $@",
)
genrule(
    name = "after_random",
    srcs = ["random.txt"],
    outs = ["after_random.txt"],
    cmd = "wc -c < $< > $@",
)
genrule(
    name = "time",
    outs = ["time.h"],
    cmd = "date '+#define BUILT \"%F %T\"' > $@",
)
genrule(
    name = "directory",
    outs = ["directory.txt"],
    cmd = "pwd -P > $@",
)
genrule(
    name = "order",
    outs = ["order.txt"],
    cmd = "head -c 64 /dev/urandom | od -An -v -tx1 -w1 | cat -n | sort -k2 | cut -f1 > $@",
)
genrule(
    name = "archive",
    srcs = ["data.txt"],
    outs = ["archive.a"],
    cmd = "cp $< member && touch member && ar qcU $@ member && rm member",
)
END
fi
status=()
if [[ -n $stamp ]]; then
  cat >> tools/BUILD << 'END'
genrule(
    name = "stamped",
    outs = ["stamped.txt"],
    cmd = "grep STAMPED bazel-out/stable-status.txt > $@",
    stamp = 1,
)
END
  printf '#!/bin/sh\necho STABLE_STAMPED %q\n' "$stamp" > status.sh
  chmod +x status.sh
  status=(--workspace_status_command="$work/status.sh")
fi

cat > platform/BUILD << END
platform(
    name = "worker",
    constraint_values = [
        "@platforms//os:linux",
        "@platforms//cpu:x86_64",
    ],
    exec_properties = {"container-image": "$image", "OSFamily": "Linux"},
    parents = ["@local_config_platform//:host"],
)
END

cache=(--disk_cache="$out/cache")
[[ -z $upload ]] || cache+=(--remote_cache="$upload" --remote_instance_name="$instance")
[[ -z $remote ]] || cache=(--remote_cache="$remote" --noremote_upload_local_results --remote_retries=1
  --remote_instance_name="$instance")

run() {
  env -i PATH="$path" HOME="$out" CC="$cc" ${include:+CPLUS_INCLUDE_PATH="$include"} LC_ALL=C \
    nice bazel --install_base="$shares" --trust_install_base --output_user_root="$out/base" --host_jvm_args=-Xmx512m --max_idle_secs=60 --nosystem_rc \
    --nohome_rc --noworkspace_rc "$@"
}
# Bazel starts a server, which would stay.
trap 'run shutdown > /dev/null 2>&1 || true' EXIT
run build --jobs=1 --color=no --curses=no --noshow_progress \
  --javabase=@local_jdk//:jdk --host_javabase=@local_jdk//:jdk \
  --spawn_strategy=local --genrule_strategy=local \
  --override_repository=rules_cc="$out/rules_cc" \
  --override_repository=rules_java="$shares/rules/java" \
  --override_repository=rules_proto="$shares/rules/proto" \
  --override_repository=bazel_skylib="$shares/tools/skylib" \
  --override_repository=platforms="$shares/platforms" \
  --extra_execution_platforms=//platform:worker --host_platform=//platform:worker \
  --execution_log_json_file="$out/log.json" --execution_log_binary_file="$out/log.binary" \
  --experimental_remote_grpc_log="$out/grpc.log" \
  --build_event_json_file="$out/bep.json" --build_event_binary_file="$out/bep.binary" \
  --nobuild_event_json_file_path_conversion --nobuild_event_binary_file_path_conversion \
  --symlink_prefix="$out/bazel-" \
  "${action_env[@]}" "${copt[@]}" "${linkopt[@]}" "${status[@]}" "${cache[@]}" \
  //... > "$out/bazel.log" 2>&1 || { cat "$out/bazel.log" >&2; die "bazel failed"; }
