#!/bin/bash
# Every form in which Nix writes a closure says the same of the same image.
source "$(dirname "$0")/common.sh"
for closure in closure.json closure.txt closure.registration; do
  exits 0 image "oci:$world/oci:clean" --closure "$world/$closure" --format json
  holds 'not errors'
  exits 1 image "oci:$world/oci:path-not-in-closure" --closure "$world/$closure" --format json
  holds '[f["rule"] for f in errors] == ["LRE301"]'
done
# The store's own database knows more than the image holds: only what the image's paths need counts.
exits 0 image "oci:$world/oci:clean" --closure "store:$world/root" --format json
holds 'not errors'

# An export says it with the contents; packed or through a pipe, all the same.
export NIX_CONFIG=$'build-users-group =\nexperimental-features = nix-command\nsubstituters =' HOME=$work
hello=$(grep -- -hello- "$world/closure.txt") glibc=$(grep -- '-glibc-[0-9.]*$' "$world/closure.txt")
mkdir -p root/nix/store root/nix/var/nix
cp -r "$world/root/nix/var/nix/db" root/nix/var/nix/
for path in "$hello" "$glibc"; do cp -a "$world/root$path" root/nix/store/; done
mkdir rootfs rootfs/nix && cp -r root/nix/store rootfs/nix/
store="local?root=$work/root"
nix-store --store "$store" --export "$hello" "$glibc" > ./export
xz -0 -k export && gzip -k export && zstd -q export && bzip2 -k export
nix path-info --store "$store" --json -r "$hello" > small.json && xz -k small.json
for closure in export export.xz export.gz export.zst export.bz2 small.json.xz; do
  exits 0 image "rootfs:$work/rootfs" --closure $closure --format json
  holds 'not errors and report["statistics"]["closure_paths"] == 2'
done
exits 0 image "rootfs:$work/rootfs" --closure <(cat export)
exits 0 store --from export "$hello" --format json
holds 'not errors and report["statistics"]["store_paths"] == 2'
exits 2 store --from export.xz
says 'decompress it first' err
# One that is cut, one with a byte changed, one with another behind it.
head -c -40 export > ./cut
exits 3 image "rootfs:$work/rootfs" --closure cut
says 'only the 1 paths before it are known'
offset=$(LC_ALL=C grep -abo 'GLIBC_2' export | sed -n '1s/:.*//p')   # in a program
cp export changed && printf '\xff' | dd of=changed bs=1 seek="$offset" conv=notrunc status=none
exits 1 image "rootfs:$work/rootfs" --closure changed --format json
holds 'rules.count("LRE305") == 1'
cat export export > twice
exits 0 image "rootfs:$work/rootfs" --closure twice
head -c 100 export > short
exits 2 image "rootfs:$work/rootfs" --closure short
says 'is a nix-store --export, but' err

# A narinfo speaks of one path.
nix copy --from "$store" --to "file://$work/cache?compression=none" --no-check-sigs "$glibc" 2> nix.log
exits 1 image "rootfs:$work/rootfs" --closure "$(echo cache/*.narinfo)" --format json
holds '[(f["rule"], f["path"]) for f in errors] == [("LRE301", "'"$hello"'")]'

# Derivations say what may be there: what none of them makes is not.
cat > hello.nix <<END
derivation { name = "leaf"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo > \$out" ]; }
END
drv=$(nix-instantiate --store "$store" hello.nix 2> nix.log)
out=$(nix-store --store "$store" -q --outputs "$drv")
nix show-derivation --store "$store" "$drv" > derivations.json 2> nix.log
mkdir -p may/nix/store && echo > "may$out"
exits 0 image "rootfs:$work/may" --closure derivations.json --format json
holds 'not errors'
python3 - <<'END'
# 2.32 and 2.33, as Nix documents them: no Nix here writes them.
import json
base = lambda path: path.rsplit("/", 1)[1]
derivations = json.load(open("derivations.json"))
short = {}
for path, drv in derivations.items():
    drv["outputs"] = {name: {"path": base(output["path"])} for name, output in drv["outputs"].items()}
    drv["inputSrcs"] = [base(source) for source in drv["inputSrcs"]]
    short[base(path)] = drv
json.dump(short, open("2.32.json", "w"))
for drv in short.values():
    drv["inputs"] = {"srcs": drv.pop("inputSrcs"), "drvs": drv.pop("inputDrvs")}
json.dump({"version": 4, "derivations": short}, open("2.33.json", "w"))
END
cp -r rootfs/nix/store/. may/nix/store/
for closure in derivations.json 2.32.json 2.33.json; do
  exits 1 image "rootfs:$work/may" --closure $closure --format json
  holds 'set(f["rule"] for f in errors) == {"LRE301"} and len(errors) == 2'
done

# A wrong guess is named.
wrong() { exits 2 image "oci:$world/oci:clean" --closure "$1"; says "$2" err; }
nix-store --dump "$here" > dump;          wrong dump 'is a NAR'
tar cf wrong.tar -C "$here" common.sh;    wrong wrong.tar 'is a tar archive'
wrong cache/nix-cache-info                'the nix-cache-info of a binary cache'
cp "root$drv" x.drv;                      wrong x.drv 'is a derivation; give nix derivation show'
wrong "$world/root/nix/var/nix/db/db.sqlite" 'name its store instead'
echo '{"a": 1}' > other.json;             wrong other.json 'not of nix path-info --json'
: | xz > empty.xz;                        wrong empty.xz 'is empty'
