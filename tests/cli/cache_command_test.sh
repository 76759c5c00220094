#!/bin/bash
# lre-audit cache: show, prune, verify.
source "$(dirname "$0")/common.sh"
unset LRE_AUDIT_TESTS_CACHE
export LRE_AUDIT_CACHE_DIR=$work/cache

exits 0 cache
says "$work/cache"
says "nothing is kept there"
exits 0 cache --format json
holds 'report == {"directory": "'"$work"'/cache", "entries": 0, "bytes": 0}'
exits 0 cache prune
exits 0 cache verify
[ ! -e cache ] || fail "looking at it makes it"

exits 0 image "oci:$world/oci:clean" --closure "$world/closure.json"
entries=$(ls cache | wc -l)
bytes=$(cat cache/* | wc -c)
exits 0 cache
says "  $entries entries, "
says " of at most 2.1 GB"
exits 0 cache show --format json
holds "report['entries'] == $entries and report['bytes'] == $bytes and report['stale'] == 0"
holds 'report["max_bytes"] == 2 << 30 and report["oldest"] <= report["newest"]'
exits 0 cache verify --format json
holds "report['entries'] == $entries and report['removed'] == 0 and report['bad'] == []"

# The least recently used goes first.
old=$(ls -S cache | sed -n 2p)
touch -d '2020-01-01T00:00:00Z' "cache/$old"
exits 0 cache --format json
holds 'report["oldest"] == "2020-01-01T00:00:00Z"'
exits 0 cache prune --max-size $((bytes - 1))
says "removed 1 entry"
[ ! -e "cache/$old" ] || fail "another one was removed"
# What an audit uses is used.
old=$(ls -S cache | head -1)
touch -d '2020-01-01T00:00:00Z' "cache/$old"
exits 0 image "oci:$world/oci:clean" --closure "$world/closure.json"
[ "$(stat -c %Y "cache/$old")" -gt 1600000000 ] || fail "use is not noted"

# Entries of other versions: a header that says so, made right again but for the version.
python3 - "cache/$old" <<'PYTHON'
import hashlib, sys
file = bytearray(open(sys.argv[1], "rb").read())
file[32:64] = bytes(32)
file[96:128] = hashlib.sha256(file[:96] + file[128:]).digest()
open(sys.argv[1], "wb").write(file)
PYTHON
exits 0 cache
says "1 entry of other versions of lre-audit"
exits 0 cache verify
exits 0 cache prune
says "removed 1 entry"
[ ! -e "cache/$old" ] || fail "it stays"

# Only what is ours is ours.
touch -d '2020-01-01' cache/README cache/x.tmp "cache/$old.1.0.tmp" "cache/${old%.facts}"
exits 0 cache prune
[ -e cache/README ] && [ -e cache/x.tmp ] && [ -e "cache/${old%.facts}" ] || fail "others' files are removed"
[ ! -e "cache/$old.1.0.tmp" ] || fail "what a killed writer left stays"
exits 0 cache prune --all --format json
holds "report['entries'] == 0 and report['bytes'] == 0"
[ "$(ls cache)" = "$(printf '%s\n' "${old%.facts}" README x.tmp | LC_ALL=C sort)" ] || fail "--all removes all"

exits 2 cache shwo
says "error: cache takes show, prune, verify, not 'shwo'; did you mean 'show'?" err
exits 2 cache verify --all
says "error: --all belongs to 'lre-audit cache prune'" err
exits 2 cache prune --all --max-size 1G
exits 2 cache prune --max-size 1X
says "error: --max-size takes a size such as 500M or 2G, not '1X'" err
exits 0 cache --help
says "LRE_AUDIT_CACHE_DIR"
