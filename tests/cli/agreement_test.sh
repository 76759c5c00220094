#!/bin/bash
# The world's repository agrees with its image and its store. In each of the others one thing does
# not: it is found, with both values and where both stand, and nothing else is reported.
# tests/world/repositories.sh says what was changed.
source "$(dirname "$0")/common.sh"
python3 "$here/agreement.py" "$LRE_AUDIT" "$world"

# What ./dev demo shows: several at once.
exits_in "$world/repositories/drifted" 1 check --format json
holds '{f["rule"] for f in errors} == {"LRE501", "LRE605", "LRE606", "LRE607"}'
