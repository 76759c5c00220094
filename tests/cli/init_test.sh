#!/bin/bash
# lre-audit init writes down what check finds: the verdict stays the same.
source "$(dirname "$0")/common.sh"
findings() { python3 -c 'import json, os
report = json.load(open("out"))
print(report["verdict"])
for f in report.get("findings", []):
    print(f["rule"], f["severity"], os.path.normpath(f.get("path", "")), f.get("location", {}).get("line"), f["message"])
for s in report["subjects"]:
    print(s["kind"], os.path.basename(s["reference"]))' | sort; }

for name in repository repositories/drifted repositories/tool-missing; do
  expected=1
  [ $name != repository ] || expected=0
  discoverable $name
  exits $expected check repository --format json
  findings > discovered
  exits 0 init repository
  grep -q '^#' repository/lre-audit.textproto || fail "it explains nothing"
  exits $expected check repository --format json
  findings > written
  cmp -s discovered written || { diff discovered written > out || true; fail "check says something else after init"; }
done

# It replaces nothing, unless told to.
echo '# mine' > repository/lre-audit.textproto
exits 2 init repository
says --force err
[ "$(cat repository/lre-audit.textproto)" = '# mine' ] || fail "the file was replaced"
exits 0 init repository --force
says 'generated-cc' repository/lre-audit.textproto

# Or writes elsewhere.
exits 0 init repository --output -
mv out standard
exits 0 init repository --output repository/other.textproto
cmp standard repository/other.textproto
exits 2 init repository --output absent/lre-audit.textproto
