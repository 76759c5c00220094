#!/bin/bash
# What ./dev demo shows: several leaks in one image, each named.
source "$(dirname "$0")/common.sh"
exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --format json
holds '{f["rule"] for f in errors} == {"LRE101", "LRE103", "LRE201", "LRE302", "LRE406"}'
exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --color never
says 'error[LRE101]: '
says '/lib64/ld-linux-x86-64.so.2'
says '#!/usr/bin/python3'
says_not $'\033'
