#!/bin/bash
# The store that Nix built passes; a change behind Nix's back is found.
source "$(dirname "$0")/common.sh"
exits 0 store $(cat "$world/roots.txt") --root "$world/root" --format json
holds 'not errors and report["statistics"]["store_paths"] == '"$(wc -l < "$world/closure.txt")"

# A private copy of one path and of the database, with one byte more in one file.
hello=$(grep -- -hello- "$world/closure.txt")
mkdir -p root/nix/store root/nix/var/nix
cp -r "$world/root/nix/var/nix/db" root/nix/var/nix/
for path in $(cat "$world/closure.txt"); do cp -a "$world/root$path" root/nix/store/; done
exits 0 store "$hello" --root root
chmod -R u+w "root$hello" && printf x >> "root$hello/bin/hello" && chmod -R u-w "root$hello"
exits 1 store "$hello" --root root --format json
holds '[(f["rule"], f["path"]) for f in errors] == [("LRE305", "'"$hello"'")]'
