#!/bin/bash
# No invalid access or leak on a small leaky image, a truncated one, the loader's search, and a
# toolchain.
source "$(dirname "$0")/common.sh"
clean_under_valgrind() {
  local expected=$1 status=0; shift
  valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    --suppressions="$here/valgrind.supp" \
    "$LRE_AUDIT" "$@" > out 2> err || status=$?
  [ $status = "$expected" ] || fail "valgrind lre-audit $* exited with $status"
}
clean_under_valgrind 0 --version
clean_under_valgrind 1 image "oci:$world/oci:small" --closure "$world/closures/small.json" --jobs 2
mkdir -p cut && cp -r "$world/oci/." cut/
layer=cut/blobs/sha256/$(python3 "$here/../world/layout.py" cut small layer 0)
truncate -s $(($(stat -c %s "$layer") / 2)) "$layer"
clean_under_valgrind 3 image oci:cut:small --closure "$world/closures/small.json"
clean_under_valgrind 0 elf --root "$world/rootfs" "$(grep -- -hello- "$world/closure.txt")/bin/hello"
clean_under_valgrind 1 toolchain "$world/repositories/tool-outside-store/generated-cc" --closure "$world/closure.json"
