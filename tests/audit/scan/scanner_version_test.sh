#!/bin/bash
# The scanner's version: the same wherever the sources lie, another one after any change of them.
set -euo pipefail
script=$(cd "$(dirname "$0")/../../.." && pwd)/cmake/scanner_version.cmake
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p one/a two/a
echo x > one/a/x.cc
echo y > one/a/y.cc
cp one/a/* two/a/
version() {
  cmake -DROOT="$work/$1" "-DFILES=$2" "-DLIBRARIES=${3:-LLVM 14|RE2 9}" -DOUTPUT="$work/out" -P "$script"
  grep -oE '"[0-9a-f]{64}"' out
}
first=$(version one 'a/x.cc|a/y.cc')
[ "$first" = "$(version two 'a/x.cc|a/y.cc')" ] || { echo "another place, another version"; exit 1; }
[ "$first" = "$(version two 'a/y.cc|a/x.cc')" ] || { echo "another order, another version"; exit 1; }
differs() { [ "$first" != "$1" ] || { echo "the same version after $2"; exit 1; }; }
differs "$(version one 'a/x.cc')" "a file less"
differs "$(version one 'a/x.cc|a/y.cc' 'LLVM 15|RE2 9')" "another library"
echo >> two/a/x.cc
differs "$(version two 'a/x.cc|a/y.cc')" "a changed line"
cp one/a/x.cc two/a/x.cc
mv two/a/y.cc two/a/z.cc
differs "$(version two 'a/x.cc|a/z.cc')" "a renamed file"
