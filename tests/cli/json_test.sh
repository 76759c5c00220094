#!/bin/bash
# The promised names of the JSON report.
source "$(dirname "$0")/common.sh"
exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --format json
holds 'report["tool"]["name"] == "lre-audit" and report["tool"]["version"]'
holds 'report["verdict"] == "FINDINGS"'
holds 'report["subjects"][0]["kind"] == "IMAGE"'
holds 'report["subjects"][0]["reference"] == "oci:'"$world"'/oci:leaky"'
holds 'report["subjects"][0]["digest"].startswith("sha256:")'
holds 'all({"rule", "name", "severity", "subject", "path", "message", "help", "fingerprint"} <= set(f) for f in errors)'
holds 'len({f["fingerprint"] for f in errors}) == len(errors)'
holds 'all(report["statistics"][n] > 0 for n in ("files", "bytes", "store_paths", "elf_objects"))'
