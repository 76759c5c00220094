#!/bin/bash
# Two builds that fill remote caches, and disk caches beside them:
#
#   remote_builds.sh DIR    DIR/one    filled DIR/grpc, instance "main" (grpc_cache.py)
#                           DIR/two    has another PATH and filled DIR/http (http_cache.py)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

stamp=$(cat "$here"/{build.sh,remote_builds.sh,grpc_cache.py,http_cache.py} | sha256sum)
[[ $(cat "$out/stamp" 2> /dev/null) != "$stamp" ]] || exit 0
rm -rf "$out"/{stamp,grpc,http,*.port}

servers=()
trap 'kill "${servers[@]}"' EXIT
"$here/grpc_cache.py" "$out/grpc" "$out/grpc.port" --instance main & servers+=($!)
"$here/http_cache.py" "$out/http" "$out/http.port" & servers+=($!)
until [[ -f $out/grpc.port && -f $out/http.port ]]; do
  for server in "${servers[@]}"; do kill -0 "$server"; done  # or it never ends
  sleep 0.1
done
"$here/build.sh" "$out/one" --upload="grpc://127.0.0.1:$(cat "$out/grpc.port")" --instance=main
"$here/build.sh" "$out/two" --path=/usr/local/bin:/home/jane/bin:/usr/bin:/bin \
  --upload="http://127.0.0.1:$(cat "$out/http.port")"
echo "$stamp" > "$out/stamp"
