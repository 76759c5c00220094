#!/bin/bash
# A generated toolchain: what it names is looked up where its tools run; a finding shows the line.
source "$(dirname "$0")/common.sh"
toolchain=$world/repository/generated-cc
leaky=$world/repositories/tool-outside-store/generated-cc
there=(--image "oci:$world/oci:clean" --closure "store:$world/root")

exits 0 toolchain "$toolchain" "${there[@]}" --format json
holds 'report["verdict"] == "CLEAN" and not errors'
holds '[s["reference"] for s in report["subjects"] if s["kind"] == "TOOLCHAIN"] == ["'"$toolchain"'"]'
# Documentation and comments name paths that nobody follows; labels are no paths.
grep -q /usr/bin/gcc "$toolchain/cc/cc_toolchain_config.bzl"
holds 'not [f for f in findings if f["path"].startswith("'"$toolchain"'") and ("/usr" in str(f) or "//" in f["referenced"])]'

# It says where, and shows the line.
exits 1 toolchain "$leaky" "${there[@]}" --color never
line=$(grep -n /usr/bin/cpp "$leaky/cc/BUILD")
says 'error[LRE501]: '
says "  --> $leaky/cc/BUILD:${line%%:*}:17"
says '   |  "cpp": "/usr/bin/cpp",'
exits 1 toolchain "$leaky"

# Only what was asked for is looked at: without the image it lacks nothing.
gcov=$world/repositories/toolchain-path-not-in-image/generated-cc
exits 0 toolchain "$gcov" --closure "store:$world/root"
exits 1 toolchain "$gcov" "${there[@]}" --format json
holds '[f["rule"] for f in errors] == ["LRE601"] and "gcov" in errors[0]["referenced"]'
exits 1 image "oci:$world/oci:clean" --toolchain "$gcov" --format json
holds '[f["rule"] for f in errors] == ["LRE601"]'
# Of a closure's paths only those files can be looked up that this machine's store holds: none,
# unless the world is built in it.
missing=0
[ ! -L "$world/root" ] || missing=1
exits $missing toolchain "$world/repositories/tool-missing/generated-cc" --closure "$world/closure.json"

# What cannot be read is named, with its place, and the rest is read.
mkdir empty
exits 3 toolchain empty
says 'error[LRE901]: empty: holds no toolchain'
cp -r "$leaky" broken
printf 'cc_library(\n    name = "unclosed",\n' >> broken/cc/BUILD
exits 3 toolchain broken --format json
holds '{"LRE501", "LRE901"} <= set(rules)'
exits 3 toolchain broken --color never
says "  --> broken/cc/BUILD:$(grep -n '^cc_library($' broken/cc/BUILD | tail -1 | cut -d: -f1):"
