#!/bin/bash
# `lre-audit explain` with remote caches that a real Bazel has filled says what it says with the disk
# caches of the same builds; with those that fail it goes on from the logs, and says what it lacks.
: "${LRE_AUDIT:?the lre-audit to test}" "${LRE_AUDIT_REMOTE:?what tests/bazel/remote_builds.sh wrote}"
export LRE_AUDIT_WORLD=$LRE_AUDIT_REMOTE  # common.sh wants one
source "$(dirname "$0")/../cli/common.sh"
built=$LRE_AUDIT_REMOTE
one=$built/one/log.json two=$built/two/log.json

servers=()
trap 'kill "${servers[@]}" 2> /dev/null; wait; chmod -R u+w "$work" && rm -rf "$work"' EXIT
# serves NAME PROGRAM DIR [OPTION...]: afterwards port=...
serves() {
  "$here/$2" "$3" "$1.port" "${@:4}" > "$1.log" 2>&1 & servers+=($!)
  until [ -f "$1.port" ]; do
    kill -0 "${servers[-1]}" 2> /dev/null || { cat "$1.log" >&2; fail "$2 does not run"; }
    sleep 0.1
  done
  port=$(cat "$1.port")
}
cp -r "$built/grpc" grpc
cp -r "$built/http" http
serves grpc grpc_cache.py grpc --instance main --log asked
grpc=grpc://127.0.0.1:$port/main
serves http http_cache.py http
http=http://127.0.0.1:$port

# --- the same report as by the disk caches of the builds
# same CODE OPTION...: both logs, with the options instead of the disk caches
same() {
  local format
  for format in text json; do
    exits "$1" explain "$one" "$two" --cache "$built/one/cache" --cache "$built/two/cache" --format $format
    mv out expected
    exits "$1" explain "$one" "$two" "${@:2}" --format $format
    sed -i '/"caches": \[/,/\]/d' expected out  # by their names
    cmp -s expected out || { diff expected out >&2 || true; fail "another report with ${*:2}"; }
  done
}
same 1 --cache "$grpc" --cache "$http"
says PROVEN
same 1 --cache "$http/" --cache "$grpc/"
same 1 --cache "$grpc" --cache "$built/two/cache"
# In turn: what the first cache has, the second is not asked for, and nothing is asked twice.
[ "$(sort asked | uniq -c | awk '/GetCapabilities/ {print $1}')" = 6 ] || fail "greeted once by each run"

# One build with itself: all keys are there.
exits 0 explain "$one" "$one" --cache "$grpc"
exits 0 explain "$two" "$two" --cache "$http"
entry=$(find http/ac -type f | head -1)
mv "$entry" lost
exits 1 explain "$two" "$two" --cache "$http" --format json
holds '[f["rule"] for f in errors] == ["LRE701"]'
mv lost "$entry"

# A result of which the server has lost a blob is no use.
hash=$(grep -A3 '"path": "bazel-out/k8-fastbuild/bin/lib/liblib.so"' "$one" | grep -oE '[0-9a-f]{64}' | head -1)
blob=grpc/cas/cas/objects/${hash::2}/${hash:2}
mv "$blob" lost
exits 1 explain "$one" "$one" --cache "$grpc" --format json
holds '[f["rule"] for f in errors] == ["LRE701"] and "not all of its blobs" in errors[0]["message"]'
exits 0 explain "$one" "$one" --cache "$grpc" --cache "$built/one/cache"  # another cache has it
mv lost "$blob"
grep -q ContentAddressableStorage/FindMissingBlobs asked || fail "no blob was asked for"

# Blobs are read from them, and one that is another than its name says is told.
grep -q google.bytestream.ByteStream/Read asked || fail "no blob was read"
cp -r http lies
for blob in lies/cas/*; do printf x | dd of="$blob" conv=notrunc status=none; done
serves lies http_cache.py lies
exits 3 explain "$one" "$two" --cache "http://127.0.0.1:$port" --cache "$grpc" --format json
says 'has other contents'
holds '[f["path"] for f in errors if f["rule"] == "LRE901"] == ["http://127.0.0.1:'"$port"'"]'

# --- two instances of one server
mkdir other
serves instances grpc_cache.py grpc --instance main --other other other
main=grpc://127.0.0.1:$port/main other=grpc://127.0.0.1:$port/other
# One that is empty: the same keys are warned of, others are nobody's fault.
exits 0 explain "$one" "$one" --cache "$main" --cache "$other" --format json
holds '[(f["rule"], f["severity"], f["referenced"]) for f in findings if f["rule"] == "LRE702"] == [("LRE702", "WARNING", "'"$other"'")]'
exits 1 explain "$one" "$two" --cache "$main" --cache "$other" --cache "$http" --format json
holds '[f["rule"] for f in errors] == ["LRE706"]'
# Each build in its own.
cp http/ac/* other
exits 1 explain "$one" "$two" --cache "$main" --cache "$other" --format json
holds 'sorted(f["rule"] for f in errors) == ["LRE702", "LRE706"]'
says 'the builds use different instances of the cache'
# Both in both.
cp grpc/ac/* other
cp http/ac/* grpc/ac
exits 1 explain "$one" "$two" --cache "$main" --cache "$other" --format json
holds '[f["rule"] for f in errors] == ["LRE706"]'
rm -r grpc
cp -r "$built/grpc" grpc

# --- TLS, with an authority of our own; who must say who they are
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2> openssl.log
# certifies NAME [EXTENSION]
certifies() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>> openssl.log
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 2 \
    -extfile <(echo "${2:-}") 2>> openssl.log
}
certifies server subjectAltName=DNS:localhost
certifies client
mkdir authority both
cp ca.crt authority
cp ca.crt both
cp client.crt both/client.cert
cp client.key both/client.key
serves tls grpc_cache.py grpc --instance main --tls server.crt server.key --log asked-tls
tls=grpcs://localhost:$port/main
same 1 --cache "$tls" --cache "$http" --cert-dir authority
same 1 --cache "$tls" --cache "$http" --tls-verify=false
serves mutual grpc_cache.py grpc --instance main --tls server.crt server.key --client-ca ca.crt \
  --header authorization='Bearer hunter2'
mutual=grpcs://localhost:$port/main
same 1 --cache "$mutual" --cache "$http" --cert-dir both --cache-header authorization='Bearer hunter2'
serves basic http_cache.py http --user me:hunter2
basic=127.0.0.1:$port
same 1 --cache "$grpc" --cache "http://me:hunter2@$basic/"
same 1 --cache "$grpc" --cache "http://$basic" --cache-header "Authorization=Basic $(printf me:hunter2 | base64)"

# --- caches that cannot be asked: the cause all the same, unproven, and one finding for each
# lacks WORDS OPTION...
timeout=2  # with which the pauses between attempts grow
lacks() {
  exits 3 explain "$one" "$two" --cache-timeout $timeout "${@:2}" --format json
  holds 'sorted(f["rule"] for f in errors) == ["LRE706", "LRE901"] and report["verdict"] == "INCOMPLETE"'
  holds '[f["key_cause"]["proof"] for f in errors if "key_cause" in f] == ["UNVERIFIED"]'
  says "$1"
  says_not hunter2
  # Nothing is said to be absent from what did not answer.
  exits 3 explain "$one" "$one" --cache-timeout $timeout "${@:2}" --format json
  holds '[f["rule"] for f in errors] == ["LRE901"]'
}
lacks 'Failed to connect' --cache grpc://127.0.0.1:1
lacks 'Failed to connect' --cache http://127.0.0.1:1
lacks 'resolve' --cache grpc://no.such.host.invalid:1
lacks 'SSL certificate problem' --cache "$tls"
lacks 'given up' --cache "$mutual" --cert-dir authority
lacks 'UNAUTHENTICATED: who are you?' --cache "$mutual" --cert-dir both
lacks 'UNAUTHENTICATED' --cache "$mutual" --cert-dir both --cache-header authorization='Bearer hunter22'
says '--cache-header'
lacks 'answers 401' --cache "http://me:hunter22@$basic"
lacks 'HTTP/2' --cache "grpc://${http#http://}"
lacks 'SSL' --cache "grpcs://${http#http://}"
lacks 'HTTP/0.9' --cache "http://${grpc#grpc://}"
serves cas grpc_cache.py grpc --no-action-cache
lacks 'UNIMPLEMENTED' --cache "grpc://127.0.0.1:$port"
says 'name a cache that has an ActionCache'
serves slow grpc_cache.py grpc --instance main --slow 5
# Whose clock is the faster: the server is told of the limit, too.
exits 3 explain "$one" "$two" --cache "grpc://127.0.0.1:$port/main" --cache-timeout 0.5
grep -qE 'DEADLINE_EXCEEDED|no end after 500ms' out || fail "slowness has another name"
says '--cache-timeout'
python3 -c 'import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
held = []
while True: held.append(listener.accept())' > silent.port & servers+=($!)
until [ -s silent.port ]; do sleep 0.1; done
timeout=0.2
lacks 'no end after 200ms' --cache "grpc://127.0.0.1:$(cat silent.port)"
lacks 'no end after 200ms' --cache "http://127.0.0.1:$(cat silent.port)"
# The other cache answers for itself.
exits 3 explain "$one" "$one" --cache grpc://127.0.0.1:1 --cache "$grpc" --format json
holds '[f["rule"] for f in errors] == ["LRE901"]'

# --- a cache of another digest function has no entries, and says so
serves function grpc_cache.py grpc --function 9
exits 1 explain "$one" "$one" --cache "grpc://127.0.0.1:$port" --format json
holds '[f["rule"] for f in errors] == ["LRE703"] and "BLAKE3" in errors[0]["help"]'

# --- what is no reference, no header, no directory
exits 2 explain "$one" "$two" --cache ftp://host
says 'ftp://host' err
exits 2 explain "$one" "$two" --cache grpc://me:hunter2@host
says_not hunter2 err
exits 2 explain "$one" "$two" --cache "$grpc" --cache-header hunter2
says 'NAME=VALUE' err
says_not hunter2 err
exits 2 explain "$one" "$two" --cache "$grpc" --cache-timeout soon
exits 2 explain "$one" "$two" --cache "$grpc" --cert-dir nowhere
exits 2 explain "$one" "$two" --cache nowhere

# --- nobody else loads libcurl
# The leak checker and strace both trace.
ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=openat -o opened "$LRE_AUDIT" --version > /dev/null
! grep -q libcurl opened || fail "--version loads libcurl"
