#!/bin/bash
# The database held against the disk, without a file being read: what is missing or left over is
# found, a change inside a path is not looked for, and the report says so.
source "$(dirname "$0")/common.sh"
hello=$(grep -- -hello- "$world/closure.txt")
mkdir -p root/nix/store root/nix/var/nix
cp -r "$world/root/nix/var/nix/db" root/nix/var/nix/
for path in $(cat "$world/closure.txt"); do cp -a "$world/root$path" root/nix/store/; done
closure=(store $(cat "$world/roots.txt") --root root --no-contents)

python3 -c 'import sqlite3
sqlite3.connect("root/nix/var/nix/db/db.sqlite").execute("PRAGMA journal_mode = wal").connection.close()'
ls -A root/nix/var/nix/db > before
exits 0 "${closure[@]}"
says "contents not read"
# Nothing is written beside the database, whose log SQLite would else give a shared memory.
ls -A root/nix/var/nix/db | cmp before - || fail "something was written beside the database"
exits 0 "${closure[@]}" --format json
holds 'not findings and report["statistics"]["store_paths"] == '"$(wc -l < "$world/closure.txt")"
# No file of the store is opened, nor a directory below it.
# A sanitizer cannot look for leaks in a traced process.
ASAN_OPTIONS=detect_leaks=0 strace -f -o calls -e trace=open,openat,openat2,getdents64 "$LRE_AUDIT" "${closure[@]}" > out
! grep -qE 'nix/store/[a-z0-9]{32}-' calls || fail "opened $(grep -E 'nix/store/[a-z0-9]{32}-' calls)"

# Other contents are the business of an audit that reads them.
chmod -R u+w "root$hello" && printf x >> "root$hello/bin/hello" && chmod -R u-w "root$hello"
exits 0 "${closure[@]}"
exits 1 store "$hello" --root root --format json
holds '[f["rule"] for f in errors] == ["LRE305"]'

# A path that is gone, of which the database knows who refers to it.
glibc=$(grep -- -glibc- "$world/closure.txt")
chmod -R u+w "root$glibc" && rm -rf "root$glibc"
exits 1 "${closure[@]}" --format json
holds '[(f["rule"], f.get("path") or f.get("referenced")) for f in errors] == [("LRE302", "'"$glibc"'")]'

# A path that was replaced by a link out of the store.
ln -s /etc "root$glibc"
exits 1 "${closure[@]}" --format json
holds '("LRE203", "/etc") in [(f["rule"], f.get("referenced")) for f in errors]'
rm "root$glibc"
# By one that leads nowhere.
ln -s /nix/store/00000000000000000000000000000000-gone "root$glibc"
exits 1 "${closure[@]}" --format json
holds '("LRE204", "/nix/store/00000000000000000000000000000000-gone") in [(f["rule"], f.get("referenced")) for f in errors]'
rm "root$glibc"

# In a store that is audited whole, what lies there besides.
mkdir "root$glibc"
touch root/nix/store/left-over
exits 1 store --root root --no-contents --format json
holds '"LRE307" in rules and "/nix/store/left-over" in [f.get("path") for f in errors]'

# What is no file is not waited for.
rm root/nix/var/nix/db/db.sqlite && mkfifo root/nix/var/nix/db/db.sqlite
exits 2 store --root root --no-contents
says "not a regular file" err
