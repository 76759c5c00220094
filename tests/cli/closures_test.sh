#!/bin/bash
# Every form in which Nix writes a closure says the same of the same image.
source "$(dirname "$0")/common.sh"
for closure in closure.json closure.txt closure.registration; do
  exits 0 image "oci:$world/oci:clean" --closure "$world/$closure" --format json
  holds 'not errors'
  exits 1 image "oci:$world/oci:path-not-in-closure" --closure "$world/$closure" --format json
  holds '[f["rule"] for f in errors] == ["LRE301"]'
done
# The store's own database knows more than the image holds: only what the image's paths need counts.
exits 0 image "oci:$world/oci:clean" --closure "store:$world/root" --format json
holds 'not errors'
