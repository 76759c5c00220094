#!/bin/bash
# What cannot be read makes the audit incomplete, exit 3; the rest of it is done all the same.
source "$(dirname "$0")/common.sh"
cp -r "$world/oci" oci
layer=oci/blobs/sha256/$(python3 "$here/../world/layout.py" oci leaky layer 0)
truncate -s $(($(stat -c %s "$layer") / 2)) "$layer"
exits 3 image oci:oci:leaky --closure "$world/closures/leaky.json" --format json
holds 'report["verdict"] == "INCOMPLETE" and "LRE901" in rules'
holds '"LRE201" in rules and "LRE406" in rules'

rm "$layer"
exits 3 image oci:oci:leaky --closure "$world/closures/leaky.json" --format json
holds '"LRE901" in rules and "LRE201" in rules'
# What the layer may have held is not told as missing.
holds '"LRE302" not in rules and "LRE303" not in rules'
holds 'any("may lie in what was not read" in note for f in findings for note in f.get("notes", []))'
