#!/bin/bash
# Two sides that are the same, and two in which five things differ: exactly those five are told.
source "$(dirname "$0")/common.sh"
package() { grep -m1 -- "-$1-" "$world/closure.txt"; }
store=store:$world/root clean=oci:$world/oci:clean

exits 0 diff "$store" "$clean" --format json
holds 'report["verdict"] == "SAME" and report["counts"]["differences"] == 0'
holds 'report["a"]["kind"] == "STORE" and report["b"]["kind"] == "IMAGE"'
holds 'report["a"]["store_paths"] == report["b"]["store_paths"] == '"$(wc -l < "$world/closure.txt")"
exits 0 diff "$clean" "docker-archive:$world/docker-archive.tar"
exits 0 diff "$world/closure.json" "$clean"
exits 0 diff "$world/closure.json" "$store"
exits 0 diff "$clean" "$clean" --quiet
[ ! -s out ] || fail "--quiet says that nothing differs"

# One byte, one mode, one symlink, one RUNPATH and one missing path.
zlib=$(package zlib) hello=$(package hello) make=$(package make) sed=$(package sed) jansson=$(package jansson)
for path in $zlib $hello $make $sed; do
  mkdir -p staged/nix/store && cp -a "$world/root$path" staged/nix/store/ && chmod -R u+w "staged$path"
done
offset=$(grep -abo -m1 compression "staged$zlib/include/zlib.h" | head -1 | cut -d: -f1)
line=$(grep -n -m1 compression "staged$zlib/include/zlib.h" | cut -d: -f1)
printf C | dd of="staged$zlib/include/zlib.h" bs=1 seek="$offset" conv=notrunc status=none
chmod 444 "staged$zlib/include/zlib.h"
mode=$(stat -c 0%a "$world/root$hello/bin/hello")
chmod 755 "staged$hello/bin/hello"
target=$(readlink "staged$make/bin/gmake")
ln -sfn elsewhere "staged$make/bin/gmake"
runpath=$(patchelf --print-rpath "staged$sed/bin/sed")
patchelf --set-rpath "$runpath:/usr/lib" "staged$sed/bin/sed" && chmod 555 "staged$sed/bin/sed"
touch "staged/nix/store/.wh.${jansson##*/}"
tar --mtime=@1 --owner=0 --group=0 --numeric-owner -C staged -cf extra.tar "${zlib#/}/include/zlib.h" \
  "${hello#/}/bin/hello" "${make#/}/bin/gmake" "${sed#/}/bin/sed" "nix/store/.wh.${jansson##*/}"
cp -r "$world/oci" oci
umoci --log=error raw add-layer --image oci:clean extra.tar

exits 1 diff "$store" oci:oci:clean --format json
cat > expected.py <<END
files = {f["path"]: f["changes"] for c in report["contents"] for f in c["files"]}
what = {path: [c["what"] for c in changes] for path, changes in files.items()}
assert report["verdict"] == "DIFFERENT" and report["counts"]["differences"] == 5, report["counts"]
assert [(p["kind"], p["path_a"], p["path_b"]) for p in report["packages"]] == [("GONE", "$jansson", "")]
assert what == {"$zlib/include/zlib.h": ["contents"], "$hello/bin/hello": ["mode"],
                "$make/bin/gmake": ["symlink target"], "$sed/bin/sed": ["RUNPATH"]}, what
change = files["$zlib/include/zlib.h"][0]
assert (change["line"], change["offset"]) == ($line, $offset), change
assert change["a"].replace("compression", "Compression", 1) == change["b"], change
change = files["$hello/bin/hello"][0]
assert (change["a"], change["b"]) == ("$mode", "0755"), change
change = files["$make/bin/gmake"][0]
assert (change["a"], change["b"]) == ("$target", "elsewhere"), change
change = files["$sed/bin/sed"][0]
assert (change["a"], change["b"]) == ("$runpath", "$runpath:/usr/lib"), change
for other in "files", "settings", "tools", "new_findings", "fixed_findings", "problems":
    assert report[other] == [], other
END
holds 'exec(open("expected.py").read()) or True'
exits 1 diff "$store" oci:oci:clean
says '5 differences: 1 package, 4 files in 4 store paths'
says "- $jansson"
says "contents from line $line"
says "$mode -> 0755"
says "$target -> elsewhere"
says "+ /usr/lib"
says "the $(($(wc -l < "$world/closure.txt") - 1)) store paths that oci:oci:clean holds, and what they refer to"

# The other way round, and by hashes alone.
exits 1 diff oci:oci:clean "$store" --format json
holds '[p["kind"] for p in report["packages"]] == ["ADDED"] and report["counts"]["differences"] == 5'
exits 1 diff "$world/closure.json" oci:oci:clean --format json
holds '{c["path"] for c in report["contents"]} == {"'"$zlib"'", "'"$make"'", "'"$sed"'"}'
holds 'all(c["nar_hash_a"] != c["nar_hash_b"] and not c["files"] for c in report["contents"])'

# A local store whose files were changed behind Nix's back differs from an image of what it was.
mkdir -p root/nix/store root/nix/var/nix
cp -r "$world/root/nix/var/nix/db" root/nix/var/nix/
for path in $(cat "$world/closure.txt"); do cp -a "$world/root$path" root/nix/store/; done
exits 0 diff store:root "$clean"
chmod -R u+w "root$hello" && printf x >> "root$hello/bin/hello" && chmod 555 "root$hello/bin/hello" && chmod -R a-w "root$hello"
exits 1 diff store:root "$clean" --format json
holds '[f["path"] for c in report["contents"] for f in c["files"]] == ["'"$hello"'/bin/hello"]'
holds '"behind" in report["contents"][0]["notes"][0]'
exits 1 diff store:root "$world/closure.json" --format json
holds '[c["path"] for c in report["contents"]] == ["'"$hello"'"]'
exits 1 diff "$store" store:root --format json
holds '"'"$hello"'/bin/hello" in [f["path"] for c in report["contents"] for f in c["files"]]'

# Two images: what is added, set and leaks since.
exits 1 diff "$clean" "oci:$world/oci:leaky" --format json --output text=text
holds '[s["name"] for s in report["settings"]] == ["Env LD_LIBRARY_PATH"]'
holds '{"LRE101", "LRE103", "LRE201", "LRE406"} == {f["rule"] for f in report["new_findings"] if f["severity"] == "ERROR"}'
holds 'report["fixed_findings"] == [] and {p["kind"] for p in report["packages"]} == {"ADDED"}'
says "new findings: 4" text
exits 1 diff "oci:$world/oci:leaky" "$clean" --format json
holds 'report["new_findings"] == [] and len(report["fixed_findings"]) >= 4'
exits 1 diff "$clean" "oci:$world/oci:file-outside-store" --format json
holds '"/usr/bin/hello" in [f["path"] for f in report["files"]]'

# Two reports.
exits 0 image "$clean" --closure "$world/closure.json" --output json=old.json
exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --output json=new.json
exits 0 diff old.json old.json
exits 1 diff old.json new.json --format json
holds 'len([f for f in report["new_findings"] if f["severity"] == "ERROR"]) == 5'

# What cannot be read makes it incomplete; the rest is compared all the same.
blob=$(python3 "$here/../world/layout.py" oci clean layer 0)
truncate -s $(($(stat -c %s "oci/blobs/sha256/$blob") / 2)) "oci/blobs/sha256/$blob"
exits 3 diff "$store" oci:oci:clean --format json
holds 'report["verdict"] == "INCOMPLETE" and report["problems"]'
holds '"'"$jansson"'" in [p["path_a"] for p in report["packages"]]'

# Sides that are none, or that do not go together.
for sides in "nothing $clean" "$clean $world/debs" "$world/debs/versions.json $clean" \
  "store:/nonexistent $clean" "ocy:$world/oci:clean $clean" "old.json $clean"; do
  exits 2 diff $sides
  [ "$(wc -l < err)" = 1 ] || fail "not one line: diff $sides"
  [ ! -s out ] || fail "diff $sides wrote to standard output"
done
exits 2 diff nothing "$clean"
says "store:[ROOT]" err
