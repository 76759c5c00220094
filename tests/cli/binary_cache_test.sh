#!/bin/bash
# A binary cache that nix copy wrote: as a closure, as a subject, as a side of a comparison; and
# everything that may be wrong with one.
source "$(dirname "$0")/common.sh"
export NIX_CONFIG=$'build-users-group =\nexperimental-features = nix-command\nsubstituters =' HOME=$work
hello=$(grep -- -hello- "$world/closure.txt") glibc=$(grep -- '-glibc-[0-9.]*$' "$world/closure.txt")
# A store of two paths, and one whose database knows more: copied, for the world is not written to.
mkdir -p larger/nix/store larger/nix/var/nix
cp -r "$world/root/nix/var/nix/db" larger/nix/var/nix/
for path in "$hello" "$glibc"; do cp -a "$world/root$path" larger/nix/store/; done
nix copy --from "local?root=$work/larger" --to "local?root=$work/root" --no-check-sigs "$hello" 2> nix.log
store="local?root=$work/root"
# cache NAME COMPRESSION PATH...
cache() {
  local name=$1 compression=$2; shift 2
  nix copy --from "$store" --to "file://$work/$name?compression=$compression" --no-check-sigs "$@" 2> nix.log ||
    { cat nix.log >&2; fail "nix copy"; }
}
cache cache zstd "$hello"
narinfo=cache/$(basename "$hello" | cut -c1-32).narinfo

nix-store --store "$store" --export "$hello" "$glibc" > ./export

# As a subject: the same as the store that it was copied from, contents and all.
exits 0 store --from "file://$work/cache" "$hello" --format json
holds 'not errors and report["statistics"]["store_paths"] == 2 and report["statistics"]["elf_objects"] > 0'
python3 -c 'import json; print(json.load(open("out"))["statistics"]["files"])' > files
exits 0 store "$hello" --root root --format json
holds 'report["statistics"]["files"] == '"$(cat files)"
exits 0 store --from cache                       # all that it holds, by its directory
says 'against cache (binary cache)'
exits 2 store --from cache /nix/store/8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn-nobody
says 'is not in cache' err
exits 2 store --from "$world/closure.txt" "$hello"
says 'is neither a binary cache' err
exits 2 store --from cache --root root
says 'exclude each other' err
for source in cache export; do
  exits 2 store --from $source "$hello" --no-contents
  says "--no-contents is for a store on disk, which $source is not" err
done
exits 0 store --from "store:$work/root" "$hello" --no-contents
says 'contents not read'

# As a closure: asked for what the image holds, which is more than this cache knows.
cp -r root rootfs && chmod -R u+w rootfs && rm -rf rootfs/nix/var
exits 0 image "rootfs:$work/rootfs" --closure "file://$work/cache" --format json
holds 'not errors'
exits 1 image "oci:$world/oci:clean" --closure cache --format json
holds 'set(f["rule"] for f in errors) == {"LRE301"} and "'"$hello"'" not in [f["path"] for f in errors]'

# Every compression that Nix and we know, of a path with all kinds of files.
mkdir -p "kinds/d" && printf '#!%s/bin/hello\n' "$hello" > kinds/run && chmod +x kinds/run
: > kinds/empty && ln -s d/x kinds/link && head -c 300000 /dev/urandom > kinds/d/x
kinds=$(nix-store --store "$store" --add kinds)
for compression in none gzip bzip2 xz zstd br; do
  cache "c-$compression" "$compression" "$kinds"
  exits 1 store --from "c-$compression" --format json   # its shebang leads to what is not there
  holds '[f["rule"] for f in errors] == ["LRE202"] and report["statistics"]["files"] == 6'
done

# A digest that differs; then the same contents packed otherwise, which only FileHash shows.
bad() { rm -rf bad && cp -r cache bad && chmod -R u+w bad; info=bad/${narinfo#cache/}; nar=bad/$(sed -n 's/^URL: //p' "$info"); }
bad && sed -i 's/^NarHash: .*/NarHash: sha256:0z9lgl1nl80qqs9qf0gygc56zaxykafac58m9rs7dpr53hrnmncy/' "$info"
exits 1 store --from bad "$hello" --format json
holds '[(f["rule"], f["path"]) for f in errors] == [("LRE305", "'"$hello"'")]'
bad && zstd -qdc "$nar" | zstd -q -19 > repacked && mv repacked "$nar"
exits 1 store --from bad "$hello" --format json
holds '[f["rule"] for f in errors] == ["LRE401"]'
bad && sed -i 's/^FileSize: .*/FileSize: 7/' "$info"
exits 1 store --from bad "$hello" --format json
holds '[f["rule"] for f in errors] == ["LRE401"]'
bad && sed -i 's/^NarSize: .*/NarSize: 16448/' "$info"
exits 3 store --from bad "$hello"
says 'narSize of'

# What cannot be read makes the audit incomplete, and hides nothing else.
incomplete() { exits 3 store --from bad "$hello" --format json; holds 'report["verdict"] == "INCOMPLETE"'; says "$1"; }
bad && truncate -s -9 "$nar";                                     incomplete 'truncated at'
bad && rm "$nar";                                                 incomplete 'No such file'
bad && sed -i 's/^Compression: .*/Compression: xz/' "$info";      incomplete 'Compression is xz, and the file is zstd'
bad && sed -i 's/^Compression: .*/Compression: br/' "$info";      incomplete 'damaged brotli data at 0x'
bad && sed -i 's/^Compression: .*/Compression: lzip/' "$info";    incomplete 'Compression \"lzip\" is not supported; expected xz'
bad && sed -i '/^Compression: /d' "$info";                        incomplete 'Compression is bzip2, and the file is zstd'
bad && { zstd -qdc "$nar"; head -c 8 /dev/zero; } | zstd -q > longer && mv longer "$nar"; incomplete 'bytes behind the end of the NAR'
bad && zstd -qdc "$nar" > plain && head -c 500 plain | zstd -q > shorter && mv shorter "$nar"; incomplete 'bytes of contents are missing'
bad && head -c 3G /dev/zero | zstd -q > bomb && mv bomb "$nar";   incomplete 'the NAR'
bad && echo > "bad/$(basename "$glibc" | cut -c1-32).narinfo";    incomplete 'it has no StorePath'
bad && cp "$info" "bad/$(basename "$glibc" | cut -c1-32).narinfo"; incomplete 'expected /nix/store/'
# A library that was read in part is not said to lack what was not read.
bad && nar=bad/$(sed -n 's/^URL: //p' "bad/$(basename "$glibc" | cut -c1-32).narinfo")
zstd -qdc "$nar" > plain
at=$(python3 -c 'print(open("plain", "rb").read().index(b"\x09" + bytes(7) + b"libc.so.6"))')   # an entry of that name
head -c $((at + 500000)) plain | zstd -q > "$nar.cut" && mv "$nar.cut" "$nar"; incomplete 'bytes of contents are missing'
holds 'not {"LRE108", "LRE111", "LRE113", "LRE117"} & set(rules)'
# Nor is what lies behind it, or in a NAR that is not there at all, said to be missing.
head -c $((at / 2)) plain | zstd -q > "$nar.cut" && mv "$nar.cut" "$nar"; incomplete 'are missing'
holds 'not {"LRE102", "LRE107", "LRE108", "LRE302"} & set(rules)'; says 'may lie in what was not read'
rm "$nar"; incomplete 'No such file'
holds 'not {"LRE102", "LRE107", "LRE108", "LRE302"} & set(rules)'

# A narinfo cannot lead out of its cache.
echo 'not to be read' > secret
for url in ../secret "nar/../../secret" "$work/secret" "file://$work/secret" "http://127.0.0.1:1/secret"; do
  bad && sed -i "s|^URL: .*|URL: $url|" "$info"; incomplete 'expected a path in the cache'
done
bad && ln -sf "$work/secret" "$nar"; incomplete 'leads out of the cache'
bad && rm "$nar" && mkfifo "$nar"; incomplete 'not a regular file'
! grep -q 'not to be read' out || fail 'a file outside the cache was read'

# The cache's store must be the tree's.
bad && echo 'StoreDir: /gnu/store' > bad/nix-cache-info
exits 2 image "rootfs:$work/rootfs" --closure bad
says 'the closure is of the store /gnu/store' err
exits 2 image "rootfs:$work/rootfs" --closure "file://$work/nowhere"
says 'No such file' err
mkdir empty && exits 2 image "rootfs:$work/rootfs" --closure "file://$work/empty"
says 'has no nix-cache-info' err
exits 2 image "rootfs:$work/rootfs" --closure s3://bucket
says 's3:// is not read' err

# Beside another side: the first file that differs, out of the packed contents.
exits 0 diff cache "store:$work/root"
exits 0 diff "store:$work/larger" cache
says 'the 2 store paths that cache holds, and what they refer to, as store:'
nix copy --from "$store" --to "file://$work/glibc" --no-check-sigs "$glibc" 2> nix.log
exits 1 diff cache glibc --format json
holds '[(p["name"], p["kind"]) for p in report["packages"]] == [("hello", "GONE")]'
exits 0 diff glibc "store:$work/root"     # whose hello is none of it
exits 0 diff "file://$work/cache" "rootfs:$work/rootfs"
exits 0 diff export cache
says 'the 2 store paths that export holds, and what they refer to, as cache knows it'
exits 0 diff cache "file://$work/cache"
says 'all store paths, by NAR hash; contents where that differs'
exits 0 diff export "rootfs:$work/rootfs"   # which is writable: no NAR says that it is not
chmod a-x "rootfs$hello/bin/hello"
for side in cache export; do
  exits 1 diff "$side" "rootfs:$work/rootfs"
  says 'bin/hello  executable bit  0555 -> 0644'
done
chmod a+x "rootfs$hello/bin/hello"
printf x >> "rootfs$hello/bin/hello"
for side in cache export; do
  exits 1 diff "$side" "rootfs:$work/rootfs" --format json
  python3 -c 'import json, sys
contents = json.load(open("out"))["contents"]
sys.exit([(c["path"], [f["path"] for f in c["files"]]) for c in contents] != [(sys.argv[1], [sys.argv[1] + "/bin/hello"])])' "$hello" ||
    fail "diff $side does not name the file"
done
