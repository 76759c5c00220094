#!/bin/bash
# Entries of the cache that were damaged, exchanged or planted are noticed: the report is the same,
# and they are gone. `cache verify` finds them as well.
source "$(dirname "$0")/common.sh"
unset LRE_AUDIT_TESTS_CACHE
export LRE_AUDIT_CACHE_DIR=$work/cache
audit=(image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --format json)

exits 1 "${audit[@]}" --no-cache
mv out expected
exits 1 "${audit[@]}"
cp -a cache good
[ "$(stat -c %a cache)" = 700 ] || fail "the cache is for everybody"
entries=$(find good -name '*.facts' | wc -l)
[ "$entries" -gt 0 ] || fail "nothing is kept"
exits 0 cache verify
says "verified $entries entries"

# damaged WHAT: the audit of what is in cache now says what it should, and repairs it; verify says
# what is wrong, and repairs it.
damaged() {
  cp -a cache damaged
  exits 1 "${audit[@]}" --verbose
  cmp out expected || fail "$1: another report"
  says "cache: dropped" err
  exits 0 cache verify
  says "verified $entries entries"
  rm -rf cache
  mv damaged cache
  exits 1 cache verify
  says "removed what is bad"
  exits 0 cache verify
  rm -rf cache
  cp -a good cache
}

name=$(cd good && ls -S | head -1)
size=$(stat -c %s "good/$name")
seed=${LRE_AUDIT_TESTS_SEED:-$RANDOM}
echo "seed $seed"
for offset in 0 8 12 16 24 32 64 96 128 $((size - 1)) \
    $(python3 -c "import random; r = random.Random($seed); print(*(r.randrange($size) for _ in range(10)))"); do
  python3 -c "f = open('cache/$name', 'r+b'); f.seek($offset); b = f.read(1)[0]; f.seek($offset); f.write(bytes([b ^ 1 << $offset % 8]))"
  damaged "a bit at $offset"
done
for length in 0 1 127 128 $((size / 2)) $((size - 1)) $((size + 1)); do
  truncate -s "$length" "cache/$name"
  damaged "$length bytes"
done
head -c 5000 /dev/urandom > "cache/$name"
damaged garbage
# Another layer's facts under this one's name.
other=$(cd good && ls -S | sed -n 2p)
cp "cache/$other" "cache/$name"
damaged "another's"
# Another format.
printf '\x02' | dd of="cache/$name" bs=1 seek=8 conv=notrunc status=none
damaged "format 2"

# What others can write to is as good as not there. A link is not followed, nor a fifo waited for.
chmod 666 "cache/$name"
damaged "mode 0666"
mv "cache/$name" "$work/elsewhere"
ln -s "$work/elsewhere" "cache/$name"
exits 1 "${audit[@]}"
cmp out expected || fail "a link: another report"
rm "cache/$name"
mkfifo "cache/$name"
exits 1 "${audit[@]}"
cmp out expected || fail "a fifo: another report"
rm -f "cache/$name"
for mode in 777 770 702; do
  chmod $mode cache
  exits 1 "${audit[@]}" --verbose
  cmp out expected || fail "mode $mode: another report"
  says "no facts are kept: $work/cache: others can write to it" err
  exits 2 cache
  says "others can write to it" err
done
