#!/bin/bash
# The report does not depend on the number of threads: of many layers, of one that all threads work
# on, of one that is damaged, of a store.
source "$(dirname "$0")/common.sh"

# same EXPECTED_EXIT ARGUMENT...: one report, however many threads.
same() {
  local expected=$1 jobs; shift
  for jobs in 1 2 3 8; do
    exits "$expected" "$@" --format json --jobs $jobs
    mv out report.$jobs
    cmp report.1 report.$jobs
  done
}

same 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json"

umoci init --layout single && umoci new --image single:one
tar --sort=name -C "$world/rootfs" -cf layer.tar .
umoci raw add-layer --image single:one layer.tar 2> /dev/null
same 0 image oci:single:one --closure "$world/closure.json"

blob=$(find single/blobs -type f -size +1M)
truncate -s -100000 "$blob"
same 3 image oci:single:one --closure "$world/closure.json"

same 0 store $(cat "$world/roots.txt") --root "$world/root"
