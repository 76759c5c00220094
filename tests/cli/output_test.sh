#!/bin/bash
# --output writes further reports beside the one on standard output.
source "$(dirname "$0")/common.sh"
exits 0 image "oci:$world/oci:clean" --closure "$world/closure.json" --output json=report.json
[ -s out ] || fail "no text report"
python3 -c 'import json; assert json.load(open("report.json"))["verdict"] == "CLEAN"'
exits 2 image "oci:$world/oci:clean" --output json=/nonexistent/report.json
exits 2 image "oci:$world/oci:clean" --output yaml=report.yaml
