#!/bin/bash
# Builds of one workspace that asked a remote cache, and what it said to them:
#
#   calls.sh DIR     DIR/first, DIR/second: found nothing; DIR/main: in the instance "main";
#                    DIR/down: the cache was UNAVAILABLE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

# Made once for each state of the scripts.
stamp=$(cat "$here/build.sh" "$here/calls.sh" "$here/remote_cache.py" | sha256sum)
[[ $(cat "$out/stamp" 2> /dev/null) != "$stamp" ]] || exit 0
rm -f "$out/stamp" "$out"/port.*

trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
for status in NOT_FOUND UNAVAILABLE; do
  "$here/remote_cache.py" "$out/port.$status" "$status" &
  for _ in {1..100}; do
    [[ ! -e $out/port.$status ]] || break
    sleep 0.1
  done
  [[ -e $out/port.$status ]] || { echo "tests/bazel/calls.sh: remote_cache.py does not start" >&2; exit 1; }
done
plant() { "$here/build.sh" "$out/$1" --remote="grpc://127.0.0.1:$(cat "$out/port.$2")" "${@:3}"; }
plant first NOT_FOUND
plant second NOT_FOUND
plant main NOT_FOUND --instance=main
plant down UNAVAILABLE
echo "$stamp" > "$out/stamp"
