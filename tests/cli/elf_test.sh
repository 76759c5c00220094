#!/bin/bash
# lre-audit elf finds the libraries that the loader itself finds: <interpreter> --list is the oracle,
# run inside the world's root file system.
source "$(dirname "$0")/common.sh"
root=$world/rootfs
if [ "$(id -u)" = 0 ]; then inside=(chroot "$root"); else inside=(unshare -r chroot "$root"); fi

# The loader takes a library that knows of no versions, and ends the program at the first one that
# is looked up in it; one that knows others' is taken as it is.
echo 'int f(void) { return 0; }' > f.c
echo 'int f(void); int main(void) { return f(); }' > main.c
echo 'V_1 { f; };' > versions
gcc -shared -fPIC -nostdlib f.c -o libf.so -Wl,-soname,libf.so -Wl,--version-script=versions
gcc main.c -o main -L. -lf -Wl,-rpath,"$PWD"
./main || fail "main does not run"
exits 0 elf main
gcc -shared -fPIC -nostdlib f.c -o libf.so -Wl,-soname,libf.so
! ./main 2> /dev/null || fail "main runs without the version"
exits 1 elf main
says 'V_1'
echo '#include <stdio.h>' | cat - f.c > g.c
sed -i 's/return 0;/return puts("") < 0;/' g.c
gcc -shared -fPIC g.c -o libf.so -Wl,-soname,libf.so
./main > /dev/null 2>&1 || fail "main does not take a library that knows others' versions"
exits 0 elf main

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
