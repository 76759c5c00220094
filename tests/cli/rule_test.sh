#!/bin/bash
# Every rule that an audit can report has its page, under its code and its name.
source "$(dirname "$0")/common.sh"
{
  cut -f 3 "$world/expected.tsv"
  cut -f 2 "$world/repositories/expected.tsv" | grep LRE
} | sort -u > codes
[ "$(wc -l < codes)" -ge 60 ] || fail "only $(wc -l < codes) rules are planted"
while read -r code; do
  exits 0 rule "$code"
  says "$code"
done < codes
exits 0 rule interpreter-outside-store
says LRE101
exits 0 rule
while read -r code; do says "$code"; done < codes
