#!/bin/bash
# Without a closure, one is derived from the image or the local store, and the report says so.
source "$(dirname "$0")/common.sh"
exits 0 image "oci:$world/oci:clean" --format json
holds 'not errors and report["subjects"][0]["closure"]'
