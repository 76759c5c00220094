#!/bin/bash
# lre-audit why names the chain from what starts a container to a leak three hops deep: entrypoint,
# program, library by RUNPATH, and what that library needs from outside the store.
source "$(dirname "$0")/common.sh"
hello=$(grep -m1 -- -hello- "$world/closure.txt") zlib=$(grep -m1 -- -zlib- "$world/closure.txt")
store=/nix/store
run=$store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-run-1.0
tool=$store/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-tool-1.0
lib=$store/2m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-lib-1.0
leak=/usr/lib/libleak.so.1

mkdir -p layer$run/bin layer$tool/bin layer$lib/lib
printf '#!%s/bin/sh\n\nexec %s/bin/tool "$@"\n' "$(grep -m1 -- -bash- "$world/closure.txt")" $tool > layer$run/bin/run
cp "$world/root$hello/bin/hello" layer$tool/bin/tool
cp "$(readlink -f "$world/root$zlib/lib/libz.so.1")" layer$lib/lib/libx.so.1
chmod u+w layer$tool/bin/tool layer$lib/lib/libx.so.1
# One change at a time: patchelf 0.14 mixes up the arguments of two.
patchelf --add-rpath $lib/lib layer$tool/bin/tool
patchelf --add-needed libx.so.1 layer$tool/bin/tool
patchelf --set-soname libx.so.1 layer$lib/lib/libx.so.1
patchelf --add-needed $leak layer$lib/lib/libx.so.1
chmod -R 755 layer$store

cp -r "$world/oci" oci
tar --sort=name --mtime=@1 --owner=0 --group=0 -C layer -cf layer.tar ${run#/} ${tool#/} ${lib#/}
umoci --log=error raw add-layer --image oci:clean --tag planted layer.tar
umoci --log=error config --image oci:planted --config.entrypoint $run/bin/run

exits 0 why oci:oci:planted $leak --format json
holds 'len(report["chains"]) == 1 and not report["exists"] and not report["cut"]'
holds 'report["chains"][0]["root"]["kind"] == "ENTRYPOINT"'
holds '[(s["how"], s["path"]) for s in report["chains"][0]["steps"]] == [
  ("WRAPPER", "'$tool'/bin/tool"), ("NEEDED", "'$lib'/lib/libx.so.1"), ("NEEDED", "'$leak'")]'
holds '[s["line"] for s in report["chains"][0]["steps"]] == [3, 0, 0]'
holds 'report["chains"][0]["steps"][1]["by"] == "RUNPATH '$lib'/lib"'
# The offsets are those of the names in the files.
for step in "1 $tool/bin/tool libx.so.1" "2 $lib/lib/libx.so.1 $leak"; do
  read -r number file name <<< "$step"
  python3 -c 'import json, sys
at = json.load(open("out"))["chains"][0]["steps"][int(sys.argv[1])]["offset"]
name = sys.argv[3].encode() + b"\0"
sys.exit(open(sys.argv[2], "rb").read()[at:at + len(name)] != name)' "$number" "layer$file" "$name" ||
    fail "no $name there"
done

exits 0 why oci:oci:planted $leak --color never
says "Entrypoint
└── $run/bin/run
    line 3: exec $tool/bin/tool \"\$@\"
    └── $tool/bin/tool"
says ": libx.so.1, found by RUNPATH $lib/lib"
says "$leak  (not in oci:oci:planted)"
exits 0 why oci:oci:planted libx.so.1

# Every shortest chain of every root, and the answer does not depend on threads.
exits 0 why "oci:$world/oci:clean" "$zlib" --all --format json --jobs 1
holds 'len(report["chains"]) > 1 and report["roots"] > 1'
holds 'all(c["steps"][-1]["path"].startswith("'"$zlib"'") for c in report["chains"])'
mv out one
exits 0 why "oci:$world/oci:clean" "$zlib" --all --format json --jobs 7
cmp one out

# A reference inside something that is packed is one, in the member that has it.
mkdir -p docs/share && echo "see $lib/lib" > docs/share/manual && tar -C docs -cf docs.tar share
run2=$store/3m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-packed-1.0
mkdir -p packed$run2/share packed$lib/lib && gzip -c docs.tar > packed$run2/share/docs.tar.gz
cp layer$lib/lib/libx.so.1 packed$lib/lib/ && chmod -R 755 packed
exits 0 why rootfs:packed $leak --format json
holds '[s["how"] for s in report["chains"][0]["steps"]] == ["HOLDS", "HIDDEN_REFERENCE", "HOLDS", "NEEDED"]'
holds 'report["chains"][0]["steps"][1]["by"] == "gzip, tar member share/manual"'
exits 0 why rootfs:packed $lib
says "refers to it in gzip, tar member share/manual at 0x4"

# Nothing leads there.
exits 1 why "oci:$world/oci:clean" $leak
says "nothing leads from Entrypoint, Cmd or Env to $leak"
[ "$(wc -l < out)" = 1 ] || fail "more than one line"

# A toolchain's tools are roots, in the image that runs them and by themselves; of those that are not
# in the local store nobody knows where they lead.
toolchain=$world/repositories/tool-outside-store/generated-cc
exits 0 why "oci:$world/oci:clean" /usr/bin/cpp --toolchain "$toolchain" --format json
line=$(grep -n /usr/bin/cpp "$toolchain/cc/BUILD" | cut -d: -f1)
holds 'report["chains"][0]["steps"] == [] and report["chains"][0]["root"]["kind"] == "TOOL"'
holds 'report["chains"][0]["root"]["file"].endswith("cc/BUILD")'
holds 'report["chains"][0]["root"]["line"] == '"$line"
exits 0 why "$toolchain" /usr/bin/cpp
says "cc/BUILD:$line:"
says "└── /usr/bin/cpp  (outside the store)"
exits 3 why "$toolchain" $tool
says "not in the local store" err

# What cannot be read is told, and what was found is shown.
layer=oci/blobs/sha256/$(python3 "$here/../world/layout.py" oci planted layer 0)
truncate -s $(($(stat -c %s "$layer") / 2)) "$layer"
exits 3 why oci:oci:planted $leak
says $leak
says error: err

exits 2 why oci:oci:none $leak
exits 2 why oci:oci:planted usr/lib/libleak.so.1
says "absolute path" err
