#!/bin/bash
# --fail-on moves the line between exit codes 0 and 1. Debian's own ld.so is a warning.
source "$(dirname "$0")/common.sh"
clean=(image "oci:$world/oci:clean" --closure "$world/closure.json" --format json)
exits 0 "${clean[@]}"
holds '"LRE120" in rules'
exits 1 "${clean[@]}" --fail-on warning
exits 1 "${clean[@]}" --fail-on note
exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --fail-on error
