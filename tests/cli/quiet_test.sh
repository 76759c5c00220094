#!/bin/bash
# Away from a terminal nothing but messages goes to standard error, and --quiet leaves the verdict.
source "$(dirname "$0")/common.sh"
exits 0 image "oci:$world/oci:clean" --closure "$world/closure.json"
[ ! -s err ] || fail "standard error is not empty"
lines=$(wc -l < out)
exits 0 image "oci:$world/oci:clean" --closure "$world/closure.json" --quiet
[ "$(wc -l < out)" -lt "$lines" ] || fail "--quiet says no less"
exits 0 image "oci:$world/oci:clean" --closure "$world/closure.json" --verbose
[ "$(wc -l < out)" -ge "$lines" ] || fail "--verbose says no more"
