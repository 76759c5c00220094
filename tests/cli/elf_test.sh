#!/bin/bash
# lre-audit elf finds the libraries that the loader itself finds: <interpreter> --list is the oracle,
# run inside the world's root file system.
source "$(dirname "$0")/common.sh"
root=$world/rootfs
if [ "$(id -u)" = 0 ]; then inside=(chroot "$root"); else inside=(unshare -r chroot "$root"); fi
programs=0
for directory in $(cd "$root" && ls -d nix/store/*/bin); do
  for program in "$root/$directory"/*; do
    [ ! -L "$program" ] || continue
    loader=$(patchelf --print-interpreter "$program" 2> /dev/null) || continue
    program=${program#"$root"}
    exits 0 elf --root "$root" --format json "$program"
    python3 -c 'import json
for library in json.load(open("out"))["objects"][0]["libraries"]: print(library["path"])' | sort -u > ours
    # "name => path (address)" and, of the loader itself, "path (address)"; the vDSO has no file.
    "${inside[@]}" "$loader" --list "$program" | sed -n 's/.*=> \(.*\) (0x.*/\1/p; s/^\t\(\/[^ ]*\) (0x.*/\1/p' | sort -u > theirs
    cmp -s ours theirs || { diff ours theirs > out || true; fail "$program"; }
    programs=$((programs + 1))
  done
done
[ $programs -gt 100 ] || fail "only $programs programs were compared"
