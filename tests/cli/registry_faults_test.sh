#!/bin/bash
# Registries that break off, lie, lead away and never end: what can be read is read, the rest is said
# on one line and makes the audit incomplete. Stalls, which take a minute, are http_test's.
source "$(dirname "$0")/common.sh"
source "$here/registry.sh"
compared=(--closure "$world/closure.json")
python3 "$here/faulty_registry.py" "$world/oci" "$work/requests" > port &
servers+=($!)
host=127.0.0.1:$(waits_for port '^([0-9]+)$')
: > requests

# What is overcome: the report is that of the image.
for fault in none short-once short-once-without-range busy-once redirects; do
  same_report "docker://$host/$fault:leaky" "oci:$world/oci:leaky" 1
done
grep -q "^registry /v2/short-once/blobs/" requests || fail "no blob was asked for"

# Credentials go to the registry, and not to where it redirects.
printf '{"auths": {"%s": {"auth": "%s"}}}' "$host" "$(printf me:secret | base64)" > auth.json
: > requests
same_report "docker://$host/asks-who:leaky" "oci:$world/oci:leaky" 1 --authfile auth.json
grep -q "^registry /v2/asks-who/blobs/.* Basic " requests || fail "the registry was told nothing"
grep -q "^other .* nobody$" requests || fail "nothing was redirected"
! grep -q "^other .* Basic" requests || fail "the other server was told who asks"

# What is not: exit 3, one finding that says why, which is no secret.
incomplete() {
  local fault=$1 words=$2; shift 2
  exits 3 image "docker://$host/$fault:leaky" "${compared[@]}" --format json "$@"
  holds 'report["verdict"] == "INCOMPLETE"'
  says "$words"
  says_not secret
  says_not signature
}
incomplete page "a page of HTML"
incomplete no-json "JSON"
incomplete another-type "Content-Type"
incomplete schema1 "schema 1"
incomplete busy-for-a-day "asks to wait 24h"
incomplete redirects-forever "more than 10 redirects"
incomplete token-of-garbage "no JSON object" --authfile auth.json
incomplete too-long "answers with"
incomplete endless "sends more than the"
incomplete endless-headers "headers of more than"
incomplete oops "given up after 6 attempts"

# Nothing is known of an image of which nothing could be read: not that it lacks the closure's paths.
holds '"LRE302" not in rules and len(errors) == 1'

# Contents that are not what they should be are findings.
exits 1 image "docker://$host/another-digest:leaky" "${compared[@]}" --format json
holds '"LRE401" in rules and "LRE201" in rules'
for fault in another-blob too-short; do
  exits 3 image "docker://$host/$fault:leaky" "${compared[@]}" --format json
  holds '"LRE401" in rules'
done

# Nobody there: the image could not be read.
exits 3 image docker://127.0.0.1:1/x "${compared[@]}"
says "check the name, the port and the network"
