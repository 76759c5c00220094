#!/bin/bash
# Bad usage: exit 2, one helpful line on standard error, nothing on standard output.
source "$(dirname "$0")/common.sh"
refuses() {
  exits 2 "$@"
  [ ! -s out ] || fail "lre-audit $* wrote to standard output"
  [ "$(grep -c . err)" -ge 1 ] || fail "lre-audit $* says nothing"
  [ "$(wc -l < err)" -le 2 ] || fail "lre-audit $* says more than a line or two"
}
refuses image oci:/nonexistent
refuses image "$world/oci-missing"
refuses image "oci:$world/oci:no-such-tag"
refuses image "ocy:$world/oci"
says "oci:" err
refuses image "oci:$world/oci:clean" --closure /nonexistent
refuses image "oci:$world/oci:clean" --closure "$world/oci-archive.tar"
refuses image "oci:$world/oci:clean" --format yaml
refuses imag "oci:$world/oci:clean"
says image err
refuses rule LRE999
refuses toolchain
refuses toolchain /nonexistent
refuses toolchain "$world/repository/generated-cc" --image oci:/nonexistent
refuses check /nonexistent
refuses check "$world/repository" "$world/repository"
refuses init /nonexistent
refuses chek
says check err
refuses store /usr/bin/env
# What is read more than once is no pipe; a closure may be one.
refuses image "docker-archive:"<(cat "$world/docker-archive.tar")
says "save it to a file first" err
refuses store --from <(cat "$world/closure.json")
says "save it to a file first" err
# A variable that is not set is no option that was not given.
for option in --closure --policy --platform --fail-on --now --authfile --cert-dir --toolchain --output; do
  refuses image "oci:$world/oci:clean" $option ""
  says "$option needs a value" err
done
refuses store --root ""
refuses store --from ""
