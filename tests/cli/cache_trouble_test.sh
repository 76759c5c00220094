#!/bin/bash
# Without a place for it, on a full or read-only disk, there is no cache, and nothing else changes.
source "$(dirname "$0")/common.sh"
unset LRE_AUDIT_TESTS_CACHE XDG_CACHE_HOME
audit=(image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --format json)
exits 1 "${audit[@]}" --no-cache
mv out expected
mv err expected.err
# as_ever: the last audit said what it always says, and nothing more.
as_ever() { cmp out expected && cmp err expected.err || fail "$1"; }

( unset HOME; exits 1 "${audit[@]}"; as_ever "no home"; exits 0 cache; says "no facts are kept" )
( export HOME=$work/absent; exits 1 "${audit[@]}"; as_ever "a home that is not there" )
[ ! -e absent ] || fail "a home was made where there was none"
mkdir home
for place in /proc/lre-audit /dev/null /dev/null/cache /sys/lre-audit "$work/expected" ""; do
  export LRE_AUDIT_CACHE_DIR=$place HOME=$work/home
  exits 1 "${audit[@]}"
  as_ever "'$place'"
done
[ -d home/.cache/lre-audit ] || fail "an empty LRE_AUDIT_CACHE_DIR is not unset"
export XDG_CACHE_HOME=relative
rm -rf home/.cache
exits 1 "${audit[@]}"
[ -d home/.cache/lre-audit ] && [ ! -e relative ] || fail "a relative XDG_CACHE_HOME is not ignored"
unset XDG_CACHE_HOME

# A limit on file sizes is a full disk that every machine has. The report goes through a pipe.
export LRE_AUDIT_CACHE_DIR=$work/cache
status=0
(ulimit -f 1; exec "$LRE_AUDIT" "${audit[@]}" --verbose 2> >(cat > err)) | cat > out || status=$?
cmp out expected || fail "a full disk: another report"
says "cache: not kept: " err
[ -z "$(find cache -name '*.tmp')" ] || fail "temporary files stay behind"
exits 1 "${audit[@]}"
as_ever "after a full disk"

# A directory that cannot be written to is read. Even root cannot without its capability.
unprivileged=()
[ "$(id -u)" != 0 ] || unprivileged=(setpriv --bounding-set=-dac_override --inh-caps=-dac_override)
names=$(ls cache | wc -l)
layer=$(ls -S cache | head -1)
rm "cache/$layer"
chmod 500 cache
status=0
"${unprivileged[@]}" "$LRE_AUDIT" "${audit[@]}" > out 2> err || status=$?
[ $status = 1 ] || fail "a read-only directory: exit code $status"
as_ever "a read-only directory"
[ "$(ls cache | wc -l)" = $((names - 1)) ] || fail "it was not read-only"
chmod 700 cache

# Sizes: nothing is kept with 0, and a word that is none is refused.
rm -rf cache
LRE_AUDIT_CACHE_SIZE=0 exits 1 "${audit[@]}"
[ ! -e cache ] || fail "LRE_AUDIT_CACHE_SIZE=0 keeps facts"
LRE_AUDIT_CACHE_SIZE=plenty exits 2 "${audit[@]}"
says "error: LRE_AUDIT_CACHE_SIZE takes a size such as 500M or 2G, not 'plenty'" err
LRE_AUDIT_CACHE_SIZE=40k exits 1 "${audit[@]}"
as_ever "40k"
[ "$(cat cache/*.facts | wc -c)" -le 40960 ] || fail "more is kept than 40k"
CI=true exits 1 "${audit[@]}"
as_ever "CI"
