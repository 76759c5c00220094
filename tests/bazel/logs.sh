#!/bin/bash
# What the tests of logs and keys read: the logs of real builds, and the same in encodings that
# Debian's Bazel does not write.
#
#   logs.sh DIR     DIR/local, with a disk cache; DIR/remote, with a gRPC log
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

# Made once for each state of the scripts.
stamp=$(cat "$here"/*.sh "$here"/*.py | sha256sum)
[[ $(cat "$out/stamp" 2> /dev/null) != "$stamp" ]] || exit 0
rm -rf "$out/stamp" "$out/port"

"$here/build.sh" "$out/local"
for version in 7.1 7.4; do
  "$here/transcode.py" "$out/local/log.json" "$out/local/compact-$version.zst" "$version"
done

"$here/remote_cache.py" "$out/port" &
server=$!
trap 'kill "$server" 2> /dev/null || true' EXIT
for _ in {1..100}; do
  [[ ! -e $out/port ]] || break
  sleep 0.1
done
[[ -e $out/port ]] || { echo "tests/bazel/logs.sh: remote_cache.py does not start" >&2; exit 1; }
"$here/build.sh" "$out/remote" --remote="grpc://127.0.0.1:$(cat "$out/port")"
echo "$stamp" > "$out/stamp"
