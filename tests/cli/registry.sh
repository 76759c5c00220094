# Registries to test with. Sourced after common.sh.

# Nobody's credentials but the test's own.
export HOME=$work/home XDG_RUNTIME_DIR=$work/run
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
mkdir -p home run
servers=()
trap 'kill "${servers[@]}" 2> /dev/null || true; chmod -R u+w "$work" && rm -rf "$work"' EXIT

# An authority, and a certificate of it for 127.0.0.1. certs is a --cert-dir that believes it.
certificates() {
  mkdir -p certs
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=test authority" \
    -keyout authority.key -out certs/authority.crt 2> /dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=registry" -keyout registry.key -out registry.csr 2> /dev/null
  printf 'subjectAltName=IP:127.0.0.1\n' > san
  openssl x509 -req -days 2 -in registry.csr -CA certs/authority.crt -CAkey authority.key \
    -CAcreateserial -extfile san -out registry.crt 2> /dev/null
}
tls() { printf '{certificate: %s, key: %s}' "$work/registry.crt" "$work/registry.key"; }

# waits_for FILE PATTERN: prints what the group of the pattern (a whole line) matches, as soon as FILE has such.
waits_for() {
  local found
  for _ in $(seq 300); do
    found=$(sed -nE "s/$2/\\1/p" "$1" 2> /dev/null | head -1)
    [ -z "$found" ] || { echo "$found"; return; }
    sleep 0.1
  done
  fail "nothing like $2 in $1: $(tail -5 "$1")"
}

# start_registry NAME AUTH [TLS]: a docker-registry with its own storage; leaves HOST:PORT in $host.
start_registry() {
  local tls=${3:-}
  cat > "$1.yml" <<YML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/$1}}
http: {addr: "127.0.0.1:0", tls: ${tls:-null}}
auth: $2
YML
  docker-registry serve "$1.yml" > "$1.log" 2>&1 &
  servers+=($!)
  host=127.0.0.1:$(waits_for "$1.log" '.*listening on 127.0.0.1:([0-9]+).*')
}

# same_report REF OTHER EXIT ARGUMENT...: the reports of two images are the same but for their names.
same_report() {
  local reference=$1 other=$2 code=$3; shift 3
  exits "$code" image "$other" --format json "${compared[@]}"
  sed "s|$other|REF|g" out > expected.json
  exits "$code" image "$reference" --format json "${compared[@]}" "$@"
  sed "s|$reference|REF|g" out > actual.json
  cmp expected.json actual.json || fail "the report of $reference is not that of $other: $(diff expected.json actual.json | head -20)"
}
