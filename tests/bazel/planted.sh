#!/bin/bash
# Builds of one workspace that differ in one planted thing each, for `lre-audit explain`:
#
#   planted.sh DIR     DIR/base, DIR/same, DIR/path, ...
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1/include"
out=$(cd "$1" && pwd)

# Made once for each state of the scripts.
stamp=$(cat "$here/build.sh" "$here/planted.sh" "$here/transcode.py" | sha256sum)
[[ $(cat "$out/stamp" 2> /dev/null) != "$stamp" ]] || exit 0
rm -f "$out/stamp"

plant() { "$here/build.sh" "$out/$1" "${@:2}"; }
plant base
plant same
plant path --path=/usr/local/bin:/home/jane/bin:/usr/bin:/bin
plant variable --action-env=DEPLOY_TOKEN=hunter2hunter2
plant image --image=docker://lre-cc:1a1s2d3f4g5h6j7k8l9zxcvbnm0qwp1r
plant tool --cc=/usr/bin/g++
plant includes --include="$out/include"
plant header --header=other
plant argument --copt=-DNEW=1
plant link --linkopt=-Wl,-O1
plant stamp-one --stamp=one
plant stamp-two --stamp=two
plant random-one --random
plant random-two --random
for build in base path; do
  "$here/transcode.py" "$out/$build/log.json" "$out/$build/compact.zst" 7.4
done
echo "$stamp" > "$out/stamp"
