#!/bin/bash
# An image in a registry is the same image: over plain HTTP on loopback, over TLS, with a password and
# with tokens. What the user mistyped is an error on one line.
source "$(dirname "$0")/common.sh"
source "$here/registry.sh"
certificates
compared=(--closure "$world/closure.json")

# Plain HTTP, which nobody has to allow on loopback.
start_registry plain '{}'
push() { skopeo copy -q --dest-tls-verify=false "$@"; }
push "oci:$world/oci:clean" "docker://$host/a/clean:t"
push "oci:$world/oci:leaky" "docker://$host/a/leaky"
same_report "docker://$host/a/clean:t" "oci:$world/oci:clean" 0
same_report "docker://$host/a/leaky" "oci:$world/oci:leaky" 1
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$host/a/clean:t")
same_report "docker://$host/a/clean@$digest" "oci:$world/oci:clean" 0
same_report "docker://$host/a/clean:ignored@$digest" "oci:$world/oci:clean" 0
exits 0 diff "docker://$host/a/clean:t" "oci:$world/oci:clean"
exits 0 why "docker://$host/a/clean:t" "$(grep -m1 -- -glibc- "$world/closure.txt" || head -1 "$world/closure.txt")"
exits 0 image "docker://$host/a/clean:t" --jobs 1 "${compared[@]}"

# An index: nested, with an image for each of two platforms, of which the configuration of both is.
cp -r "$world/oci" multi
python3 "$here/registry_index.py" multi clean linux/amd64/v2 leaky linux/amd64/v3
push --all oci:multi:index "docker://$host/a/multi:t"
same_report "docker://$host/a/multi:t" "oci:$world/oci:clean" 0 --platform linux/amd64/v2
same_report "docker://$host/a/multi:t" "oci:$world/oci:leaky" 1 --platform linux/amd64/v3
exits 2 image "docker://$host/a/multi:t" --platform linux/s390x
says "platforms: linux/amd64/v2, linux/amd64/v3" err
push --all --format v2s2 oci:multi:index "docker://$host/a/list:t"
exits 0 image "docker://$host/a/list:t" --platform linux/amd64/v2 "${compared[@]}"

refuses() {
  local words=$1; shift
  exits 2 image "$@"
  says "$words" err
  [ ! -s out ] || fail "lre-audit image $* wrote to standard output"
  [ "$(wc -l < err)" = 1 ] || fail "lre-audit image $* says more than a line"
}
refuses "$host/a/clean has no tag none" "docker://$host/a/clean:none"
refuses "$host/none has no tag t" "docker://$host/none:t"
refuses "has no manifest sha256:0000" "docker://$host/a/clean@sha256:$(printf '0%.0s' {1..64})"
refuses "skopeo login" "docker://me:secret@$host/a/clean"
says_not secret err
refuses "lower case" "docker://$host/A/clean"
refuses "docker://HOST" "docker:$host/a/clean"
refuses "NAME" docker://
refuses "No such file" "docker://$host/a/clean:t" --authfile none
refuses "none" "docker://$host/a/clean:t" --cert-dir none
refuses "true, false" "docker://$host/a/clean:t" --tls-verify=maybe

# TLS, and a password.
htpasswd -Bbn me word > htpasswd
start_registry basic "{htpasswd: {realm: x, path: $work/htpasswd}}" "$(tls)"
push --dest-cert-dir certs --dest-creds me:word "oci:$world/oci:clean" "docker://$host/clean:t"
cat > auth.json <<JSON
{"auths": {"$host": {"auth": "$(printf me:word | base64)"}}}
JSON
same_report "docker://$host/clean:t" "oci:$world/oci:clean" 0 --cert-dir certs --authfile auth.json
same_report "docker://$host/clean:t" "oci:$world/oci:clean" 0 --tls-verify=false --authfile auth.json
REGISTRY_AUTH_FILE=auth.json exits 0 image "docker://$host/clean:t" --cert-dir certs "${compared[@]}"
skopeo login -u me -p word --cert-dir certs "$host" > /dev/null
mkdir -p "home/.config/containers/certs.d/$host"
cp certs/authority.crt "home/.config/containers/certs.d/$host/"
exits 0 image "docker://$host/clean:t" "${compared[@]}"
skopeo logout "$host" > /dev/null
refuses "skopeo login" "docker://$host/clean:t"
printf '{"auths": {"%s": {"auth": "%s"}}}' "$host" "$(printf me:secret | base64)" > wrong.json
refuses "credentials from wrong.json are refused" "docker://$host/clean:t" --authfile wrong.json
says_not secret err
rm -r "home/.config/containers/certs.d/$host"
# The server is there, but nobody vouches for it: the image could not be read.
exits 3 image "docker://$host/clean:t" --authfile auth.json
says "--cert-dir"

# Tokens, from a server of their own.
python3 "$here/token_server.py" registry.crt registry.key me word tokens.log > token_port &
servers+=($!)
realm="https://127.0.0.1:$(waits_for token_port '^([0-9]+)$')/token"
start_registry token "{token: {realm: '$realm', service: the-registry, issuer: test, rootcertbundle: $work/certs/authority.crt}}" "$(tls)"
push --dest-cert-dir certs --dest-creds me:word "oci:$world/oci:leaky" "docker://$host/b/leaky:t"
cat > auth.json <<JSON
{"auths": {"$host/b": {"auth": "$(printf me:word | base64)"}, "$host": {"auth": "$(printf me:other | base64)"}}}
JSON
: > tokens.log
same_report "docker://$host/b/leaky:t" "oci:$world/oci:leaky" 1 --cert-dir certs --authfile auth.json
[ "$(cat tokens.log)" = '{"service": ["the-registry"], "scope": ["repository:b/leaky:pull"], "account": ["me"]}' ] ||
  fail "not one token was asked for: $(cat tokens.log)"
refuses "skopeo login" "docker://$host/b/leaky:t" --cert-dir certs
refuses "credentials from auth.json are refused" "docker://$host/leaky:t" --cert-dir certs --authfile auth.json
