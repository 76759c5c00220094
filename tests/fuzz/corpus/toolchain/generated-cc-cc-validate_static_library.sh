#!/nix/store/275gwi3f6yafw48vfwfdjwxdr4qj5pcs-bash-5.2.15/bin/bash
# Fails if two objects of a static library define the same symbol:
#   validate_static_library.sh LIBRARY STAMP
set -euo pipefail

duplicates=$(
  "/nix/store/jsgdwqv150g5wa01pq356ipm6p0l1601-binutils-2.40/bin/nm" -A -g -P "$1" |
    sed -E -e 's/.*\[([^][]+)\]: (.+) ([A-TX-Z]) [a-f0-9]+ [a-f0-9]+/\1: \3 \2/g' -e t -e d |
    LC_ALL=C sort -k 3 |
    LC_ALL=C uniq -D -f 2 |
    "/nix/store/jsgdwqv150g5wa01pq356ipm6p0l1601-binutils-2.40/bin/c++filt"
)
if [[ -n $duplicates ]]; then
  printf 'Duplicate symbols in %s:\n%s\n' "$1" "$duplicates" >&2
  exit 1
fi
touch "$2"
