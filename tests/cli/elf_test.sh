#!/bin/bash
# lre-audit elf finds the libraries that the loader itself finds: <interpreter> --list is the oracle,
# run inside the world's root file system.
source "$(dirname "$0")/common.sh"
root=$world/rootfs
if [ "$(id -u)" = 0 ]; then inside=(chroot "$root"); else inside=(unshare -r chroot "$root"); fi

programs=() loaders=()
for directory in $(cd "$root" && ls -d nix/store/*/bin); do
  for program in "$root/$directory"/*; do
    [ ! -L "$program" ] || continue
    loader=$(patchelf --print-interpreter "$program" 2> /dev/null) || continue
    programs+=("${program#"$root"}") loaders+=("$loader")
  done
done
[ ${#programs[@]} -gt 100 ] || fail "only ${#programs[@]} programs to compare"

exits 0 elf --root "$root" --format json "${programs[@]}"
python3 -c 'import json
for number, program in enumerate(json.load(open("out"))["objects"]):
    with open(f"ours.{number}", "w") as file:
        file.writelines(f"{path}\n" for path in sorted({l["path"] for l in program["libraries"]}))'
for number in "${!programs[@]}"; do
  # "name => path (address)" and, of the loader itself, "path (address)"; the vDSO has no file.
  "${inside[@]}" "${loaders[number]}" --list "${programs[number]}" |
    sed -n 's/.*=> \(.*\) (0x.*/\1/p; s/^\t\(\/[^ ]*\) (0x.*/\1/p' | LC_ALL=C sort -u > theirs
  cmp -s "ours.$number" theirs || { diff "ours.$number" theirs > out || true; fail "${programs[number]}"; }
done
