#!/bin/bash
# --version and --help answer on standard output.
source "$(dirname "$0")/common.sh"
exits 0 --version
says 'lre-audit '
exits 0 --help
for command in check init image store toolchain diff why elf rule; do
  says "$command"
  "$LRE_AUDIT" $command --help | grep -q lre-audit || fail "$command --help"
done
