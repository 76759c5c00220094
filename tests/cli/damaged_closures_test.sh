#!/bin/bash
# One rule for a damaged closure, whatever its format: of which nothing can be had is refused (2), of
# which a part can be had makes the audit incomplete (3).
source "$(dirname "$0")/common.sh"
export NIX_CONFIG=$'build-users-group =\nexperimental-features = nix-command\nsubstituters =' HOME=$work
hello=$(grep -- -hello- "$world/closure.txt") glibc=$(grep -- '-glibc-[0-9.]*$' "$world/closure.txt")
mkdir -p root/nix/store root/nix/var/nix
cp -r "$world/root/nix/var/nix/db" root/nix/var/nix/
for path in "$hello" "$glibc"; do cp -a "$world/root$path" root/nix/store/; done
mkdir rootfs rootfs/nix && cp -r root/nix/store rootfs/nix/
store="local?root=$work/root"

mkdir whole
nix path-info --store "$store" --json -r "$hello" > whole/array.json
nix-store --store "$store" --dump-db "$hello" "$glibc" > whole/dump-db
# One behind the other: of a single export Nix puts the larger path first.
for path in "$hello" "$glibc"; do nix-store --store "$store" --export "$path"; done > whole/export
nix-store --store "$store" -qR "$hello" > whole/list
nix copy --from "$store" --to "file://$work/whole/cache?compression=none" --no-check-sigs "$hello" 2> nix.log
cp "whole/cache/$(basename "$hello" | cut -c1-32).narinfo" whole/narinfo
cat > two.nix <<'END2'
let leaf = name: inputs: derivation { inherit name inputs; system = "x86_64-linux"; builder = "/bin/sh"; };
in leaf "top" [ (leaf "low" [ ]) ]
END2
nix show-derivation -r --store "$store" "$(nix-instantiate --store "$store" two.nix 2> nix.log)" > whole/derivations.json 2> nix.log
# What this Nix does not write, from what it does.
python3 - <<'END2'
import json
paths = json.load(open("whole/array.json"))
base = lambda path: path.rsplit("/", 1)[1]
dump = lambda name, value: json.dump(value, open("whole/" + name, "w"))
dump("map.json", {p["path"]: {k: v for k, v in p.items() if k != "path"} for p in paths})
dump("format2.json", {"version": 2, "storeDir": "/nix/store", "info": {
    base(p["path"]): {**p, "references": [base(r) for r in p["references"]]} for p in paths}})
keep = ("path", "narHash", "narSize", "references")
dump("structured-attrs.json", [{**{k: p[k] for k in keep}, "closureSize": p["narSize"]} for p in paths])
with open("whole/references-graph", "w") as graph:
    for p in paths: print(p["path"], "", len(p["references"]), *p["references"], sep="\n", file=graph)
END2
mkdir whole/closure-info && cp whole/list whole/closure-info/store-paths
nix-store --store "$store" --dump-db "$hello" "$glibc" | sed 's/^[0-9a-f]\{64\}$/sha256:&/' > whole/closure-info/registration
xz -0 -k whole/export && gzip -k whole/export && zstd -q whole/export
cp -r root/nix/var/nix whole/state && mkdir -p whole/database/nix/var && mv whole/state whole/database/nix/var/nix

# The file of each format that is damaged: the format itself, or a file of its directory.
part() {
  case $1 in
    cache) echo "$1/$(basename "$glibc" | cut -c1-32).narinfo" ;;
    closure-info) echo "$1/registration" ;;
    database) echo "$1/nix/var/nix/db/db.sqlite" ;;
    *) echo "$1" ;;
  esac
}
# Behind the first of two paths.
cut_in_the_middle() { truncate -s $(($(stat -c %s "$1") * 7 / 10)) "$1"; }
garbage() { seq 1 4000 | sha512sum | head -c 100 > "$1"; }
binary_garbage() { seq 1 4000 | gzip -1 | tail -c +200 | head -c 5000 > "$1"; }
# The rows of paths can be read, those of references cannot.
damage_references() { python3 - "$1" <<'END2'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
size, = database.execute("pragma page_size").fetchone()
pages = [page for page, in database.execute("select rootpage from sqlite_master where tbl_name = 'Refs'")]
database.close()
with open(sys.argv[1], "r+b") as file:
    for page in pages: file.seek((page - 1) * size); file.write(b"\xff" * size)
END2
}

# audited NAME EXIT DAMAGE [CLOSURE]
audited() {
  local name=$1 expected=$2 damage=$3 closure=damaged
  chmod -R u+w damaged 2> /dev/null || true; rm -rf damaged && cp -r "whole/$name" damaged && chmod -R u+w damaged
  local file=damaged; [ "$(part "$name")" = "$name" ] || file=damaged/$(part "$name" | cut -d/ -f2-)
  [ "$damage" = none ] || "$damage" "$file"
  [ "$name" != database ] || closure=store:damaged
  local status=0
  "$LRE_AUDIT" image "rootfs:$work/rootfs" --closure $closure > out 2> err || status=$?
  [ $status = "$expected" ] || fail "$name, damaged by $damage: exit $status, not $expected"
  [ "$expected" != 2 ] || grep -q '^error: ' err || fail "$name, damaged by $damage: says nothing"
  [ "$expected" != 3 ] || grep -q 'LRE90[12]' out || fail "$name, damaged by $damage: says nothing"
}
formats=$(ls whole)
[ "$(wc -w <<< "$formats")" = 16 ] || fail "formats: $formats"
for name in $formats; do
  case $name in
    derivations.json) audited $name 1 none ;;   # a plan that names neither path: LRE301
    narinfo) audited $name 1 none ;;            # of one path
    *) audited $name 0 none ;;
  esac
  case $name in
    narinfo) audited $name 2 cut_in_the_middle ;;    # there was one path, and it is not described
    database) audited $name 2 cut_in_the_middle      # SQLite reads nothing of a file with pages missing
              audited $name 3 damage_references ;;
    *) audited $name 3 cut_in_the_middle ;;
  esac
  for damage in garbage binary_garbage; do
    case $name in
      cache) audited $name 3 $damage ;;              # one narinfo of a cache that is whole
      *) audited $name 2 $damage ;;
    esac
  done
done
# That of a cache which says that it is one.
part() { [ "$1" = cache ] && echo cache/nix-cache-info || echo "$1"; }
audited cache 2 garbage
says 'nix-cache-info begins with' err
