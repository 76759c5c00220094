#!/bin/bash
# Each leaky image of the world: the planted leak is found, by rule, path and what it leads to, and
# no other error is reported. tests/world/leaks.sh says what was planted.
source "$(dirname "$0")/common.sh"
python3 "$here/leaks.py" "$LRE_AUDIT" "$world"
