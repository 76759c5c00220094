#!/bin/bash
# A report does not depend on what earlier audits have kept: with an empty cache, a full one and
# none it is the same, byte for byte.
source "$(dirname "$0")/common.sh"
unset LRE_AUDIT_TESTS_CACHE
export XDG_CACHE_HOME=$work/own

# report NAME ARGUMENT...: standard output without the time taken, and the exit code, in NAME.
report() {
  local name=$1 status=0; shift
  "$LRE_AUDIT" "$@" > raw 2> err || status=$?
  sed -E 's/, [0-9.]+ (ms|s)$//' raw > "$name"
  echo "exit code $status" >> "$name"
}
# same_report ARGUMENT...: none, cold and warm.
same_report() {
  rm -rf own
  report none "$@" --no-cache
  [ ! -e own ] || fail "--no-cache keeps facts: $*"
  report cold "$@"
  local jobs
  for jobs in 1 2 7; do
    report "warm.$jobs" "$@" --jobs $jobs
    cmp none "warm.$jobs" || fail "warm, --jobs $jobs: $*"
  done
  cmp none cold || fail "cold: $*"
}
kept() { find own -name '*.facts' | wc -l; }

for tag in clean leaky diff-id-mismatch store-path-altered nar-hash-mismatch trailing-data; do
  same_report image "oci:$world/oci:$tag" --closure "$world/closures/leaky.json" --format json -v
  [ $tag = trailing-data ] || [ "$(kept)" -gt 0 ] || fail "nothing kept of $tag"
done
same_report image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" -v
same_report image "oci:$world/oci-zstd:clean" --closure "$world/closure.json" --format json
same_report image "oci-archive:$world/oci-archive.tar" --format json
same_report image "docker-archive:$world/docker-archive.tar" --format json
[ "$(kept)" -gt 0 ] || fail "nothing kept of a docker-archive"
same_report why "oci:$world/oci:clean" "$(head -1 "$world/closure.txt")" --format json
same_report diff "oci:$world/oci:clean" "oci:$world/oci:content-differs" --format json
same_report check "$world/repository" --format json

# Other options are other questions: each gets its own answer whatever was kept for the others.
rm -rf own
for closure in closure.json closure.txt; do
  for command in image why; do
    options=(image "oci:$world/oci:leaky" --closure "$world/$closure" --format json)
    [ $command = image ] || options=(why "oci:$world/oci:leaky" "$(tail -1 "$world/closure.txt")")
    report mixed "${options[@]}"
    report none "${options[@]}" --no-cache
    cmp none mixed || fail "${options[*]}"
  done
done

# Every image of the world, in one cache, twice.
rm -rf own
mapfile -t tags < <(python3 -c '
import json, sys
for manifest in json.load(open(sys.argv[1]))["manifests"]:
    print(manifest["annotations"]["org.opencontainers.image.ref.name"])' "$world/oci/index.json")
for tag in "${tags[@]}"; do
  report none image "oci:$world/oci:$tag" --closure "$world/closures/leaky.json" --format json --no-cache
  for round in 1 2; do
    report "round.$round" image "oci:$world/oci:$tag" --closure "$world/closures/leaky.json" --format json
    cmp none "round.$round" || fail "round $round of $tag"
  done
done
[ -z "$(find own -name '*.tmp')" ] || fail "temporary files stay behind"

# The same tag, another image: it is audited, not the one from before.
rm -rf own layout
skopeo copy -q "oci:$world/oci:clean" oci:layout:t
report first image oci:layout:t --format json
rm -rf layout
skopeo copy -q "oci:$world/oci:leaky" oci:layout:t
report second image oci:layout:t --format json
report none image oci:layout:t --format json --no-cache
cmp none second || fail "the image from before was audited"
! cmp -s first second || fail "clean and leaky say the same"

# A blob that was altered since it was audited is told, and what is in it now is what is judged.
for tag in clean leaky; do
  rm -rf own layout
  skopeo copy -q "oci:$world/oci:$tag" oci:layout:t
  report before image oci:layout:t --format json
  blob=$(find layout/blobs -type f -size +100k | head -1)
  chmod u+w "$blob"
  for change in 'open(p, "ab").write(b"x")' 'f = open(p, "r+b"); f.seek(70000); f.write(b"altered")' \
      'f = open(p, "r+b"); f.truncate(70000)'; do
    cp "$blob" saved
    python3 -c "p = '$blob'; $change"
    report none image oci:layout:t --format json --no-cache
    report warm image oci:layout:t --format json
    cmp none warm || fail "altered: $change"
    grep -qF LRE401 warm || fail "no LRE401 after $change"
    cp saved "$blob"
    report after image oci:layout:t --format json
    cmp before after || fail "restored after $change"
  done
done
