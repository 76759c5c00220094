#!/bin/bash
# `lre-audit explain` with the gRPC logs of real builds: misses, instances, and a cache that is down.
: "${LRE_AUDIT:?the lre-audit to test}" "${LRE_AUDIT_CALLS:?what tests/bazel/calls.sh wrote}"
export LRE_AUDIT_WORLD=$LRE_AUDIT_CALLS  # common.sh wants one
source "$(dirname "$0")/../cli/common.sh"
calls=$LRE_AUDIT_CALLS

# explains LOCAL REMOTE CODE [OPTION...]
explains() {
  exits "$3" explain "$calls/$1/log.json" "$calls/$2/log.binary" "${@:4}"
}

# --- Bazel 4 logs no keys, and here is no cache: what Bazel asked for says which are right
explains first second 0
says '0 of 12 pairs of keys are verified'
explains second second 1 --local-grpc-log "$calls/second/grpc.log"
# All but the one whose log Bazel 4 gets wrong and the one that it asked nobody for.
says '10 of 12 pairs of keys are verified'

# --- misses: told of the build that asked later
explains first second 1 --local-grpc-log "$calls/first/grpc.log" \
  --remote-grpc-log "$calls/second/grpc.log" --format json
holds "[f['rule'] for f in errors] == ['LRE701']"
holds "'NOT_FOUND in the remote build' in errors[0]['message']"
holds "'did not upload' in errors[0]['notes'][0]"
holds "errors[0]['key_cause']['proof'] == 'PROVEN' and errors[0]['key_cause']['actions'] == 10"
explains second first 1 --local-grpc-log "$calls/second/grpc.log" \
  --remote-grpc-log "$calls/first/grpc.log" --format json
holds "'NOT_FOUND in the local build' in errors[0]['message']"
# It can be of the first one alone.
explains first second 1 --local-grpc-log "$calls/first/grpc.log" --format json
holds "[f['rule'] for f in errors] == ['LRE701']"

# --- instances
explains first main 1 --local-grpc-log "$calls/first/grpc.log" \
  --remote-grpc-log "$calls/main/grpc.log" --format json
holds "[f['rule'] for f in errors] == ['LRE702']"
holds "errors[0]['key_cause']['local'] == '(no name)' and errors[0]['key_cause']['remote'] == 'main'"

# --- a cache that is down
explains down second 1 --local-grpc-log "$calls/down/grpc.log" --format json
holds "[f['rule'] for f in errors] == ['LRE704']"
holds "'UNAVAILABLE in the local build' in errors[0]['message']"
holds "errors[0]['key_cause']['actions'] == 10"

# --- logs that are cut, or none
head -c 1000 "$calls/first/grpc.log" > half
explains first second 3 --local-grpc-log half --format json
holds "sorted(f['rule'] for f in errors) == ['LRE701', 'LRE901']"
explains first second 2 --local-grpc-log "$calls/first/log.json"
says 'no gRPC log' err
explains first second 2 --local-grpc-log nowhere
